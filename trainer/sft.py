"""Conversations about pictures, in the Cauldron's layout, made ready for training."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from trainer.plan import rng


def prepare(rows: Iterable[dict], folder: str, out: str, *, seed: int = 0, forbidden: frozenset[str] = frozenset()) -> dict[str, int]:
    """Write `out` (JSON lines) from rows {"images": [file below folder], "texts": [{"user", "assistant"}, ...]}.

    Rows about the same pictures are joined into one conversation (their turns shuffled by `seed`), sizes are added, and
    rows whose pictures' sha256 is in `forbidden` (an evaluation set's) are left out. Returns counts.
    """
    import hashlib

    from PIL import Image

    together: dict[tuple[str, ...], dict] = {}
    counts = {"rows": 0, "conversations": 0, "contaminated": 0}
    for row in rows:
        counts["rows"] += 1
        key = tuple(row["images"])
        if key and key in together:
            together[key]["texts"] += row["texts"]
        else:
            together[key or (f"\0{len(together)}",)] = {**row, "texts": list(row["texts"])}
    with open(out, "w", encoding="utf-8") as f:
        for row in together.values():
            sizes, bad = [], False
            for name in row["images"]:
                file = os.path.join(folder, name)
                with open(file, "rb") as g:
                    bad |= hashlib.sha256(g.read()).hexdigest() in forbidden
                with Image.open(file) as im:
                    sizes.append(list(im.size))
            if bad:
                counts["contaminated"] += 1
                continue
            rng(seed, row["images"]).shuffle(row["texts"])
            f.write(json.dumps({**row, "sizes": sizes}, ensure_ascii=False, sort_keys=True) + "\n")
            counts["conversations"] += 1
    return counts
