"""Every url rule: inputs, what they measure, which limits they fail. A limit equal to the measure passes."""

from __future__ import annotations

from tests.filters.cases.items import NOTHING, A, Cases

CASES: Cases = {
    "url.banned_words": [
        ({}, "https://essex.gov.uk/unisex/sextant", {"url_banned_words": 0}, []),
        ({}, "https://example.com/SEX/index.html", {"url_banned_words": 1}, [A]),
        ({}, "https://example.com/%73ex-and-porn", {"url_banned_words": 2}, [A]),
        ({"words": ["cat"], "max": 1}, "https://example.com/cats", {"url_banned_words": 1}, []),
        ({}, "", {"url_banned_words": 0}, []),
    ],
    "url.blocked_domains": [
        ({}, "https://bad.example/", NOTHING, []),
        ({"domains": ["bad.example"]}, "https://a.b.BAD.example:8080/x", {"url_blocked_domain": 1}, [A]),
        ({"domains": ["bad.example"]}, "https://notbad.example/", {"url_blocked_domain": 0}, []),
        ({"domains": ["bücher.example"]}, "https://xn--bcher-kva.example/", {"url_blocked_domain": 1}, [A]),
        ({"domains": ["bad.example"]}, "http://[broken/", {"url_blocked_domain": 0}, []),
    ],
}
