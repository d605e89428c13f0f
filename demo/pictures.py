"""The pictures of a page: what each shows, where it lies, how its server behaves. Pure; bytes are made by `demo.assets`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from demo.plan import BLOCK, Page, Web
from demo.rng import Stream
from demo.scenes import Scene, make, other

# behaviour of the server -> what an honest fetcher should come home with
OUTCOME = {
    "ok": "success", "redirect": "success", "slow": "success", "flaky": "success", "busy": "success", "mislabelled": "success",
    "missing": "failure", "gone": "failure", "truncated": "undecodable", "loop": "failure", "private": "failure", "html": "undecodable",
    "empty": "failure", "svg": "undecodable", "bomb": "undecodable", "garbage": "undecodable", "endless": "failure",
    "noai": "opt-out", "noimageai": "opt-out", "tdm": "opt-out", "robots": "opt-out", "tdmrep": "opt-out",
}  # fmt: skip
_ODD = tuple(b for b in OUTCOME if b != "ok")
OPT_OUT = frozenset(b for b, o in OUTCOME.items() if o == "opt-out")
VIRAL_PER_BLOCK = 20  # pages of a block of 50 that show the block's viral picture, last in their text
VIRAL_SLOT = 9


@dataclass(frozen=True)
class Picture:
    """One image on one page."""

    url: str
    role: str  # content, viral, icon (inside the text), logo, share, avatar, ad, thumb, pixel, badge
    scene: Scene | None  # what it shows (None: no scene)
    told: Scene | None  # what the texts beside it say; another scene than `scene` = wrong caption
    behaviour: str = "ok"
    width: int = 0
    height: int = 0
    main: bool = True  # part of the page's main content
    copy_group: str = ""  # pictures of one group are resized, re-encoded copies of one original

    @property
    def wrong(self) -> bool:
        return self.scene is not None and self.told is not None and self.scene.facts != self.told.facts

    @property
    def small(self) -> bool:
        """Below the 150 pixels that OBELICS asks of both sides."""
        return min(self.width, self.height) < 150


def content(web: Web, page: Page) -> tuple[Picture, ...]:
    """The pictures of the main text, in order. Near-duplicates link the original's files; mirrors hold copies of their own."""
    if page.type == "listing" or page.role in ("status", "moved", "not_html", "empty"):
        return ()
    if page.role in ("near", "recrawl"):
        return content(web, web.page(page.root))
    out = []
    for slot in range(count(web, page)):
        out.append(picture(web, page, slot))
    if _viral(web, page):
        out.append(picture(web, page, VIRAL_SLOT))
    return tuple(out)


def count(web: Web, page: Page) -> int:
    """How many pictures the main text holds."""
    draw = Stream("count", web.seed, page.root)
    return draw.between(1, 4) if page.type == "article" else draw.between(1, 2)


def picture(web: Web, page: Page, slot: int) -> Picture:
    """The picture in one place of a page's main text."""
    draw = Stream("picture", web.seed, page.root, slot)
    if slot == VIRAL_SLOT:
        group, block = f"viral-{page.root // BLOCK}", page.root // BLOCK
        scene = viral_scene(web.seed, block)
        told, behaviour = scene, "ok"
    else:
        group, scene = "", make("page", web.seed, page.root, slot)
        told = other(scene, "told", web.seed, page.root) if draw.chance(0.15) else scene
        behaviour = draw.pick(_ODD) if draw.chance(0.12) else "ok"
    ext = draw.pick(("jpg", "jpg", "jpg", "png", "webp"))
    if page.role == "mirror" and not group:
        group = f"mirror-{page.root}-{slot}"
    width, height = scene.width, scene.height
    if group:  # copies differ in size and in how they are encoded
        own = Stream("copy", web.seed, page.index, slot)
        percent = own.between(60, 140)
        width, height = max(150, width * percent // 100), max(150, height * percent // 100)
        ext = own.pick(("jpg", "jpg", "png", "webp"))
    folder = {"robots": "private/i", "tdmrep": "reserved/i"}.get(behaviour, "i")
    url = f"http://{page.image_host}/{folder}/{page.index}/{slot}.{ext}"
    return Picture(url, "viral" if group.startswith("viral") else "content", scene, told, behaviour, width, height, True, group)


def _viral(web: Web, page: Page) -> bool:
    """The first originals of a block show its viral picture; so do the mirrors of those."""
    return page.type != "listing" and page.language == "en" and page.root % BLOCK < VIRAL_PER_BLOCK


def viral_scene(seed: int, block: int) -> Scene:
    """The picture that many pages of a block show: four objects or more, so that a perceptual hash has something to hold."""
    for attempt in range(1000):
        scene = make("viral", seed, block, attempt, kind="two", long_side=(420, 420))
        if sum(g.count for g in scene.groups) >= 4 and not {"yellow", "orange"} & {g.colour for g in scene.groups}:
            return scene
    raise AssertionError("unreachable: one scene in four is such a picture")


def inline_icon(page: Page, n: int) -> Picture:
    """A small picture in the middle of the text."""
    size = (16, 32, 48, 64, 96, 120)[n % 6]
    return Picture(f"http://{page.image_host}/s/{page.index}-{n}-{size}.png", "icon", None, None, "ok", size, size)


def chrome(page: Page) -> dict[str, Picture]:
    """Pictures of the site's frame: logo, share buttons, avatar, advertisement, badge, tracking pixel."""
    base = f"http://{page.image_host}"

    def frame(path: str, role: str, width: int, height: int) -> Picture:
        return Picture(f"{base}/{path}", role, None, None, "ok", width, height, False)

    return {
        "logo": frame("static/brand.png", "logo", 180, 60),
        "share1": frame("static/share-a.png", "share", 32, 32),
        "share2": frame("static/share-b.png", "share", 32, 32),
        "avatar": frame(f"static/face-{page.index % 7}.png", "avatar", 64, 64),
        "ad": frame(f"ads/offer-{page.index % 5}.jpg", "ad", 728, 90),
        "badge": frame("static/seal.png", "badge", 200, 200),
        "pixel": replace(frame(f"t/p.gif?page={page.index}", "pixel", 1, 1)),
    }


def thumb(page: Page, n: int) -> Picture:
    """A preview picture in a list of related pages."""
    return Picture(f"http://{page.image_host}/thumb/{page.index}-{n}.jpg", "thumb", None, None, "ok", 120, 90, False)
