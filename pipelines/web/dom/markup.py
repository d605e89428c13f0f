"""Pieces of serialised HTML, read byte by byte in compiled code: tags, attributes, escapes, white space."""

from __future__ import annotations

from filters.compiled import compiled

HIDDEN_BIT = 1 << 15  # hints.BIT["hidden"], checked in the tests
ITEM_BIT = 1 << 30  # the element has an itemid
GONE_BIT = 1 << 29  # a browser does not show the element, by its own attributes: hidden, display: none, visibility: hidden
LONGEST_NAME = 512  # bytes of a class attribute that are looked at


@compiled
def name_bits(html, at, end, step, found):  # type: ignore[no-untyped-def]
    """Groups of hints.py whose words occur in html[at:end]."""
    state = step[0, 0]
    border = True
    lower = False
    bits = 0
    for i in range(at, min(end, at + LONGEST_NAME)):
        c = html[i]
        if 97 <= c <= 122:
            state = step[state, c - 96]
            border, lower = False, True
        elif 65 <= c <= 90:
            if lower:
                state = step[state, 0]
                bits |= found[state]
            state = step[state, c - 64]
            border, lower = False, False
        else:
            if not border:
                state = step[state, 0]
                border = True
            lower = False
        bits |= found[state]
    if not border:
        bits |= found[step[state, 0]]
    return bits


@compiled
def tag_end(html, i, n):  # type: ignore[no-untyped-def]
    """Index of the `>` that ends the tag in which `i` stands (n if none does)."""
    while i < n:
        c = html[i]
        if c == 62:
            return i
        if c == 34 and html[i - 1] == 61:
            i += 1
            while i < n and html[i] != 34:
                i += 1
        i += 1
    return n


@compiled
def attribute(html, i, end):  # type: ignore[no-untyped-def]
    """(start and end of the next attribute's name, of its value, where to go on); start = end when there is none."""
    while i < end and html[i] == 32:
        i += 1
    name = i
    while i < end and html[i] != 32 and not (html[i] == 61 and i > name):
        i += 1
    stop = i
    if i + 1 < end and html[i] == 61 and html[i + 1] == 34:
        i += 2
        value = i
        while i < end and html[i] != 34:
            i += 1
        return name, stop, value, i, i + 1
    return name, stop, i, i, i


@compiled
def _display_none(html, at, end):  # type: ignore[no-untyped-def]
    """A style attribute says `display: none`."""
    i = at
    while i + 11 < end:
        if html[i] == 100 and html[i + 1] == 105 and html[i + 2] == 115 and html[i + 3] == 112 and html[i + 6] == 121:
            j = i + 7
            while j < end and (html[j] == 32 or html[j] == 58):
                j += 1
            if j + 3 < end and html[j] == 110 and html[j + 1] == 111 and html[j + 2] == 110 and html[j + 3] == 101:
                return True
        i += 1
    return False


@compiled
def _visibility_hidden(html, at, end):  # type: ignore[no-untyped-def]
    """A style attribute says `visibility: hidden`."""
    i = at
    while i + 16 < end:
        if html[i] == 118 and html[i + 1] == 105 and html[i + 2] == 115 and html[i + 3] == 105 and html[i + 9] == 121:
            j = i + 10
            while j < end and (html[j] == 32 or html[j] == 58):
                j += 1
            if j + 5 < end and html[j] == 104 and html[j + 1] == 105 and html[j + 2] == 100 and html[j + 5] == 110:
                return True
        i += 1
    return False


