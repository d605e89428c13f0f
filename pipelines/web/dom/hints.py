"""What the names a page gives its elements (class, id, role, itemprop) say of their content.

Sites name the parts of a page with a small common vocabulary. Each group below is one bit; what a bit is worth is learned
from labelled pages (`fit.py`), so a word here is a feature, never a verdict. `|` in a word is the border of a run of letters (camel
case and digits make borders too). All words are looked for at once by one automaton (Aho and Corasick 1975), one step a letter.
"""

from __future__ import annotations

from typing import Final

import numpy as np

_GROUPS: Final = {
    "comment": "comment disqus discuss respond livefyre",
    "navigation": "nav| navi menu breadcrumb crumb pagina pager toolbar skip|link skiplink |tab| |tabs| |toc|",
    "foot": "foot copyright colophon legal disclaimer",
    "head": "masthead banner header topbar top|bar logo brand",
    "side": "side aside rail| widget gutter secondary |right |left|",
    "related": "relate recommend similar more| also popular trending latest recent most| teaser outbrain taboola next prev upsell crosssell"
    " cross|sell",
    "social": "share sharing social follow facebook twitter addthis whatsapp like",
    "advert": "|ad| |ads| advert sponsor promo affiliate partner",
    "about": "meta byline author date time publish posted |tag categor credit source info bio| contributor",
    "content": "content entry body main story text article prose richtext markdown wysiwyg copy|",
    "post": "|post hentry single page| blog news",
    "caption": "caption figure photo image gallery picture media slide carousel lightbox thumb avatar",
    "product": "product price cart| basket |sku buy shop |item offer variant spec stock shipping checkout shopify woocommerce magento",
    "forum": "forum thread topic reply replies message question answer |qa| user profile signature quote vote badge karma phpbb vbulletin"
    " xenforo mybb",
    "popup": "cookie consent gdpr modal popup overlay lightbox notice alert paywall subscri newsletter signup sign|up login log|in register"
    " captcha",
    "hidden": "hidden hide| invisible sr|only visually screen|reader collapse print|only noprint |d|none",
    "form": "form search field filter sort facet select input button btn |cta",
    "summary": "summary excerpt lead| lede intro standfirst abstract dek subtitle subhead description desc| synopsis overview",
    "title": "title headline heading |h|",
    "list": "list grid card| cards| tile feed |row result archive collection directory index",
    "docs": "|doc reference |api code highlight syntax example section guide manual wiki |mw| reflist navbox infobox hatnote editsection"
    " sphinx docusaurus mkdocs gitbook javadoc",
    "recipe": "recipe ingredient instruction direction nutrition |step review rating testimonial faq feature service hero team tool"
    " warning",
}
NAMES: Final = tuple(_GROUPS)
BIT: Final = {name: 1 << i for i, name in enumerate(NAMES)}


def _automaton() -> tuple[np.ndarray, np.ndarray]:
    """(next state for each state and symbol, bits that are found on entering a state). Symbol 0 is a border, 1 to 26 letters."""
    after: list[dict[int, int]] = [{}]
    found = [0]
    for name, words in _GROUPS.items():
        for word in words.split():
            state = 0
            for c in word:
                symbol = 0 if c == "|" else ord(c) - 96
                if symbol not in after[state]:
                    after[state][symbol] = len(after)
                    after.append({})
                    found.append(0)
                state = after[state][symbol]
            found[state] |= BIT[name]
    step = np.zeros((len(after), 27), np.int16)
    fall = [0] * len(after)
    queue = [0]
    for state in queue:
        for symbol in range(27):
            there = after[state].get(symbol)
            back = int(step[fall[state], symbol]) if state else 0
            if there is None:
                step[state, symbol] = back
            else:
                step[state, symbol] = there
                fall[there] = back
                found[there] |= found[back]
                queue.append(there)
    return step, np.array(found, np.int32)


STEP, FOUND = _automaton()


def bits(name: str) -> int:
    """The groups whose words occur in `name`, as bits."""
    from pipelines.web.dom.scan import name_bits

    return name_bits(name.encode("utf-8", "replace"))
