"""The image server: each host's own pictures, each picture's manners, robots.txt and tdmrep.json, a log of requests."""

from __future__ import annotations

import http.client
import io
import json
import time

import pyarrow.parquet as pq
import pytest
from PIL import Image

import demo
from demo.pictures import OUTCOME, content
from demo.plan import Web
from demo.server import serve


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return demo.build(tmp_path_factory.mktemp("served"), pages=600, seed=3)


@pytest.fixture(scope="module")
def server(built):
    with serve(built) as running:
        yield running


@pytest.fixture(scope="module")
def examples(built):
    """One picture of each behaviour."""
    found = {}
    for row in pq.read_table(built.images_truth).to_pylist():
        if row["role"] == "content":
            found.setdefault(row["behaviour"], row)
    assert set(found) == set(OUTCOME), "a web of 600 pages shows every behaviour"
    return found


def get(server, url, limit=200_000):
    host, path = url.split("/", 3)[2:]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/" + path, headers={"Host": host, "User-Agent": "test"})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read(limit)
    finally:
        connection.close()


def test_a_good_picture_comes_with_its_size_and_type(server, examples):
    status, headers, body = get(server, examples["ok"]["url"])
    assert status == 200 and headers["Content-Type"].startswith("image/")
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        assert image.size == (examples["ok"]["width"], examples["ok"]["height"])


def test_the_same_path_on_another_host_is_not_there(server, examples):
    path = examples["ok"]["url"].split("/", 3)[3]
    assert get(server, f"http://img.site-999.example/{path}")[0] == 404
    assert get(server, "http://img.site-001.example/i/999999/0.jpg")[0] == 404


def test_failures(server, examples):
    assert get(server, examples["missing"]["url"])[0] == 404
    assert get(server, examples["gone"]["url"])[0] == 410
    assert get(server, examples["empty"]["url"])[2] == b""
    assert get(server, examples["html"]["url"])[1]["Content-Type"].startswith("text/html")
    assert get(server, examples["svg"]["url"])[2].startswith(b"<svg")


def test_flaky_and_busy_pictures_come_the_second_time(server, examples):
    assert [get(server, examples["flaky"]["url"])[0] for _ in range(2)] == [503, 200]
    first, second = get(server, examples["busy"]["url"]), get(server, examples["busy"]["url"])
    assert (first[0], first[1]["Retry-After"], second[0]) == (429, "1", 200)


def test_redirects(server, examples):
    host = examples["redirect"]["url"].split("/")[2]
    status, headers, _ = get(server, examples["redirect"]["url"])
    assert status == 301
    assert get(server, f"http://{host}{headers['Location']}")[0] == 200
    host = examples["loop"]["url"].split("/")[2]
    status, headers, _ = get(server, examples["loop"]["url"])
    again = get(server, f"http://{host}{headers['Location']}")
    assert (status, again[0], again[1]["Location"]) == (302, 302, headers["Location"])
    assert "169.254.169.254" in get(server, examples["private"]["url"])[1]["Location"]


def test_broken_bytes_do_not_decode(server, examples):
    for behaviour in ("truncated", "garbage"):
        _, _, body = get(server, examples[behaviour]["url"])
        with pytest.raises(OSError), Image.open(io.BytesIO(body)) as image:
            image.load()


def test_the_bomb_is_small_on_the_wire_and_huge_in_its_header(server, examples):
    _, _, body = get(server, examples["bomb"]["url"])
    assert len(body) < 200_000
    assert int.from_bytes(body[16:20], "big") * int.from_bytes(body[20:24], "big") == 900_000_000


def test_a_slow_picture_takes_its_time(server, examples):
    start = time.monotonic()
    assert get(server, examples["slow"]["url"])[0] == 200
    assert time.monotonic() - start >= 0.4


def test_an_endless_body_can_be_left(server, examples):
    status, _, body = get(server, examples["endless"]["url"], limit=300_000)
    assert status == 200 and len(body) == 300_000
    assert get(server, examples["ok"]["url"])[0] == 200


def test_reservations(server, examples):
    assert get(server, examples["noai"]["url"])[1]["X-Robots-Tag"] == "noai"
    assert get(server, examples["noimageai"]["url"])[1]["X-Robots-Tag"] == "noimageai"
    assert get(server, examples["tdm"]["url"])[1]["tdm-reservation"] == "1"
    host = examples["robots"]["url"].split("/")[2]
    assert b"Disallow: /private/" in get(server, f"http://{host}/robots.txt")[2]
    assert "/private/" in examples["robots"]["url"]
    reserved = json.loads(get(server, f"http://{host}/.well-known/tdmrep.json")[2])
    assert reserved[0]["location"] == "/reserved/*" and "/reserved/" in examples["tdmrep"]["url"]


def test_requests_are_logged(server, examples):
    get(server, examples["ok"]["url"])
    row = server.requests()[-1]
    assert (row["status"], row["user_agent"]) == (200, "test")
    assert examples["ok"]["url"] == f"http://{row['host']}{row['path']}"


def test_every_content_picture_has_an_address_of_its_own():
    web = Web(300, 0)
    urls = [p.url for i in range(300) if web.page(i).role not in ("near", "recrawl") for p in content(web, web.page(i))]
    assert len(urls) == len(set(urls))


def test_kept_pictures_are_the_rendered_ones(built, server, examples):
    url = examples["ok"]["url"]
    fresh = get(server, url)[2]
    with serve(built, log=built.folder / "kept.jsonl", keep=True) as keeping:
        assert get(keeping, url)[2] == fresh
    kept = list((built.folder / "rendered").iterdir())
    assert [p.read_bytes() for p in kept] == [fresh]
    kept[0].write_bytes(b"from the disk")
    with serve(built, log=built.folder / "kept.jsonl", keep=True) as again:
        assert get(again, url)[2] == b"from the disk"
