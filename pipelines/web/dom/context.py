"""What the blocks around a block were judged to be: the features of the second look, from the chances of the first (markup/context.cpp)."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from pipelines.web.markup import native

LEVELS: Final = 5  # containers above a block that are looked at, each larger than the one before
_AROUND_P = [f"p_{what}{k}" for k in (3, 8, 20) for what in ("before", "after")]
NAMES: Final[tuple[str, ...]] = (
    "p", *(f"p_{side}{k}" for k in (1, 2, 3) for side in ("prev", "next")), *_AROUND_P,
    *(f"p_c{k}" for k in range(1, LEVELS + 1)), *(f"p_s{k}" for k in range(1, LEVELS + 1)),
    "p_path", "p_kind", "p_best_before", "p_best_after", "p_page", "p_kept", "p_twin",
)  # fmt: skip
_TABLE, _SIZE = ctypes.c_void_p, ctypes.c_int64


class _Page(ctypes.Structure):
    """What markup/context.cpp is given."""

    _fields_ = [
        ("chance", _TABLE), ("boxes", _TABLE), ("n_boxes", _SIZE), ("blocks", _TABLE), ("n_blocks", _SIZE), ("length", _TABLE), ("kind", _TABLE),
        ("up", _TABLE), ("group", _TABLE), ("twin_group", _TABLE), ("n_groups", _SIZE), ("n_twins", _SIZE), ("x", _TABLE),
    ]  # fmt: skip


def context_into(
    p: Any, boxes: Any, blocks: Any, length: Any, kind: Any, up: Any, group: Any, n_groups: int, twin_group: Any, n_twins: int, x: Any
) -> None:
    """What the blocks around a block were judged to be: fill x (features, blocks) in the order of NAMES. All of `p`, `length`, `kind` (one for
    each block) and x are float32."""
    n, m = blocks.shape[1], boxes.shape[1]
    tables = {
        "chance": p,
        "boxes": boxes,
        "blocks": blocks,
        "length": length,
        "kind": kind,
        "up": up,
        "group": group,
        "twin_group": twin_group,
        "x": x,
    }
    assert x.shape == (len(NAMES), n)
    given = _Page(
        n_boxes=m, n_blocks=n, n_groups=n_groups, n_twins=n_twins, **dict(zip(tables, native.addresses(*tables.values()), strict=True))
    )
    native.library().weft_look_around(ctypes.byref(given))
