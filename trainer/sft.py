"""Conversations about pictures, in the Cauldron's layout, made ready for training."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator

from trainer.plan import rng

Contaminated = Callable[[list[bytes], list[str]], str]  # (pictures, texts) -> the evaluation set they overlap, or ""


class SftError(ValueError):
    """A row cannot be used; names file and row."""


def rows_of(file: str, folder: str) -> Iterator[dict]:
    """Rows {"images": [file below folder], "texts": [{"user", "assistant"}, ...]} of a .jsonl or of one of the Cauldron's .parquet files.

    Pictures inside a parquet are written into `folder`, named by their bytes. Raises SftError.
    """
    if not file.endswith(".parquet"):
        with open(file, encoding="utf-8") as f:
            for n, text in enumerate(f, 1):
                if text.strip():
                    try:
                        row = json.loads(text)
                        yield {**row, "images": list(row.get("images") or []), "texts": list(row["texts"])}
                    except (ValueError, KeyError, TypeError) as e:
                        raise SftError(f"{file}:{n}: no conversation ({type(e).__name__}: {e})") from e
        return
    import pyarrow.parquet as pq

    os.makedirs(folder, exist_ok=True)
    for batch in pq.ParquetFile(file).iter_batches(64):
        for row in batch.to_pylist():
            names = []
            for picture in row.get("images") or []:
                if not picture.get("bytes"):
                    raise SftError(f"{file}: a picture without bytes ({picture.get('path')})")
                names.append(hashlib.sha256(picture["bytes"]).hexdigest()[:32])
                with open(os.path.join(folder, names[-1]), "wb") as f:
                    f.write(picture["bytes"])
            yield {"images": names, "texts": [{"user": t["user"], "assistant": t["assistant"]} for t in row["texts"]]}


def prepare(
    rows: Iterable[dict], folder: str, out: str, *, seed: int = 0, ordered: bool = False, contaminated: Contaminated | None = None
) -> dict[str, int]:
    """Write `out` (JSON lines), beside or above the pictures in `folder`, as sources of kind `sft` read it.

    Rows about the same pictures become one conversation; its turns are shuffled by `seed`, unless `ordered` (turns that refer to earlier
    ones). Sizes are added. What `contaminated` names is left out, as is what shows a picture that cannot be read; both are counted.
    """
    from PIL import Image

    root = os.path.dirname(os.path.abspath(out))
    together: dict[tuple[str, ...], dict] = {}
    counts = {"rows": 0, "conversations": 0, "turns": 0, "contaminated": 0, "unreadable": 0}
    for row in rows:
        counts["rows"] += 1
        key = tuple(row["images"]) or (f"\0{len(together)}",)  # text alone is never joined
        if key in together:
            together[key]["texts"] += row["texts"]
        else:
            together[key] = {**row, "texts": list(row["texts"])}
    part = f"{out}.part"
    with open(part, "w", encoding="utf-8") as f:
        for row in together.values():
            try:
                pictures = []
                for name in row["images"]:
                    with open(os.path.join(folder, name), "rb") as g:
                        pictures.append(g.read())
                sizes = [list(Image.open(io.BytesIO(p)).size) for p in pictures]
            except OSError:
                counts["unreadable"] += 1
                continue
            if contaminated and contaminated(pictures, [f"{t['user']} {t['assistant']}" for t in row["texts"]]):
                counts["contaminated"] += 1
                continue
            if not ordered:
                rng(seed, row["images"], row["texts"][0]["user"]).shuffle(row["texts"])
            names = [os.path.relpath(os.path.join(folder, n), root) for n in row["images"]]
            f.write(json.dumps({**row, "images": names, "sizes": sizes}, ensure_ascii=False, sort_keys=True) + "\n")
            counts["conversations"] += 1
            counts["turns"] += len(row["texts"])
    os.replace(part, out)
    return counts
