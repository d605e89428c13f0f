"""Takedown: nothing named is left anywhere, nothing else changes, no reader sees a mixture, copies follow."""

import hashlib
import json
import shutil
import threading
from dataclasses import replace

import pytest

from audit.run import Run
from audit.taken import taken
from audit.why import _spellings, why
from pipelines.shards.export.source import everything, manifest_of
from pipelines.shards.run_manifest import publish, stages
from pipelines.shards.takedown import takedown
from pipelines.shards.takedown_list import ListError, Targets, parse
from pipelines.shards.takedown_record import apply_patch
from pipelines.shards.verify import verify
from schemas.manifest import dumps, loads_run


def documents(run):
    return {s.record["doc_id"]: s for s in everything(str(run), manifest_of(str(run)))}


def test_lists_are_read_strictly():
    got = parse(f"# who asked\nhttps://a.example/x?y#z\nexample.org\ndomain:b.example\nsha256:{'a' * 64}\npdq:{'B' * 64}\n")
    assert got == Targets(
        frozenset({"https://a.example/x?y#z"}), frozenset({"example.org", "b.example"}), frozenset({"a" * 64}), frozenset({"b" * 64})
    )
    assert got.url("https://sub.b.example/1") and not got.url("https://notb.example/1")
    with pytest.raises(ListError, match="(?s)l:1.*sha256:.*l:2"):
        parse("c" * 64 + "\nnot a thing", "l")
    with pytest.raises(ListError, match="nothing"):
        parse("# only a comment")


def test_pdq_matches_within_its_distance():
    one = Targets(pdq=frozenset({"00" * 32}))
    near, far = bytes([0xFF] * 3 + [0xFE] + [0] * 28).hex(), bytes([0xFF] * 4 + [0] * 28).hex()
    assert one.near([near, far, "", "00" * 32]) == [True, False, False, True]


@pytest.mark.parametrize("kind", ["url", "image_url", "domain", "sha256", "pdq"])
def test_what_is_listed_is_gone_and_the_rest_is_untouched(run_copy, kind):
    before, was = documents(run_copy), manifest_of(str(run_copy))
    files = {p.name: p.read_bytes() for p in (run_copy / "shards").iterdir() if p.is_file()}
    victim = next(s for s in before.values() if s.record["images"][-1] is not None or len(s.images) > 1)
    position = max(i for i, n in enumerate(victim.record["images"]) if n)
    sha = victim.record["image_sha256"][position]
    if kind == "pdq":
        from tests.support.tables import pdq

        line = f"pdq:{pdq(victim.images[victim.record['images'][position]])}"
    else:
        line = {"url": victim.record["url"], "image_url": victim.record["image_url"][position], "domain": victim.record["domain"],
                "sha256": f"sha256:{sha}"}[kind]  # fmt: skip
    done = takedown(str(run_copy), parse(line))
    assert done["proof"]["hits"] == [] and done["proof"]["files"] > 20
    after, now = documents(run_copy), manifest_of(str(run_copy))
    if kind in ("url", "domain"):
        gone = {k for k, s in before.items() if (s.record["url"] == line or s.record["domain"] == line)}
        assert gone and set(after) == set(before) - gone
    else:
        assert done["images"] > 0 and not any(sha in s.record["image_sha256"] for s in after.values())
        for path in run_copy.rglob("*"):
            if path.is_file() and path.suffix != ".parquet":
                assert victim.images[victim.record["images"][position]] not in path.read_bytes()
    for key, s in after.items():  # what stayed has kept its order and its bytes
        old = before[key]
        kept = [(t, n and old.images[n]) for t, n in zip(old.record["texts"], old.record["images"], strict=True)]
        pieces = [(t, n and s.images[n]) for t, n in zip(s.record["texts"], s.record["images"], strict=True)]
        it = iter(kept)
        assert all(p in it for p in pieces)
    rewritten = set(done["shards_rewritten"])
    assert rewritten
    for s in was.shards:
        if s.id not in rewritten:
            assert all((run_copy / "shards" / n).read_bytes() == files[n] for n in (s.tar, s.index.path, s.energon.path))
        else:
            assert not (run_copy / "shards" / s.tar).exists()
    assert verify(str(run_copy)).faults == []
    assert all(c.missing() == 0 for c in now.counts["pack"].values())
    assert now.previous["manifest_sha256"] == done["manifest_before"] and now.tombstones
    again = takedown(str(run_copy), parse(line))
    assert again["shards_rewritten"] == [] and again["manifest"] == done["manifest"]
    assert publish(str(run_copy)) == now


def test_tables_no_longer_say_what_was_removed(run_copy):
    victim = next(iter(documents(run_copy).values()))
    texts = [t for t in victim.record["texts"] if t and t.startswith("Document ")]
    takedown(str(run_copy), parse(victim.record["url"]))
    import pyarrow.parquet as pq

    for path in run_copy.rglob("*.parquet"):
        said = json.dumps(pq.read_table(path).to_pylist(), default=str)
        assert victim.record["url"] not in said, path
        assert not any(t in said for t in texts), path
    root, pack, _ = stages(str(run_copy))["pack"]
    rows = [r for p in pack.tables["packed"] for r in pq.read_table(f"{root}/{p.path}").to_pylist()]
    assert [(r["kept"], r["reason"]) for r in rows if r["doc_id"] == victim.record["doc_id"]] == [(False, "document.takedown")]


