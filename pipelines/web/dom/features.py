"""What a block looks like, as numbers: its own text, the containers it stands in, its neighbours, the page.

All of a page's blocks are measured in one compiled loop over its tables. Nothing here knows a language: words are counted and
compared, never read.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import context, hints, pagehints, repeats, scan, tags, words
from pipelines.web.dom.context import LEVELS
from pipelines.web.dom.markup import GONE_BIT
from pipelines.web.dom.sums import bits, groups, ladder, picked, running, shares, signatures, weighed

_N: Final = tags.NUMBER
KIND: Final = np.zeros(len(_N) + 1, np.float32)
for _t, _k in dict(
    p=1,
    li=2,
    td=3,
    th=3,
    pre=4,
    dt=5,
    dd=5,
    blockquote=6,
    figcaption=7,
    h1=8,
    h2=9,
    h3=10,
    h4=11,
    h5=12,
    h6=12,
    div=13,
    section=14,
    article=14,
).items():
    KIND[_N[_t]] = _k

_TEXT = (
    "length words word_length link_density links commas stops ends digit_first upper_first shout mark breaks copies alike digits strong"
    " code in_title covers_title in_summary in_ld kind kind_p kind_li heading depth"
).split()
_OF_LEVEL = "share link prose per_block blocks stops headings pictures controls times tag twins twin_share twin_mean".split()
_PATH = "path_count path_share path_link path_mean path_prose path_span".split()
_CORE = [f"{root}_{what}" for root in ("body", "core", "heart") for what in ("in", "off", "density", "rel")]
_MEET = "title_up title_share title_off longest_up longest_share longest_off".split()
_PLACE = "place index from_end prose_place after_h1 since_heading last_heading".split()
_NEAR = [f"{side}{k}_{what}" for k in (1, 2, 3) for side in ("prev", "next") for what in ("length", "link", "kind")]
_AROUND = [f"{what}{k}_{of}" for k in (4, 12) for what, of in (("near", "plain"), ("before", "prose"), ("after", "prose"))]
_PAGE = (
    "page_length page_blocks page_link page_prose page_p page_li page_cells page_longest page_twins page_articles page_forums page_pictures"
    " page_controls page_times page_headings page_mean"
).split()
NAMES: Final[tuple[str, ...]] = (
    *_TEXT, *(f"in_{s}" for s in tags.SCOPE_NAMES), *(f"near_{h}" for h in hints.NAMES), *(f"at_{h}" for h in hints.NAMES),
    *(f"c{k}_{what}" for k in range(1, LEVELS + 1) for what in _OF_LEVEL), *_PATH, *_CORE, *_MEET, *_PLACE, *_NEAR, *_AROUND, *_PAGE,
    *pagehints.NAMES,
)  # fmt: skip
_SCOPES, _HINTS = len(tags.SCOPE_NAMES), len(hints.NAMES)
_PARENT, _TAG, _HINT, _INHERITED, _SCOPE, _START, _END, _DEPTH = (
    scan.PARENT, scan.TAG, scan.HINT, scan.INHERITED, scan.SCOPE, scan.START, scan.END, scan.DEPTH
)  # fmt: skip
_NAME_AT, _NAME_END = scan.NAME_AT, scan.NAME_END
_PICTURES, _PICTURES_END, _CONTROLS, _CONTROLS_END, _TIMES, _TIMES_END = (
    scan.PICTURES, scan.PICTURES_END, scan.CONTROLS, scan.CONTROLS_END, scan.TIMES, scan.TIMES_END
)  # fmt: skip
_LINKED, _LINKS, _BOX, _BREAKS, _STRONG, _CODE = scan.LINKED, scan.LINKS, scan.BOX, scan.BREAKS, scan.STRONG, scan.CODE
_LENGTH, _WORDS, _COMMAS, _STOPS, _ENDS = words.LENGTH, words.WORDS, words.COMMAS, words.STOPS, words.ENDS
_DIGIT, _UPPER, _SHOUT, _MARK, _DIGITS, _COPIES, _ALIKE = (
    words.DIGIT, words.UPPER, words.SHOUT, words.MARK, words.DIGITS, words.COPIES, words.ALIKE
)  # fmt: skip
_ARTICLE = _N["article"]
_FORUM = hints.BIT["forum"]
_FAR = 60


@compiled
def _filled(out):  # type: ignore[no-untyped-def]
    """Logarithms of whole numbers, in the precision of `out`."""
    for k in range(len(out)):
        out[k] = k
        out[k] = math.log1p(out[k])
    return out


_LOGS: Final = _filled(np.zeros(1 << 10, np.float64))
_LOGS32: Final = _filled(np.zeros(1 << 10, np.float32))


@compiled
def log1p(known, k):  # type: ignore[no-untyped-def]
    """log(1 + k) of a whole number, from the table of small ones if it can be: a logarithm costs as much as thirty sums."""
    return known[int(k)] if k < len(known) else math.log1p(k)


@compiled
def log2(k):  # type: ignore[no-untyped-def]
    """log2 of a count, which mostly is one."""
    return math.log2(k) if k > 1 else 0.0


@compiled
def measure_into(html, boxes, blocks, facts, word, first, title, summary, told, kinds, logs, logs32, page, x):  # type: ignore[no-untyped-def]
    """Fill x (features, blocks) in the order of NAMES; returns what `context_into` and the pictures need again."""
    n, m = blocks.shape[1], boxes.shape[1]
    r = 0
    box = blocks[_BOX]
    length, n_words = facts[_LENGTH], facts[_WORDS]
    link = np.empty(n, np.float32)
    prose = np.empty(n, np.float32)
    plain = np.empty(n, np.float32)
    heading = np.zeros(n, np.float32)
    kind = np.empty(n, np.float32)
    total = all_link = all_prose = longest = 0.0
    longest_at = 0
    for b in range(n):
        link[b] = min(length[b], np.float32(blocks[_LINKED, b]))
        plain[b] = length[b] - link[b]
        kind[b] = kinds[boxes[_TAG, box[b]]]
        heading[b] = 8 <= kind[b] <= 12
        prose[b] = plain[b] if link[b] < 0.35 * length[b] and (n_words[b] >= 12 or length[b] >= 60) else 0
        total += length[b]
        all_link += link[b]
        all_prose += prose[b]
        if plain[b] > longest:
            longest, longest_at = plain[b], b
    some_prose = all_prose > 0
    all_prose = max(1.0, all_prose)
    shares(word, first, title, summary, told, x[18:22])
    best_title, title_at = 0.0, -1
    for b in range(n):
        w = n_words[b]
        x[0, b], x[1, b], x[2, b] = log1p(logs32, length[b]), log1p(logs32, w), length[b] / w
        x[3, b], x[4, b] = link[b] / length[b], blocks[_LINKS, b]
        x[5, b], x[6, b], x[7, b] = facts[_COMMAS, b] / w, facts[_STOPS, b] / w, facts[_ENDS, b]
        x[8, b], x[9, b], x[10, b], x[11, b] = facts[_DIGIT, b], facts[_UPPER, b], facts[_SHOUT, b], facts[_MARK, b]
        x[12, b], x[13, b], x[14, b] = min(4, blocks[_BREAKS, b]), log2(facts[_COPIES, b]), log2(facts[_ALIKE, b])
        x[15, b], x[16, b], x[17, b] = facts[_DIGITS, b] / length[b], blocks[_STRONG, b], blocks[_CODE, b]
        x[22, b], x[23, b], x[24, b], x[25, b], x[26, b] = kind[b], kind[b] == 1, kind[b] == 2, heading[b], boxes[_DEPTH, box[b]]
        likeness = x[18, b] * x[19, b] * (1.3 if kind[b] == 8 else 1.1 if heading[b] else 1.0 - 0.5 * (link[b] > 0))
        if x[18, b] > 0 and likeness > best_title + 0.01:
            best_title, title_at = likeness, b
    r = 27
    # names, bit by bit: of the block's container and the one above it, of the two above those, of all of them
    scope, near, middle, far, here = (
        np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    )  # fmt: skip
    for b in range(n):
        c = box[b]
        up1 = boxes[_PARENT, c]
        up2 = boxes[_PARENT, up1]
        up3 = boxes[_PARENT, up2]
        scope[b], here[b], far[b] = boxes[_SCOPE, c], boxes[_HINT, c], boxes[_INHERITED, c]
        near[b], middle[b] = boxes[_HINT, c] | boxes[_HINT, up1], boxes[_HINT, up2] | boxes[_HINT, up3]
    for k in range(_SCOPES):
        bits(scope, k, x[r + k])
    r += _SCOPES
    for k in range(_HINTS):
        weighed(near, middle, far, k, x[r + k])
        bits(here, k, x[r + _HINTS + k])
    r += 2 * _HINTS

    # sums over a container = differences of running sums, as it holds a range of blocks
    run_length, run_link, run_prose, run_stops, run_heading = (
        running(length), running(link), running(prose), running(facts[_STOPS]), running(heading)
    )  # fmt: skip
    run_plain = running(plain)
    own, path = signatures(html, boxes)
    keys = np.empty(m, np.uint64)
    for c in range(m):
        keys[c] = own[c] + np.uint64(boxes[_PARENT, c]) * np.uint64(0x9E3779B97F4A7C15)
    twin_group, n_twins = groups(keys)
    twins, twin_text = np.zeros(n_twins, np.float64), np.zeros(n_twins, np.float64)
    of_box = np.empty((14, m), np.float32)
    for c in range(m):
        s, e = boxes[_START, c], boxes[_END, c]
        size = run_length[e] - run_length[s]
        if c:
            twins[twin_group[c]] += 1
            twin_text[twin_group[c]] += size
        some = max(1.0, size)
        count = max(1, e - s)
        of_box[0, c], of_box[1, c] = some / total, (run_link[e] - run_link[s]) / some
        of_box[2, c] = (run_prose[e] - run_prose[s]) / all_prose
        of_box[3, c], of_box[4, c] = math.log1p(some / count), log1p(logs, count)
        of_box[5, c], of_box[6, c] = (run_stops[e] - run_stops[s]) / some * 100, log1p(logs, run_heading[e] - run_heading[s])
        of_box[7, c] = log1p(logs, boxes[_PICTURES_END, c] - boxes[_PICTURES, c])
        of_box[8, c] = log1p(logs, boxes[_CONTROLS_END, c] - boxes[_CONTROLS, c])
        of_box[9, c] = log1p(logs, boxes[_TIMES_END, c] - boxes[_TIMES, c])
        of_box[10, c] = kinds[boxes[_TAG, c]]
    for c in range(m):
        g = twin_group[c]
        of_box[11, c] = log2(twins[g])
        of_box[12, c] = twin_text[g] / total
        of_box[13, c] = math.log1p(twin_text[g] / max(1.0, twins[g]))
    up = ladder(boxes)
    # of several containers around the same blocks, the one with most siblings alike speaks for all
    for c in range(1, m):
        p = boxes[_PARENT, c]
        if p and up[c] == up[p] and of_box[11, p] > of_box[11, c]:
            of_box[11, c], of_box[12, c], of_box[13, c] = of_box[11, p], of_box[12, p], of_box[13, p]
    most_twins = np.zeros(n, np.float32)
    at = box.copy()
    for k in range(LEVELS):
        for j in range(14):
            picked(of_box[j], at, x[r + j])
        for b in range(n):
            if k < 4:
                most_twins[b] = max(most_twins[b], of_box[11, at[b]])
            at[b] = up[at[b]]
        r += 14

    # blocks that stand at the end of the same path of tags and classes
    path_keys = np.empty(n, np.uint64)
    for b in range(n):
        path_keys[b] = path[box[b]]
    group, n_groups = groups(path_keys)
    g_count, g_size, g_link, g_prose = np.zeros(n_groups), np.zeros(n_groups), np.zeros(n_groups), np.zeros(n_groups)
    g_first, g_last = np.full(n_groups, -1), np.zeros(n_groups)
    for b in range(n):
        g = group[b]
        g_count[g] += 1
        g_size[g] += length[b]
        g_link[g] += link[b]
        g_prose[g] += prose[b]
        if g_first[g] < 0:
            g_first[g] = b
        g_last[g] = b
    for b in range(n):
        g = group[b]
        x[r, b], x[r + 1, b], x[r + 2, b] = log1p(logs, g_count[g]), g_size[g] / total, g_link[g] / g_size[g]
        x[r + 3, b], x[r + 4, b], x[r + 5, b] = math.log1p(g_size[g] / g_count[g]), g_prose[g] / all_prose, (g_last[g] - g_first[g]) / n
    r += 6

    # the part of the page that holds most prose: the deepest container with a given share of it
    for share in (0.9, 0.6, 0.4):
        root, root_depth = 0, -1
        if some_prose:
            for c in range(m):
                held = run_prose[boxes[_END, c]] - run_prose[boxes[_START, c]]
                if held >= share * all_prose and boxes[_DEPTH, c] >= root_depth:
                    root, root_depth = c, boxes[_DEPTH, c]
        s, e = boxes[_START, root], boxes[_END, root]
        for b in range(n):
            x[r, b] = s <= b < e
            x[r + 1, b] = (max(0, s - b) - max(0, b - e + 1)) / n
            x[r + 2, b] = of_box[1, root]
            x[r + 3, b] = min(2.0, max(-1.0, (b - s) / max(1, e - s)))
        r += 4

    # how far up a block meets the title, and the longest paragraph
    for mark in range(2):
        target = title_at if mark == 0 else longest_at
        for b in range(n):
            if target < 0:
                x[r, b], x[r + 1, b], x[r + 2, b] = -1, -1, 99
                continue
            c, steps = box[b], 0
            while c and not boxes[_START, c] <= target < boxes[_END, c]:
                c = up[c]
                steps += 1
            x[r, b], x[r + 1, b], x[r + 2, b] = steps, of_box[0, c], min(_FAR, max(-_FAR, b - target))
        r += 3

    # place on the page
    h1, best = -1, -2.0
    for b in range(n):
        if kind[b] == 8 and x[19, b] > best:
            h1, best = b, x[19, b]
    last = -1
    last_kind = 0.0
    for b in range(n):
        if heading[b]:
            last, last_kind = b, kind[b]
        x[r, b], x[r + 1, b], x[r + 2, b] = run_length[b] / total, log1p(logs, b), log1p(logs, n - 1 - b)
        x[r + 3, b] = run_prose[b] / all_prose
        x[r + 4, b] = min(50, max(-50, b - h1)) if h1 >= 0 else 99
        x[r + 5, b], x[r + 6, b] = log1p(logs, b - last), last_kind
    r += 7
    for k in range(1, 4):
        for b in range(n):
            i = b - k
            if i >= 0:
                x[r, b], x[r + 1, b], x[r + 2, b] = x[0, i], x[3, i], kind[i]
            else:
                x[r, b], x[r + 1, b], x[r + 2, b] = -1, -1, -1
            i = b + k
            if i < n:
                x[r + 3, b], x[r + 4, b], x[r + 5, b] = x[0, i], x[3, i], kind[i]
            else:
                x[r + 3, b], x[r + 4, b], x[r + 5, b] = -1, -1, -1
        r += 6
    for k in (4, 12):
        for b in range(n):
            lo, hi = max(b - k, 0), min(b + k + 1, n)
            x[r, b] = math.log1p((run_plain[hi] - run_plain[lo]) / (hi - lo))
            x[r + 1, b] = math.log1p((run_prose[b] - run_prose[lo]) / k)
            x[r + 2, b] = math.log1p((run_prose[hi] - run_prose[min(b + 1, n)]) / k)
        r += 3

    # the page
    in_p = in_li = in_cells = in_twins = headings = 0.0
    for b in range(n):
        in_p += length[b] * (kind[b] == 1)
        in_li += length[b] * (kind[b] == 2)
        in_cells += length[b] * (kind[b] == 3)
        in_twins += length[b] * (most_twins[b] >= 2)
        headings += heading[b]
    articles = forums = 0.0
    for c in range(m):
        articles += boxes[_TAG, c] == _ARTICLE
        forums += (boxes[_HINT, c] & _FORUM) > 0
    about = np.empty(16, np.float32)
    about[0], about[1], about[2], about[3] = math.log1p(total), math.log1p(float(n)), all_link / total, all_prose / total
    about[4], about[5], about[6], about[7] = in_p / total, in_li / total, in_cells / total, math.log1p(longest)
    about[8], about[9], about[10], about[11] = in_twins / total, math.log1p(articles), math.log1p(forums), of_box[7, 0]
    about[12], about[13], about[14], about[15] = of_box[8, 0], of_box[9, 0], math.log1p(headings), math.log1p(total / n)
    for value in about:
        for b in range(n):
            x[r, b] = value
        r += 1
    for value in page:
        for b in range(n):
            x[r, b] = value
        r += 1
    return up, group, n_groups, twin_group, n_twins


class Measured:
    """The features of a page's blocks, and what the second look needs beside them."""

    def __init__(self, tree: Any, title: str, summary: str, told: str, page: tuple[float, ...]):
        self.tree = tree
        self.facts, word, first = words.measure(tree)
        self.words = word, first
        self.x = np.empty((len(NAMES) + len(context.NAMES), tree.n), np.float32)
        told_grams = words.table_of(words.grams(words.of(told), 3))
        self.tables = measure_into(
            tree.data, tree.boxes, tree.blocks, self.facts, word, first, words.table_of(words.of(title)), words.table_of(words.of(summary)),
            told_grams, KIND, _LOGS, _LOGS32, np.array(page, np.float32), self.x[: len(NAMES)],
        )  # fmt: skip

    def once(self, keep: Any) -> Any:
        """The blocks to keep without those that repeat others."""
        boxes, box = self.tree.boxes, self.tree.blocks[_BOX]
        gone = ((boxes[_HINT] | boxes[_INHERITED])[box] & GONE_BIT) > 0
        return repeats.without(keep, *self.words, self.tables[1], gone)

    def look_around(self, p: Any) -> None:
        """Fill the second look's features from the first look's chances."""
        kind = self.x[NAMES.index("kind")]
        around = self.x[len(NAMES) :]
        context.context_into(p.astype(np.float32), self.tree.boxes, self.tree.blocks, self.facts[_LENGTH], kind, *self.tables, around)
