"""One pass over a page: its blocks of text, the containers they stand in, its images.

The parser builds the tree and writes it out again, which costs less than touching its nodes from Python: what it writes is
regular (every element closed, every attribute quoted, `&`, `<`, `>` and no-break spaces escaped), so a compiled loop reads it at
some hundred megabytes a second. A block is a run of text that no block-level element or line break interrupts; containers are block-level
elements, and container 0 is the body.
"""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import tags
from pipelines.web.dom.markup import ITEM_BIT, entity, names, space, tag_end

# rows of `boxes`
PARENT, TAG, HINT, INHERITED, SCOPE, START, END, DEPTH, NAME_AT, NAME_END, PICTURES, PICTURES_END, CONTROLS, CONTROLS_END, TIMES, TIMES_END, TAG_AT, TAG_END = range(18)  # fmt: skip # noqa: E501
BOX_ROWS = 18
# rows of `blocks`
AT, STOP, LINKED, LINKS, BOX, BREAKS, STRONG, CODE = range(8)
BLOCK_ROWS = 8
# rows of `pictures`: the block it stands before, container, its attributes, its <picture>'s sources, in a link, in a <noscript>
BEFORE, IN_BOX, A_AT, A_END, S_AT, S_END, IN_LINK, IN_NOSCRIPT = range(8)
PICTURE_ROWS = 8
# rows of `whole`: element, attributes, and (title) content
W_TAG, W_AT, W_END, W_STOP = range(4)
# entries of `sizes`
N_BOXES, N_BLOCKS, N_PICTURES, N_SOURCES, N_WHOLE, N_OUT, CUT_NODES, CUT_DEPTH, HTML_AT, HTML_END = range(10)

_BLOCK, _SKIP, _IMAGE, _BREAK, _LINK, _SOURCE = tags.BLOCK, tags.SKIP, tags.IMAGE, tags.BREAK, tags.LINK, tags.SOURCE
_NOSCRIPT, _PICTURE, _HEAD, _ROOT, _BODY = tags.NOSCRIPT, tags.PICTURE, tags.HEAD, tags.ROOT, tags.BODY
_STRONG, _CODE, _TIME = tags.STRONG, tags.CODE, tags.TIME
_VOID, _RAW, _PRE, _CONTROL, _WHOLE = tags.VOID, tags.RAW, tags.PRE, tags.CONTROL, tags.WHOLE
_N_P, _N_META, _N_TITLE, _N_INPUT = tags.NUMBER["p"], tags.NUMBER["meta"], tags.NUMBER["title"], tags.NUMBER["input"]


@compiled
def _flush(out, at, o, pre, blocks, n_blocks, linked, links, box, broken, strong, code):  # type: ignore[no-untyped-def]
    """Close the block out[at:o], if it holds more than white space: (blocks, end of the text, line breaks owed)."""
    start = at
    if pre:
        while start < o and (out[start] == 10 or out[start] == 13):
            start += 1
        while o > start and (out[o - 1] <= 32):
            o -= 1
        if o == start:
            return n_blocks, at, broken
    blocks[AT, n_blocks], blocks[STOP, n_blocks], blocks[LINKED, n_blocks], blocks[LINKS, n_blocks] = start, o, linked, links
    blocks[BOX, n_blocks], blocks[BREAKS, n_blocks], blocks[STRONG, n_blocks], blocks[CODE, n_blocks] = box, broken, strong, code
    return n_blocks + 1, o, 0


