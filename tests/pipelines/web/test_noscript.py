"""Pages that scripts fill, with their text once more in a <noscript> (Discourse and others): read from there."""

from __future__ import annotations

from pipelines.web.page import extract

URL = "https://forum.example/t/a-topic/7"
POSTS = [
    "I have been wondering for a while which of the two lenses is the better one for photographs of birds in flight.",
    "The longer one, if you can hold it: birds are never near enough, and the light is good where I live in summer.",
    "For me the shorter one was enough, and I carried it to places where I would have left the other one at home.",
    "Whichever you take, practise on gulls. They are large, they are everywhere, and they do not mind being looked at.",
    "Thank you all, I took the shorter one and have been at the harbour with it every evening of the last two weeks.",
    "That is good to hear, please show us some of the pictures when you find the time to look through them at home.",
    "One more thing that nobody has said so far: switch the stabiliser off when the shutter is faster than a thousandth.",
    "I never knew that, and it explains why half of my pictures of swallows from last year look as if seen through water.",
    "It depends on the lens, mine has a mode for moving the camera along with the bird, and there it does no harm at all.",
]


def shell(noscript: str, body: str = "<div id='app'></div>") -> str:
    return f"<html><head><title>A topic</title></head><body>{body}<noscript>{noscript}</noscript><script>fill('app')</script></body></html>"


def thread() -> str:
    posts = "".join(
        f"<div class='topic-body crawler-post' itemprop='comment'><span class='creator'>user{i}</span><div class='post' itemprop='text'><p>{p}</p></div></div>"
        for i, p in enumerate(POSTS)
    )
    return f"<div id='main-outlet' role='main'><h1>Which lens for birds?</h1>{posts}</div>"


def texts(html: str) -> list[str]:
    return [n.text for n in extract(html, URL).nodes if n.kind == "text"]


def test_the_thread_is_read_from_the_noscript_of_a_shell():
    found = texts(shell(thread()))
    assert [p for p in POSTS if p in found] == POSTS


def test_its_images_are_there_too():
    html = shell(thread().replace("</p></div>", "</p><img src='/bird.jpg' width=800 height=600></div>", 1))
    assert [n.url for n in extract(html, URL).nodes if n.kind == "image"] == ["https://forum.example/bird.jpg"]


def test_a_noscript_that_asks_for_scripts_is_no_text():
    assert not any("JavaScript" in t for t in texts(shell("<p>You need to enable JavaScript to run this app.</p>")))


def test_a_page_with_text_of_its_own_does_not_read_its_noscript():
    body = "<article>" + "".join(f"<p>{p}</p>" for p in reversed(POSTS)) + "</article>"
    assert texts(shell("<div><p>" + "Buy our things, all of them, now and here. " * 60 + "</p></div>", body)) == POSTS[::-1]
