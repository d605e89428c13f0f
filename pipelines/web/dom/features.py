"""What a block looks like, as numbers: its own text, the containers it stands in, its neighbours, the page.

All of a page's blocks are measured at once in numpy. Nothing here knows a language: words are counted, never read.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pipelines.web.dom import hints, tags
from pipelines.web.dom.walk import Tree

_STOPS: Final = (".", "!", "?", "…", "。", "！", "？", '."', ".”", ".)", ":")
_HEADINGS: Final = tuple(tags.NUMBER[t] for t in ("h1", "h2", "h3", "h4", "h5", "h6"))
_N: Final = tags.NUMBER
_KIND: Final = {
    _N["p"]: 1, _N["li"]: 2, _N["td"]: 3, _N["th"]: 3, _N["pre"]: 4, _N["dt"]: 5, _N["dd"]: 5, _N["blockquote"]: 6, _N["figcaption"]: 7,
    _N["h1"]: 8, _N["h2"]: 9, _N["h3"]: 10, _N["h4"]: 11, _N["h5"]: 12, _N["h6"]: 12, _N["div"]: 13, _N["section"]: 14, _N["article"]: 14,
}  # fmt: skip
PAGE: Final = (
    "og_article",
    "og_product",
    "og_website",
    "ld_article",
    "ld_product",
    "ld_forum",
    "ld_recipe",
    "ld_list",
    "path_depth",
    "is_root",
    "url_digits",
)
_SCOPE_NAMES: Final = (
    "article",
    "main",
    "nav",
    "aside",
    "header",
    "footer",
    "form",
    "list",
    "table",
    "quote",
    "figure",
    "dl",
    "section",
    "p",
)
_SCOPE_BITS: Final = np.arange(len(_SCOPE_NAMES))[:, None]
_HINT_BITS: Final = np.arange(len(hints.NAMES), dtype=np.int32)[:, None]
_OF_BOX: Final = ("share", "link", "prose", "per_block", "blocks", "stops", "headings")
Columns = dict[str, Any]


def measure(tree: Tree, title: str, page: tuple[float, ...]) -> Columns:
    """Every feature of every block (columns of equal length), for a page with at least one block."""
    text = tree.text
    n = len(text)
    f = np.float32
    length = np.array([len(s) for s in text], f)
    link = np.minimum(np.array(tree.link, f), length)
    words = np.array([s.count(" ") for s in text], f) + 1
    wide = any(not s.isascii() for s in text)
    if wide:
        commas = np.array([s.count(",") + s.count("，") + s.count("、") for s in text], f)
    else:
        commas = np.array([s.count(",") for s in text], f)
    ends = np.array([s.endswith(_STOPS) for s in text], f)
    stops = np.array([s.count(". ") + s.count("。") if wide else s.count(". ") for s in text], f) + ends
    box = np.array(tree.box)
    parent = np.array(tree.parent)
    c: Columns = {}
    density = link / length
    plain = length - link

    # the block's own text
    c["length"] = np.log1p(length)
    c["words"] = np.log1p(words)
    c["word_length"] = length / words
    c["link_density"] = density
    c["links"] = np.array(tree.links, f)
    c["commas"] = commas / words
    c["stops"] = stops / words
    c["ends"] = ends
    c["digit_first"] = np.array([s[0].isdigit() for s in text], f)
    c["upper_first"] = np.array([s[0].isupper() for s in text], f)
    c["shout"] = np.array([s.isupper() for s in text], f)
    c["mark"] = np.array([("©" in s) + 2 * ("|" in s or "»" in s or "›" in s) for s in text], f)
    c["breaks"] = np.minimum(np.array(tree.breaks, f), 4)
    seen: dict[str, int] = {}
    for s in text:
        seen[s] = seen.get(s, 0) + 1
    c["copies"] = np.log2(np.array([seen[s] for s in text], f))
    lower = title.lower()
    c["in_title"] = np.array([len(s) / max(1, len(lower)) if 8 < len(s) <= len(lower) and s.lower() in lower else 0 for s in text], f)

    # its containers
    tag = np.array(tree.tag)
    kind_of = _KIND.get
    box_kind = np.array([kind_of(t, 0) for t in tree.tag], f)
    kind = box_kind[box]
    c["kind"] = kind
    c["kind_p"] = (kind == 1).astype(f)
    c["kind_li"] = (kind == 2).astype(f)
    heading = (kind >= 8) & (kind <= 12)
    c["heading"] = heading.astype(f)
    depth = np.array(tree.depth, f)
    c["depth"] = depth[box]
    scope = np.array(tree.scope)[box]
    where = ((scope >> _SCOPE_BITS) & 1).astype(f)
    for i, group in enumerate(_SCOPE_NAMES):
        c["in_" + group] = where[i]
    own, inherited = np.array(tree.hint, np.int32), np.array(tree.inherited, np.int32)
    up1 = parent[box]
    up2 = parent[up1]
    up3 = parent[up2]
    near = own[box] | own[up1]
    middle = own[up2] | own[up3]
    far = inherited[box]
    called = ((near >> _HINT_BITS) & 1) + ((middle >> _HINT_BITS) & 1) * f(0.5) + ((far >> _HINT_BITS) & 1) * f(0.25)
    for i, name in enumerate(hints.NAMES):
        c["near_" + name] = called[i]

    # sums over a container = differences of running sums, as it holds a range of blocks
    start, end = np.array(tree.start), np.array(tree.end)

    def inside(values: Any) -> Any:
        run = np.concatenate((np.zeros(1), np.cumsum(values, dtype=np.float64)))
        return (run[end] - run[start]).astype(f)

    total = float(length.sum())
    prose = np.where((density < 0.35) & ((words >= 12) | (length >= 60)), plain, 0).astype(f)
    box_length, box_link, box_prose, box_stops = inside(length), inside(link), inside(prose), inside(stops)
    box_blocks = np.maximum(end - start, 1).astype(f)
    box_headings = inside(heading)
    all_prose = max(1.0, float(prose.sum()))
    size = np.maximum(box_length, 1)
    of_box = np.stack((
        size / f(total), box_link / size, box_prose / f(all_prose), np.log1p(size / box_blocks), np.log1p(box_blocks),
        box_stops / size * 100, np.log1p(box_headings),
    ))  # fmt: skip
    level = box
    for k in range(1, 6):
        for name, values in zip(_OF_BOX, of_box[:, level], strict=True):
            c[f"c{k}_{name}"] = values
        level = parent[level]

    # containers that look alike: rows of a list, posts of a thread, cards of a grid
    alike: dict[tuple[int, int, str], int] = {}
    keys = list(zip(tree.parent, tree.tag, tree.name, strict=True))
    for key in keys:
        alike[key] = alike.get(key, 0) + 1
    twins = np.log2(np.array([alike[key] for key in keys], f))
    c["twins1"], c["twins2"], c["twins3"] = twins[box], twins[up1], twins[up2]
    c["twins"] = np.maximum(np.maximum(twins[up1], twins[up2]), np.maximum(twins[up3], twins[parent[up3]]))

    # the part of the page that holds most prose: the deepest container with a given share of it
    at = np.arange(n)
    for name, share in (("body", 0.9), ("core", 0.6), ("heart", 0.4)):
        held = np.nonzero(box_prose >= share * all_prose)[0]
        root = int(held[np.lexsort((held, depth[held]))[-1]]) if len(held) and prose.any() else 0
        s, e = int(start[root]), int(end[root])
        c[f"{name}_in"] = ((at >= s) & (at < e)).astype(f)
        c[f"{name}_off"] = (np.maximum(s - at, 0) - np.maximum(at - e + 1, 0)) / f(n)
        c[f"{name}_density"] = np.full(n, box_link[root] / max(1.0, box_length[root]), f)
        c[f"{name}_rel"] = np.clip((at - s) / max(1, e - s), -1, 2).astype(f)

    # place on the page
    before = np.cumsum(length) - length
    c["place"] = (before / total).astype(f)
    c["index"] = np.log1p(np.arange(n)).astype(f)
    c["from_end"] = np.log1p(np.arange(n)[::-1]).astype(f)
    prose_before = np.cumsum(prose) - prose
    c["prose_place"] = (prose_before / all_prose).astype(f)
    h1 = np.nonzero(kind == 8)[0]
    first = int(h1[np.argmax(c["in_title"][h1])]) if len(h1) else -1
    c["after_h1"] = (np.clip(np.arange(n) - first, -50, 50)).astype(f) if first >= 0 else np.full(n, 99, f)
    last_heading = np.maximum.accumulate(np.where(heading, np.arange(n), -1))
    c["since_heading"] = np.log1p(np.arange(n) - last_heading).astype(f)

    # neighbours
    logs, flat = c["length"], plain
    for k in (1, 2, 3):
        for name, values in (("length", logs), ("link", density), ("kind", kind)):
            c[f"prev{k}_{name}"] = _shift(values, k)
            c[f"next{k}_{name}"] = _shift(values, -k)
    run = np.concatenate((np.zeros(1), np.cumsum(flat, dtype=np.float64)))
    runp = np.concatenate((np.zeros(1), np.cumsum(prose, dtype=np.float64)))
    for k in (4, 12):
        lo, hi = np.maximum(at - k, 0), np.minimum(at + k + 1, n)
        c[f"near{k}_plain"] = np.log1p((run[hi] - run[lo]) / (hi - lo)).astype(f)
        c[f"before{k}_prose"] = np.log1p((runp[at] - runp[lo]) / k).astype(f)
        c[f"after{k}_prose"] = np.log1p((runp[hi] - runp[np.minimum(at + 1, n)]) / k).astype(f)

    # the page
    def ones(value: float) -> Any:
        return np.full(n, value, f)

    c["page_length"] = ones(np.log1p(total))
    c["page_blocks"] = ones(np.log1p(n))
    c["page_link"] = ones(link.sum() / total)
    c["page_prose"] = ones(all_prose / total)
    c["page_p"] = ones(length[kind == 1].sum() / total)
    c["page_longest"] = ones(np.log1p(length.max()))
    c["page_twins"] = ones((length * (c["twins"] >= 2)).sum() / total)
    c["page_articles"] = ones(np.log1p((tag == _N["article"]).sum()))
    c["page_dates"] = ones(np.log1p(sum(1 for b in tree.hint if b & hints.BIT["forum"])))
    for name, value in zip(PAGE, page, strict=True):
        c[name] = ones(value)
    return c


def _shift(values: Any, by: int) -> Any:
    """values[i - by], with -1 beyond the ends."""
    out = np.full(len(values), -1, np.float32)
    if by > 0:
        out[by:] = values[:-by]
    else:
        out[:by] = values[-by:]
    return out


def context(p: Any, length: Any, tree: Tree) -> Columns:
    """What the blocks around a block were judged to be: the second look's features, from the first look's probabilities `p`."""
    f = np.float32
    n = len(p)
    c: Columns = {"p": p.astype(f)}
    weight = np.minimum(length, 400) + 10
    mass = weight * p
    run_w = np.concatenate((np.zeros(1), np.cumsum(weight, dtype=np.float64)))
    run_m = np.concatenate((np.zeros(1), np.cumsum(mass, dtype=np.float64)))
    at = np.arange(n)
    for k in (1, 2, 3):
        c[f"p_prev{k}"], c[f"p_next{k}"] = _shift(p, k), _shift(p, -k)
    for k in (3, 8, 20):
        lo, hi = np.maximum(at - k, 0), np.minimum(at + k + 1, n)
        c[f"p_before{k}"] = ((run_m[at] - run_m[lo]) / np.maximum(run_w[at] - run_w[lo], 1)).astype(f)
        after = np.minimum(at + 1, n)
        c[f"p_after{k}"] = ((run_m[hi] - run_m[after]) / np.maximum(run_w[hi] - run_w[after], 1)).astype(f)
    parent, box = np.array(tree.parent), np.array(tree.box)
    start, end = np.array(tree.start), np.array(tree.end)
    mean = ((run_m[end] - run_m[start]) / np.maximum(run_w[end] - run_w[start], 1)).astype(f)
    share = ((run_m[end] - run_m[start]) / max(1.0, float(run_m[-1]))).astype(f)
    level = box
    for k in range(1, 6):
        c[f"p_c{k}"] = mean[level]
        c[f"p_s{k}"] = share[level]
        level = parent[level]
    # what blocks in containers of the same name and place in the tree were judged to be
    keys = [(tree.tag[b], tree.name[b], tree.name[tree.parent[b]]) for b in tree.box]
    number: dict[tuple[int, str, str], int] = {}
    group = np.array([number.setdefault(k, len(number)) for k in keys])
    c["p_alike"] = (np.bincount(group, mass) / np.bincount(group, weight))[group].astype(f)
    highest = np.maximum.accumulate(p)
    c["p_best_before"] = _shift(highest, 1)
    c["p_best_after"] = _shift(np.maximum.accumulate(p[::-1])[::-1], -1)
    c["p_page"] = np.full(n, run_m[-1] / run_w[-1], f)
    c["p_kept"] = np.full(n, np.log1p(float((length * p).sum())), f)
    return c
