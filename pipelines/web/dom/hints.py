"""What the names a page gives its elements (class, id, role, itemprop) say of their content.

Sites name the parts of a page with a small common vocabulary. Each group below is one bit; what a bit is worth is learned
from labelled pages (`fit.py`), so a word here is a feature, never a verdict.
"""

from __future__ import annotations

import re
from typing import Final

_GROUPS: Final = (
    ("comment", r"comment|disqus|discuss|respond|livefyre"),
    ("navigation", r"nav(?!y)|menu|breadcrumb|crumb|pagina|pager|toolbar|skip-?link|tabs?(?![a-z])|\btoc\b"),
    ("foot", r"foot|copyright|colophon|legal|disclaimer"),
    ("head", r"masthead|banner|(?<!sub)header|topbar|top-bar|logo|brand"),
    ("side", r"side|aside|rail|widget|gutter|secondary|\bright|\bleft-"),
    ("related", r"relate|recommend|similar|more-|also|popular|trending|latest|recent|most-|teaser|outbrain"
        r"|taboola|next|prev|upsell|crosssell|cross-sell"),
    ("social", r"share|sharing|social|follow|facebook|twitter|addthis|whatsapp|like"),
    ("advert", r"\bads?\b|advert|sponsor|promo|banner-?ad|\bad-|-ad\b|affiliate|partner"),
    ("about", r"meta|byline|author|date|time|publish|posted|\btag|categor|credit|source|info|bio|contributor"),
    ("content", r"content|entry|body|main|story|text|article|prose|rich-?text|markdown|wysiwyg|copy\b"),
    ("post", r"\bpost|hentry|single|page\b|blog|news"),
    ("caption", r"caption|figure|photo|image|gallery|picture|media|slide|carousel|lightbox|thumb|avatar"),
    ("product", r"product|price|cart|basket|sku|buy|shop|item|offer|variant|spec|stock|shipping|checkout"),
    ("forum", r"forum|thread|topic|reply|replies|message|question|answer|\bqa\b|user|profile|signature|quote|vote|badge|karma"),
    ("popup", r"cookie|consent|gdpr|modal|popup|overlay|lightbox|notice|alert|paywall|subscri|newsletter"
        r"|sign-?up|log-?in|register|captcha"),
    ("hidden", r"hidden|hide\b|invisible|sr-only|visually|screen-reader|collapse|print-only|noprint|d-none"),
    ("form", r"form|search|field|filter|sort|facet|select|input|button|btn|\bcta"),
    ("summary", r"summary|excerpt|lead\b|lede|intro|standfirst|abstract|dek|subtitle|subhead|description|desc\b|synopsis|overview"),
    ("title", r"title|headline|heading|\bh1"),
    ("list", r"list|grid|cards?\b|tile|feed|row|results?|archive|collection|directory|index"),
    ("docs", r"doc|reference|api|code|highlight|syntax|example|section|guide|manual|wiki|mw-|reflist|navbox|infobox|hatnote|editsection"),
    ("recipe", r"recipe|ingredient|instruction|direction|nutrition|step|review|rating"
        r"|testimonial|faq|feature|service|hero|team|tool|warning"),
)  # fmt: skip
NAMES: Final = tuple(name for name, _ in _GROUPS)
BIT: Final = {name: 1 << i for i, name in enumerate(NAMES)}
_WORDS: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _GROUPS))
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST: Final = 256  # characters of a name that are looked at
_memo: dict[str, int] = {"": 0}
_MEMO_SIZE: Final = 50_000


def bits(name: str) -> int:
    """The groups whose words occur in `name`, as bits (remembered: sites repeat themselves)."""
    found = _memo.get(name)
    if found is None:
        if len(_memo) >= _MEMO_SIZE:
            _memo.clear()
            _memo[""] = 0
        found = 0
        for word in name[:_LONGEST].split():  # sites share words more than they share whole attributes
            one = _memo.get(word)
            if one is None:
                one = 0
                for m in _WORDS.finditer(_CAMEL.sub("-", word).lower().replace("_", "-")):
                    one |= BIT[m.lastgroup or ""]
                _memo[word] = one
            found |= one
        _memo[name] = found
    return found
