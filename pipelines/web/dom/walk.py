"""One pass over the tree: the page as blocks of text and images, and the containers they stand in.

A block is a run of text that no block-level element or line break interrupts. Containers are block-level elements; both are kept
as parallel lists, because a page has thousands of them and a Python object for each would cost more than the parser does.
"""

from __future__ import annotations

from typing import Any, Final

from pipelines.web.dom import tags
from pipelines.web.dom.hints import BIT, bits

_PRE: Final = frozenset(tags.NUMBER[t] for t in ("pre", "listing", "plaintext", "xmp"))
_HIDDEN: Final = BIT["hidden"]
_META, _SCRIPT = tags.NUMBER["meta"], tags.NUMBER["script"]
_P: Final = tags.NUMBER["p"]


class Tree:
    """What `walk` finds. Container 0 is the body; a container holds the blocks [start, end)."""

    __slots__ = (
        "truncated", "parent", "tag", "hint", "inherited", "scope", "start", "end", "name", "depth",
        "text", "link", "links", "box", "breaks", "pictures", "apart",
    )  # fmt: skip

    def __init__(self) -> None:
        self.truncated = ""
        # containers
        self.parent: list[int] = [0]
        self.tag: list[int] = [tags.NUMBER["body"]]
        self.hint: list[int] = [0]  # groups of names of the element itself
        self.inherited: list[int] = [0]  # of the element and all above it
        self.scope: list[int] = [0]  # kinds of element it is or stands in
        self.start: list[int] = [0]
        self.end: list[int] = [0]
        self.name: list[str] = [""]  # class attribute
        self.depth: list[int] = [0]
        # blocks
        self.text: list[str] = []
        self.link: list[int] = []  # characters of text that are links
        self.links: list[int] = []  # number of links
        self.box: list[int] = []  # the container
        self.breaks: list[int] = []  # line breaks just before it
        self.apart: list[Any] = []  # <meta> and <script> elements
        # images: (block index it stands before, container, attributes, sources of its <picture>, in a link, in a <noscript>)
        self.pictures: list[tuple[int, int, dict[str, str | None], list[dict[str, str | None]], bool, bool]] = []


def walk(body: Any, max_nodes: int, max_depth: int) -> Tree:
    """Read the tree under `body` (a selectolax node). Stops at `max_nodes`; leaves out what is nested deeper than `max_depth`."""
    t = Tree()
    action_of, scope_of = tags.ACTION.get, tags.SCOPE.get
    parent, tag_of, hint, inherited, scope = t.parent, t.tag, t.hint, t.inherited, t.scope
    start, end, names, depths = t.start, t.end, t.name, t.depth
    texts, link, links, boxes, breaks = t.text, t.link, t.links, t.box, t.breaks
    pieces: list[str] = []
    add = pieces.append
    box = 0
    in_link = linked = n_links = broken = 0
    pre = noscript = 0
    sources: list[dict[str, str | None]] = []
    stack: list[tuple[Any, int]] = []
    push, pop = stack.append, stack.pop
    left = max_nodes

    def flush() -> None:
        nonlocal linked, n_links, broken
        text = "".join(pieces)
        pieces.clear()
        text = text.strip("\n\r").rstrip() if pre else " ".join(text.split())
        if text:
            texts.append(text)
            link.append(linked)
            links.append(n_links)
            boxes.append(box)
            breaks.append(broken)
            broken = 0
        linked = n_links = 0

    node = body.first_child
    while True:
        while node is None:
            if not stack:
                if pieces:
                    flush()
                t.end[0] = len(texts)
                return t
            node, kind = pop()
            if kind == 0:  # inline
                continue
            if kind == 1:  # block
                if pieces:
                    flush()
                end[box] = len(texts)
                if tag_of[box] in _PRE:
                    pre -= 1
                if tag_of[box] == _P:
                    broken = 0
                box = parent[box]
            elif kind == 2:
                in_link -= 1
            elif kind == 3:
                noscript -= 1
            else:
                sources = []
        left -= 1
        if left < 0:
            t.truncated = "max_nodes"
            if pieces:
                flush()
            total = len(texts)
            while box:
                end[box] = total
                box = parent[box]
            end[0] = total
            return t
        number = node.tag_id
        act = action_of(number, 0)
        if act == 3:  # text
            if not noscript:
                piece = node.text_content
                if pre or not piece.isspace():
                    add(piece)
                    if in_link:
                        linked += len(piece)
                elif pieces:
                    add(" ")
            node = node.next
            continue
        if act == 0:  # inline
            child = node.first_child
            if child is None or len(stack) >= max_depth:
                if child is not None:
                    t.truncated = t.truncated or "max_depth"
                node = node.next
                continue
            push((node.next, 0))
            node = child
            continue
        if act == 2:  # not text
            if number == _META or number == _SCRIPT:
                t.apart.append(node)
            node = node.next
            continue
        if act == 1:  # block
            if pieces:
                flush()
            child = node.first_child
            if child is None or len(stack) >= max_depth:
                if child is not None:
                    t.truncated = t.truncated or "max_depth"
                node = node.next
                continue
            attributes = node.attributes
            own = 0
            name = ""
            if attributes:
                name = attributes.get("class") or ""
                own = bits(name) if name else 0
                identity = attributes.get("id")
                if identity:
                    own |= bits(identity)
                if "style" in attributes:
                    style = attributes["style"] or ""
                    if "display" in style and "none" in style.partition("display")[2][:8]:
                        own |= _HIDDEN
                if "hidden" in attributes or attributes.get("aria-hidden") == "true":
                    own |= _HIDDEN
                role = attributes.get("role") or attributes.get("itemprop")
                if role:
                    own |= bits(role)
            above = box
            box = len(parent)
            parent.append(above)
            tag_of.append(number)
            hint.append(own)
            inherited.append(inherited[above] | own)
            scope.append(scope[above] | scope_of(number, 0))
            start.append(len(texts))
            end.append(0)
            names.append(name)
            depths.append(depths[above] + 1)
            if number in _PRE:
                pre += 1
            push((node.next, 1))
            node = child
            continue
        if act == 6:  # link
            child = node.first_child
            if child is None or len(stack) >= max_depth:
                node = node.next
                continue
            in_link += 1
            n_links += 1
            push((node.next, 2))
            node = child
            continue
        if act == 5:  # br, hr
            if pre:
                add("\n")
            else:
                if pieces:
                    flush()
                broken += 1
            node = node.next
            continue
        if act == 4:  # img
            t.pictures.append((len(texts) + (1 if pieces else 0), box, node.attributes, sources, in_link > 0, noscript > 0))
            node = node.next
            continue
        if act == 7:  # source
            if stack and stack[-1][1] == 4:
                sources.append(node.attributes)
            child = node.first_child
            if child is not None and len(stack) < max_depth:
                push((node.next, 0))
                node = child
            else:
                node = node.next
            continue
        child = node.first_child
        if child is None or len(stack) >= max_depth:
            node = node.next
            continue
        if act == 8:
            noscript += 1
            push((node.next, 3))
        else:
            sources = []
            push((node.next, 4))
        node = child