@compiled
def names(html, at, end, step, found):  # type: ignore[no-untyped-def]
    """(hint bits of an element's attributes, start and end of its class)."""
    bits = 0
    class_at = class_end = at
    i = at
    while i < end:
        a, b, v, w, i = attribute(html, i, end)
        size = b - a
        if size == 0:
            break
        c = html[a]
        if size == 5 and c == 99 and html[a + 1] == 108 and html[b - 1] == 115:  # class
            class_at, class_end = v, w
            bits |= name_bits(html, v, w, step, found)
        elif size == 2 and c == 105 and html[a + 1] == 100:  # id
            bits |= name_bits(html, v, w, step, found)
        elif size == 5 and c == 115 and html[a + 1] == 116 and html[b - 1] == 101:  # style
            if w - v > 10 and _display_none(html, v, w):
                bits |= HIDDEN_BIT | GONE_BIT
            elif w - v > 16 and _visibility_hidden(html, v, w):
                bits |= GONE_BIT
        elif size == 4 and c == 114 and html[a + 1] == 111:  # role
            bits |= name_bits(html, v, w, step, found)
        elif size == 8 and c == 105 and html[a + 4] == 112:  # itemprop
            bits |= name_bits(html, v, w, step, found)
        elif size == 6 and c == 104 and html[a + 1] == 105 and html[b - 1] == 110:  # hidden
            bits |= HIDDEN_BIT | GONE_BIT
        elif size == 6 and c == 105 and html[a + 4] == 105 and html[a + 5] == 100 and w - v > 8:  # itemid: a thing with an address
            bits |= ITEM_BIT
        elif size == 11 and c == 97 and html[a + 5] == 104 and w - v == 4 and html[v] == 116:  # aria-hidden="true"
            bits |= HIDDEN_BIT
    return bits, class_at, class_end


@compiled
def space(html, i, n):  # type: ignore[no-untyped-def]
    """Bytes of the white space at `i` beyond ASCII (as str.isspace has it), 0 if it is none."""
    c = html[i]
    if i + 1 < n and c == 0xC2:
        return 2 if html[i + 1] == 0x85 or html[i + 1] == 0xA0 else 0
    if i + 2 < n:
        a, b = html[i + 1], html[i + 2]
        if c == 0xE2 and a == 0x80 and (b <= 0x8A or b == 0xA8 or b == 0xA9 or b == 0xAF):
            return 3
        if (c == 0xE2 and a == 0x81 and b == 0x9F) or (c == 0xE3 and a == 0x80 and b == 0x80) or (c == 0xE1 and a == 0x9A and b == 0x80):
            return 3
    return 0


@compiled
def entity(html, i, n):  # type: ignore[no-untyped-def]
    """(the character that the escape at `i` stands for, its bytes); only what the serialiser writes."""
    if i + 3 < n and html[i + 2] == 116 and html[i + 3] == 59:
        if html[i + 1] == 108:
            return 60, 4
        if html[i + 1] == 103:
            return 62, 4
    if i + 4 < n and html[i + 1] == 97 and html[i + 2] == 109 and html[i + 3] == 112 and html[i + 4] == 59:
        return 38, 5
    if i + 5 < n and html[i + 5] == 59:
        if html[i + 1] == 110 and html[i + 2] == 98 and html[i + 3] == 115 and html[i + 4] == 112:
            return 32, 6
        if html[i + 1] == 113 and html[i + 2] == 117 and html[i + 3] == 111 and html[i + 4] == 116:
            return 34, 6
    return 38, 1


_STRETCH = 1 << 10  # bytes that are asked at once whether a word can begin there


@compiled
def find(html, word, at):  # type: ignore[no-untyped-def]
    """Where `word` (three bytes or more) next stands in `html` from `at` on, -1 if nowhere: as bytes.find, which has no vector instructions."""
    n, size = len(html) - len(word), len(word)
    a, b, c = word[0], word[size // 2], word[size - 1]
    while at <= n:
        stop = min(n + 1, at + _STRETCH)
        first, middle, last = html[at:stop], html[at + size // 2 : stop + size // 2], html[at + size - 1 : stop + size - 1]
        some = False
        for i in range(len(first)):
            some = some | ((first[i] == a) & (middle[i] == b) & (last[i] == c))
        if some:
            for i in range(at, stop):
                k = 0
                while k < size and html[i + k] == word[k]:
                    k += 1
                if k == size:
                    return i
        at = stop
    return -1
