"""Real Chromium: hostile and real pages do nothing, our own pages are accessible and quiet."""

from __future__ import annotations

import pytest

from tests.audit.browser import chromium, frames, opened, served
from tests.audit.hostile_run import make
from tests.audit.payloads import JS, payloads

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install 'weft[dev]')")


@pytest.fixture(scope="module")
def hostile(demo_run, tmp_path_factory):
    attempts = payloads()
    assert len(attempts) >= 200 and len(set(attempts)) == len(attempts)
    out = tmp_path_factory.mktemp("hostile") / "run"
    return out, make(demo_run, out, [f"<!doctype html><title>t</title><body><p>before</p>{p}<p>after".encode() for p in attempts], attempts)


def ran(page) -> list[str]:
    said: list[str] = []
    page.on(
        "console", lambda m: said.append(m.text) if "weft-ran" in m.text and "Refused" not in m.text and "violates" not in m.text else None
    )
    return said


def test_the_payloads_do_run_where_there_is_no_wall():
    """So that silence below means something."""
    chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        page = p.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]).new_page()
        said = ran(page)
        for payload in (
            f"<script>{JS}</script>",
            f'<img src=x onerror="{JS}">',
            f'<svg onload="{JS}">',
            f'<details open ontoggle="{JS}">x',
            f'<iframe src="javascript:{JS}"></iframe>',
        ):
            page.set_content(payload)
            page.wait_for_timeout(150)
        assert len(said) >= 5


def test_hostile_pages_run_no_script_and_reach_nothing(hostile):
    chromium()
    run, ids = hostile
    with served(str(run)) as base, opened(base) as (page, watch):
        said = ran(page)
        frames(page, base, ids)
        for doc_id in ids[::19]:  # in our own page, with the payload as title, URL, domain, role and reason too
            page.goto(f"{base}/document/{doc_id}", wait_until="load")
        for path in ("/", "/documents", "/domains", "/gallery"):
            page.goto(base + path, wait_until="load")
        page.wait_for_timeout(300)
        assert said == [] and watch.outside == [] and watch.errors == []


def test_the_policy_alone_holds_without_the_rewriting(hostile, monkeypatch):
    """The second wall taken away: the page raw, behind its headers and its frame."""
    chromium()
    from audit.server import original

    run, ids = hostile
    monkeypatch.setattr(original, "safe", lambda html, url, image: html.decode("utf-8", "replace"))
    with served(str(run)) as base, opened(base) as (page, watch):
        said = ran(page)
        frames(page, base, [*ids[:160:4], *ids[160:]])
        page.goto(f"{base}/document/{ids[160]}", wait_until="load")
        assert said == [] and watch.errors == []


@pytest.mark.parametrize("most", [30, pytest.param(100_000, marks=pytest.mark.slow)])
def test_real_pages_run_no_script_and_reach_nothing(shared_data, demo_run, tmp_path, most):
    chromium()
    from tests.audit.real_pages import bodies

    found = bodies(shared_data, most)
    ids = make(demo_run, tmp_path / "run", found, ["a page"])
    with served(str(tmp_path / "run")) as base, opened(base) as (page, watch):
        said: list[str] = []
        page.on("console", lambda m: said.append(m.text) if m.type != "error" else None)
        frames(page, base, ids)
        page.goto(f"{base}/document/{ids[0]}", wait_until="load")
        assert watch.outside == [] and watch.errors == [] and said == []


def paths(page, base) -> list[str]:
    d = page.context.request.get(f"{base}/documents.json?fate=kept").json()["tables"]["documents"][0]
    gone = page.context.request.get(f"{base}/documents.json?fate=dropped").json()["tables"]["documents"][0]
    image = page.context.request.get(f"{base}/gallery.json").json()["tables"]["images"][0]
    return ["/", "/limits", "/limit/pair.similarity.min?value=0.2", "/documents", f"/document/{d['doc_id']}", f"/document/{gone['doc_id']}", "/gallery", "/domains", f"/domain/{d['domain']}", "/diff",
            f"/image/{image['image_id']}", "/nothing"]  # fmt: skip


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_our_pages_are_accessible_and_fit(demo_run, width, dark):
    chromium()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    with served(str(demo_run), str(demo_run)) as base, opened(base, width, 800, dark) as (page, watch):
        for path in paths(page, base)[:: 2 if dark else 1]:
            page.goto(base + path, wait_until="load")
            found = (
                axe.Axe()
                .run(page, options={"iframes": False, "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
                .response["violations"]
            )
            bad = [
                (v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"][:300])
                for v in found
                if v["impact"] in ("serious", "critical")
            ]
            assert bad == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert watch.errors == [] and watch.outside == []


def test_the_slider_shows_the_new_funnel_without_a_reload(demo_run):
    chromium()
    with served(str(demo_run)) as base, opened(base) as (page, watch):
        page.goto(f"{base}/limit/pair.similarity.min")
        assert page.locator("#answer .numbers").count() == 0
        slider = page.locator("input[type=range]")
        slider.focus()
        page.keyboard.press("Home")
        page.keyboard.press("End")
        page.wait_for_selector("#answer .numbers")
        assert page.locator("#answer tr.hit").count() >= 1 and "value=" in page.url and watch.errors == []


def test_everything_but_the_slider_works_without_script(demo_run):
    chromium()
    with served(str(demo_run)) as base, opened(base, script=False) as (page, _):
        page.goto(f"{base}/limit/pair.similarity.min")
        page.fill("input[name=value]", "0.9")
        page.click("text=Ask")
        assert page.locator("#answer .numbers").count() == 1
        page.fill("input[name=q]", "article")
        page.click("text=Find")
        assert page.locator("main a[href^='/document/']").count() > 0
        page.locator("main a[href^='/document/']").first.click()
        assert page.locator("iframe").count() >= 1


def test_the_report_file_asks_for_nothing(demo_run):
    chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        page = p.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]).new_page(
            viewport={"width": 390, "height": 800}
        )
        asked: list[str] = []
        page.on("request", lambda r: asked.append(r.url) if not r.url.startswith("data:") else None)
        page.goto((demo_run / "report.html").as_uri())
        assert len(asked) == 1 and page.locator("script").count() == 0 and page.locator("text=Fairness").count() >= 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