@compiled
def scan(html, keys, numbers, action, flags_of, scope_of, step, found, max_nodes, max_depth, boxes, blocks, pictures, sources, whole, out, sizes):  # type: ignore[no-untyped-def] # fmt: skip # noqa: E501
    """Fill the tables from serialised HTML. Rows have room for one entry per `<`, `out` for every byte."""
    n = len(html)
    slots = np.uint64(len(keys) - 1)
    stack_name = np.empty(max_depth + 2, np.uint64)
    stack_kind = np.empty(max_depth + 2, np.uint8)
    top = 0
    for k in range(boxes.shape[0]):
        boxes[k, 0] = 0
    n_boxes, n_blocks, n_pictures, n_sources, n_whole = 1, 0, 0, 0, 0
    box = 0
    o = block_at = 0  # where the text ends, where the open block begins
    gap = False  # white space is owed before the next character
    in_link = links = linked = broken = strong = code = 0
    pre = noscript = mute = 0
    controls = times = 0
    source_at = -1
    left = max_nodes
    skip = 0  # open elements below an element that is not read, itself included
    i = 0
    while i < n:
        c = html[i]
        if c != 60:  # text
            if skip or mute or noscript:
                while i < n and html[i] != 60:
                    i += 1
                continue
            left -= 1
            if left < 0:
                sizes[CUT_NODES] = 1
                break
            while i < n:
                c = html[i]
                if c == 60:
                    break
                size = 1
                blank = False
                if c == 38:
                    c, size = entity(html, i, n)
                    blank = c == 32
                elif c <= 32:
                    blank = c == 32 or 9 <= c <= 13 or 28 <= c <= 31
                elif c >= 0xC2:
                    size = space(html, i, n)
                    blank = size > 0
                    if not blank:
                        size = 1
                if pre:
                    if html[i] >= 0xC2 and size > 1:
                        for k in range(size):
                            out[o + k] = html[i + k]
                        o += size
                    else:
                        out[o] = c
                        o += 1
                    if in_link and (c & 0xC0) != 0x80:
                        linked += 1
                elif blank:
                    gap = o > block_at
                else:
                    if gap:
                        out[o] = 32
                        o += 1
                        gap = False
                        if in_link:
                            linked += 1
                    out[o] = c
                    o += 1
                    if in_link and (c & 0xC0) != 0x80:
                        linked += 1
                i += size
            continue
        # a tag, a comment, a doctype
        if i + 1 >= n:
            break
        c = html[i + 1]
        if c == 33:
            if i + 3 < n and html[i + 2] == 45 and html[i + 3] == 45:
                i += 4
                while i < n and not (html[i] == 62 and html[i - 1] == 45 and html[i - 2] == 45):
                    i += 1
                i += 1
            else:
                while i < n and html[i] != 62:
                    i += 1
                i += 1
            continue
        closing = c == 47
        i += 2 if closing else 1
        name_at = i
        h = np.uint64(0)
        while i < n and html[i] != 62 and html[i] != 32:
            h = h * np.uint64(131) + np.uint64(html[i])
            i += 1
        if i == name_at:
            continue
        if closing:
            while i < n and html[i] != 62:
                i += 1
            i += 1
            if skip:
                skip -= 1
                continue
            at = top - 1
            while at >= 0 and stack_name[at] != h:
                at -= 1
            if at < 0:
                continue
            while top > at:
                top -= 1
                kind = stack_kind[top]
                if kind == _BLOCK:
                    if o > block_at:
                        n_blocks, o, broken = _flush(out, block_at, o, pre, blocks, n_blocks, linked, links, box, broken, strong, code)
                        block_at, linked, strong, code = o, 0, 0, 0
                    links = 1 if in_link else 0
                    gap = False
                    boxes[END, box] = n_blocks
                    if boxes[HINT, box] & ITEM_BIT and boxes[PICTURES, box] == n_pictures:  # perhaps an image that a script would put here
                        pictures[BEFORE, n_pictures], pictures[IN_BOX, n_pictures] = boxes[START, box], box
                        pictures[A_AT, n_pictures], pictures[A_END, n_pictures] = boxes[TAG_AT, box], boxes[TAG_END, box]
                        pictures[S_AT, n_pictures] = pictures[S_END, n_pictures] = 0
                        pictures[IN_LINK, n_pictures], pictures[IN_NOSCRIPT, n_pictures] = in_link, noscript
                        n_pictures += 1
                    boxes[PICTURES_END, box], boxes[CONTROLS_END, box], boxes[TIMES_END, box] = n_pictures, controls, times
                    if flags_of[boxes[TAG, box]] & _PRE:
                        pre -= 1
                    if boxes[TAG, box] == _N_P:
                        broken = 0
                    box = boxes[PARENT, box]
                elif kind == _LINK:
                    in_link -= 1
                elif kind == _NOSCRIPT:
                    noscript -= 1
                elif kind == _PICTURE:
                    source_at = -1
                elif kind == _HEAD:
                    mute -= 1
            continue
        end = tag_end(html, i, n)
        at = (h * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(55)
        number = 0
        while keys[at]:
            if keys[at] == h:
                number = numbers[at]
                break
            at = (at + np.uint64(1)) & slots
        flags = flags_of[number]
        act = action[number]
        attributes = i
        i = end + 1
        if flags & _RAW and not flags & _PRE:  # its text may hold anything
            length = end if attributes > end else attributes
            size = length - name_at
            while i + size + 1 < n:
                if html[i] == 60 and html[i + 1] == 47:
                    k = 0
                    while k < size and html[i + 2 + k] == html[name_at + k]:
                        k += 1
                    if k == size:
                        break
                i += 1
            if i + size + 1 >= n:
                i = n
            while i < n and html[i] != 62:
                i += 1
            i += 1
            continue
        if skip:
            if not flags & _VOID:
                skip += 1
            continue
        left -= 1
        if left < 0:
            sizes[CUT_NODES] = 1
            break
        if act == _SKIP:
            if flags & _CONTROL:
                controls += 1
            if flags & _WHOLE and n_whole < whole.shape[1]:
                whole[W_TAG, n_whole], whole[W_AT, n_whole], whole[W_END, n_whole], whole[W_STOP, n_whole] = number, attributes, end, end
                if number == _N_TITLE:
                    k = i
                    while k < n and html[k] != 60:
                        k += 1
                    whole[W_STOP, n_whole] = k
                n_whole += 1
            if not flags & _VOID:
                skip = 1
            continue
        if act == _BREAK:
            if pre:
                out[o] = 10
                o += 1
            else:
                if o > block_at:
                    n_blocks, o, broken = _flush(out, block_at, o, pre, blocks, n_blocks, linked, links, box, broken, strong, code)
                    block_at, linked, strong, code = o, 0, 0, 0
                links = 1 if in_link else 0
                gap = False
                broken += 1
            continue
        if act == _IMAGE:
            pictures[BEFORE, n_pictures] = n_blocks + (1 if o > block_at else 0)
            pictures[IN_BOX, n_pictures] = box
            pictures[A_AT, n_pictures], pictures[A_END, n_pictures] = attributes, end
            pictures[S_AT, n_pictures], pictures[S_END, n_pictures] = (source_at, n_sources) if source_at >= 0 else (0, 0)
            pictures[IN_LINK, n_pictures], pictures[IN_NOSCRIPT, n_pictures] = in_link, noscript
            n_pictures += 1
            continue
        if act == _SOURCE:
            if source_at >= 0:
                sources[0, n_sources], sources[1, n_sources] = attributes, end
                n_sources += 1
            continue
        if flags & _VOID:
            continue
        if top >= max_depth:
            sizes[CUT_DEPTH] = 1
            skip = 1
            continue
        if act == _BLOCK:
            if o > block_at:
                n_blocks, o, broken = _flush(out, block_at, o, pre, blocks, n_blocks, linked, links, box, broken, strong, code)
                block_at, linked, strong, code = o, 0, 0, 0
            links = 1 if in_link else 0
            gap = False
            bits, class_at, class_end = names(html, attributes, end, step, found)
            boxes[PARENT, n_boxes], boxes[TAG, n_boxes], boxes[HINT, n_boxes] = box, number, bits
            boxes[INHERITED, n_boxes] = boxes[INHERITED, box] | bits
            boxes[TAG_AT, n_boxes], boxes[TAG_END, n_boxes] = attributes, end
            boxes[SCOPE, n_boxes] = boxes[SCOPE, box] | scope_of[number]
            boxes[START, n_boxes], boxes[END, n_boxes], boxes[DEPTH, n_boxes] = n_blocks, n_blocks, boxes[DEPTH, box] + 1
            boxes[NAME_AT, n_boxes], boxes[NAME_END, n_boxes] = class_at, class_end
            boxes[PICTURES, n_boxes], boxes[CONTROLS, n_boxes], boxes[TIMES, n_boxes] = n_pictures, controls, times
            box = n_boxes
            n_boxes += 1
            if flags & _PRE:
                pre += 1
        elif act == _LINK:
            in_link += 1
            links += 1
        elif act == _NOSCRIPT:
            noscript += 1
        elif act == _PICTURE:
            source_at = n_sources
        elif act == _HEAD:
            mute += 1
        elif act == _BODY:
            bits, class_at, class_end = names(html, attributes, end, step, found)
            boxes[TAG, 0], boxes[HINT, 0], boxes[NAME_AT, 0], boxes[NAME_END, 0] = number, bits, class_at, class_end
        elif act == _ROOT:
            sizes[HTML_AT], sizes[HTML_END] = attributes, end
        elif act == _STRONG:
            strong += 1
        elif act == _CODE:
            code += 1
        elif act == _TIME:
            times += 1
        stack_name[top], stack_kind[top] = h, act
        top += 1
        if flags & _RAW:  # xmp, plaintext: as it stands, up to the end tag
            size = (attributes if attributes < end else end) - name_at
            while i < n:
                if html[i] == 60 and i + size + 1 < n and html[i + 1] == 47:
                    k = 0
                    while k < size and html[i + 2 + k] == html[name_at + k]:
                        k += 1
                    if k == size:
                        break
                out[o] = html[i]
                o += 1
                i += 1
    if o > block_at:
        n_blocks, o, broken = _flush(out, block_at, o, pre, blocks, n_blocks, linked, links, box, broken, strong, code)
        block_at, linked, strong, code = o, 0, 0, 0
    links = 1 if in_link else 0
    while True:
        boxes[END, box] = n_blocks
        boxes[PICTURES_END, box], boxes[CONTROLS_END, box], boxes[TIMES_END, box] = n_pictures, controls, times
        if box == 0:
            break
        box = boxes[PARENT, box]
    sizes[N_BOXES], sizes[N_BLOCKS], sizes[N_PICTURES], sizes[N_SOURCES] = n_boxes, n_blocks, n_pictures, n_sources
    sizes[N_WHOLE], sizes[N_OUT] = n_whole, o