def test_folders_of_an_earlier_configuration_go(run_copy):
    """A superseded pack still holds whole shards; an earlier fetch that the current one was built on stays, without the images."""
    root, pack, _ = stages(str(run_copy))["pack"]
    old = run_copy / "stages" / "pack" / "0123456789abcdef"
    shutil.copytree(root, old)
    half = run_copy / "stages" / "select" / "fedcba9876543210"
    half.mkdir()
    folder, fetch, _ = stages(str(run_copy))["fetch"]
    before = run_copy / "stages" / "fetch" / "00000000000000aa"
    shutil.copytree(folder, before)
    (run_copy / "stages" / "fetch" / fetch.digest / "manifest.json").write_bytes(
        dumps(replace(fetch, config={**fetch.config, "earlier": before.name}))
    )
    (before / "manifest.json").write_bytes(dumps(replace(fetch, digest=before.name)))
    publish(str(run_copy))
    victim = next(iter(documents(run_copy).values()))
    done = takedown(str(run_copy), parse(victim.record["url"]))
    assert done["superseded_removed"] == ["select/fedcba9876543210", "pack/0123456789abcdef"] and not old.exists() and not half.exists()
    assert done["proof"]["hits"] == [] and done["blob_bytes_erased"] > 0
    now = run_copy / "stages" / "fetch" / fetch.digest
    both = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file() and p.name != "manifest.json"} for f in (now, before)]
    assert both[0] == both[1]
    assert verify(str(run_copy)).faults == []
    assert takedown(str(run_copy), parse(victim.record["url"]))["superseded_removed"] == []


def test_the_record_says_who_asked(run_copy):
    """By address in any spelling, id, image and bytes; what was never there is still unknown to it."""
    (run_copy / "audit").mkdir(exist_ok=True)
    was = documents(run_copy)
    first, second = list(was.values())[:2]
    sha = next(s for s in second.record["image_sha256"] if s)
    takedown(str(run_copy), parse(first.record["url"]), "letter of 1 May")
    takedown(str(run_copy), parse(f"sha256:{sha}"), "letter of 2 May")
    run = Run(str(run_copy))
    url = first.record["url"]
    for asked in (url, url.split("://")[1], first.record["doc_id"]):
        found = taken(run, asked, _spellings(asked))
        assert (found["as"], found["reason"], found["patch"]) == ("page", "letter of 1 May", "takedown/patch-00001.json"), asked
    found = taken(run, sha, [])
    assert (found["as"], found["reason"], found["patch"]) == ("content", "letter of 2 May", "takedown/patch-00002.json")
    assert why(run, url)["kind"] == "taken"
    assert taken(run, "https://elsewhere.example/", _spellings("https://elsewhere.example/")) is None


def test_a_patch_brings_a_copy_to_the_same_bytes(run_copy, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (run_copy / "shards").iterdir():
        if path.name.endswith((".tar", ".index.parquet")):
            shutil.copy(path, copy)
    victim = next(iter(documents(run_copy).values()))
    takedown(str(run_copy), parse(f"{victim.record['url']}\nsha256:{next(s for s in victim.record['image_sha256'] if s)}"))
    patch = json.loads((run_copy / "takedown" / "patch-00001.json").read_text())
    assert victim.record["url"] not in json.dumps(patch)
    assert apply_patch(str(copy), patch)
    assert {p.name: p.read_bytes() for p in copy.glob("*.tar")} == {p.name: p.read_bytes() for p in (run_copy / "shards").glob("*.tar")}
    assert apply_patch(str(copy), patch) == []


def test_a_reader_that_polls_never_sees_a_mixture(run_copy):
    """Reads the manifest, then everything it names; a file that has gone means the manifest has changed, so it starts again."""
    keys = {k: s.record["url"] for k, s in documents(run_copy).items()}
    victims = sorted(keys)[:6]
    allowed = [frozenset(keys) - frozenset(victims[:i]) for i in range(len(victims) + 1)]
    stop, seen, wrong = threading.Event(), set(), []

    def poll():
        while not stop.is_set():
            data = (run_copy / "manifest.json").read_bytes()
            manifest = loads_run(data, "")
            try:
                view = set()
                for s in manifest.shards:
                    raw = (run_copy / "shards" / s.tar).read_bytes()
                    if hashlib.sha256(raw).hexdigest() != s.sha256:
                        wrong.append(s.tar)
                    view |= {k for k in keys if f"{k}.json".encode() in raw}
            except FileNotFoundError:
                if (run_copy / "manifest.json").read_bytes() == data:
                    wrong.append("a named file is missing under a standing manifest")
                continue
            seen.add(frozenset(view))

    reader = threading.Thread(target=poll)
    reader.start()
    for v in victims:
        takedown(str(run_copy), parse(keys[v]))
    stop.set()
    reader.join()
    assert wrong == [] and seen <= set(allowed) and len(seen) >= 1
