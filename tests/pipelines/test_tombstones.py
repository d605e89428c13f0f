"""What was taken down does not come back in a fresh run: pages (other captures too), domains, images by address, bytes and look."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from pipelines.images.choose import JUDGED, taken_down
from pipelines.shards.takedown_list import parse
from pipelines.tombstones import TombstoneError, Tombstones, hashed, load
from pipelines.web.capture import Identity, Row
from pipelines.web.taken import Taken
from schemas.rows import IMAGE, TEXT, Node


def row(url="https://a.example/1", images=("https://i.example/1.png", "https://i.example/2.png"), reasons=()):
    nodes = [Node(0, TEXT, text="words")] + [Node(i, IMAGE, url=u, alt="alt", image_id=f"id{i}") for i, u in enumerate(images, 1)]
    return Row(Identity("d1", url, url, url.split("/")[2], ""), title="T", reasons=list(reasons), store=True,
               nodes=[tuple(n) for n in nodes], text_bytes=[5] + [0] * len(images))  # fmt: skip


@pytest.mark.parametrize(
    "stones",
    [
        Tombstones(documents=frozenset({"d1"})),
        Tombstones(pages=frozenset({hashed("https://a.example/1")})),
        Tombstones(domains=frozenset({hashed("example")})),
        Tombstones(lists=(parse("https://a.example/1"),)),
        Tombstones(lists=(parse("domain:a.example"),)),
    ],
)
def test_a_page_goes_before_all_other_reasons_and_nothing_of_it_is_stored(stones):
    out = Taken(stones).out_of(row(reasons=["document.words.below"]))
    assert out.reasons == ["document.takedown", "document.words.below"] and not out.store and out.title == ""
    assert all(not n.text and not n.url and not n.alt for n in map(Node._make, out.nodes)) and len(out.nodes) == 3


def test_other_pages_are_untouched():
    stones = Tombstones(
        pages=frozenset({hashed("https://b.example/1")}), domains=frozenset({hashed("xample")}), lists=(parse("a.example.org"),)
    )
    assert Taken(stones).out_of(row()) == row() and Taken(Tombstones()).out_of(row()) == row()


def test_an_image_goes_and_with_the_last_one_the_page():
    one = Tombstones(images=frozenset({"id1"}))
    out = Taken(one).out_of(row())
    assert [Node._make(n).reason for n in out.nodes] == ["", "image.takedown", ""] and out.judged[1].reasons == ["image.takedown"]
    assert out.reasons == []
    both = Tombstones(images=frozenset({"id1"}), lists=(parse("https://i.example/2.png"),))
    assert Taken(both).out_of(row()).reasons == ["document.empty.no_image"]
    assert Taken(both, require_image=False).out_of(row()).reasons == []


def test_pictures_are_known_by_bytes_and_by_look():
    sha, other, look, near, far = "a" * 64, "b" * 64, "00" * 32, "01" + "00" * 31, "ff" * 32
    stones = Tombstones(contents=frozenset({hashed(sha)}), lists=(parse(f"pdq:{look}\nsha256:{'c' * 64}"),))
    assert stones.contents_of([sha, other, other, None, "c" * 64], [far, near, far, None, ""]) == [True, True, False, False, True]
    judged = pa.Table.from_pylist([{"row": 0, "index": i, "base": b} for i, b in enumerate(["", "image.fetch.failed"])], JUDGED)
    assert taken_down(judged, [True, False])["base"].to_pylist() == ["image.takedown", "image.fetch.failed"]


def test_tombstones_patches_and_lists_are_read_together(tmp_path):
    stones = {"documents": ["d"], "pages": ["p"], "domains": [], "images": ["i"], "contents": ["c"]}
    (tmp_path / "t.json").write_text(json.dumps({k: v for k, v in stones.items() if k not in ("pages", "domains")}))  # of an older version
    (tmp_path / "patch.json").write_text(json.dumps({"format": 1, "tombstones": stones}))
    (tmp_path / "l.txt").write_text("b.example\n")
    found = load(tuple(str(tmp_path / n) for n in ("t.json", "patch.json", "l.txt")))
    assert found.documents == {"d"} and found.pages == {"p"} and found.lists[0].domains == {"b.example"}


@pytest.mark.parametrize(
    "content", [b"{", b"{}", b'{"documents": 1, "images": [], "contents": []}', b'{"documents": [1], "images": [], "contents": []}',
                b"\xff\xfe", b"not a target\n", b"", None],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_named_before_anything_is_read(tmp_path, content, capsys):
    from weft.main import main

    path = tmp_path / "stones"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TombstoneError, match="run.takedowns: .*stones"):
        load((str(path),))
    (tmp_path / "c.toml").write_text(f'[run]\ntakedowns = ["{path}"]\n')
    assert main(["run", str(tmp_path / "c.toml"), "-o", str(tmp_path / "run")]) == 2 and "stones" in capsys.readouterr().err
