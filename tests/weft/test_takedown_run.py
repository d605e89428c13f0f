"""A whole life on a generated web: a signed run, a second configuration in the same folder, a takedown, and a fresh run that is told of it."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.queries import ask
from audit.run import Run
from demo import build
from demo.server import serve
from pipelines.shards.export.source import everything, manifest_of
from pipelines.storage import sha256_of
from weft.main import main
from weft.verbs.demo import at_server, demo_config
from weft.verbs.run import run_config

PLAIN = ['score.clip.model=""', 'score.clip.pretrained=""', 'score.clip.config_dir=""']


def keys(folder):
    private = Ed25519PrivateKey.generate()
    secret, public = folder / "secret.pem", folder / "public.pem"
    secret.write_bytes(private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    return str(secret), str(public)


def documents(run):
    return {d.record["doc_id"]: d.record for d in everything(str(run), manifest_of(str(run)))}


def dropped(run):
    with Run(str(run)).connect() as con:
        return ask(con, "SELECT doc_id, duplicate_of FROM documents WHERE NOT kept")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_was_taken_down_stays_away_from_a_fresh_run(tmp_path, capsys):
    web = build(str(tmp_path / "web"), 50, 0)
    secret, public = keys(tmp_path)

    def run(folder, server, *more):
        config = demo_config([str(w) for w in web.warcs], 1, [*PLAIN, *more])
        assert run_config(at_server(config, server.port), str(folder), quiet=True) == 0

    first, fresh = tmp_path / "first", tmp_path / "fresh"
    with serve(web) as server:
        run(first, server, f"run.sign_key={json.dumps(secret)}", "pack.shards=2")
        run(first, server, f"run.sign_key={json.dumps(secret)}")  # the shards of the first pass are superseded
        assert len(list((first / "stages" / "pack").iterdir())) == 2
        assert main(["verify", str(first), "--key", public]) == 0
        before = documents(first)
        pictures: dict[str, set[str]] = {}
        for d in before.values():
            for sha in filter(None, d["image_sha256"]):
                pictures.setdefault(sha, set()).add(d["domain"])
        page = next(iter(before.values()))
        other = next(d for d in before.values() if d["domain"] != page["domain"])
        sha = next(x for x, where in sorted(pictures.items()) if where.isdisjoint({page["domain"], other["domain"]}))
        requests = tmp_path / "requests.txt"
        requests.write_text(f"{page['url']}\n{other['domain']}\nsha256:{sha}\n")
        capsys.readouterr()
        assert main(["takedown", str(first), str(requests), "--reason", "a letter"]) == 0, capsys.readouterr()
        assert "superseded" in capsys.readouterr().err and len(list((first / "stages" / "pack").iterdir())) == 1
        assert main(["verify", str(first), "--key", public]) == 0
        for asked in (page["url"], page["doc_id"], other["url"], sha):
            capsys.readouterr()
            assert main(["why", str(first), asked]) == 0
            assert "taken down on request" in (said := capsys.readouterr().out) and "a letter" in said and "patch-00001.json" in said, asked

        stones = first / "takedown" / "tombstones.json"
        run(fresh, server, f"run.takedowns=[{json.dumps(str(stones))}]")
    after, manifest = documents(fresh), manifest_of(str(fresh))
    gone = {k for k, d in before.items() if d["url"] == page["url"] or d["domain"] == other["domain"]}
    assert gone and after and not gone & set(after)
    assert not any(d["url"] == page["url"] or d["domain"] == other["domain"] or sha in d["image_sha256"] for d in after.values())
    assert set(documents(first)) <= set(after)
    twins = {d["doc_id"]: d["duplicate_of"] for d in dropped(first)}  # a page goes as a duplicate only while its twin stays
    assert {twins.get(extra) for extra in set(after) - set(documents(first))} <= gone
    assert manifest.config["run"]["takedowns"] == [str(stones)]
    assert manifest.counts["extract"]["documents"].dropped["document.takedown"] >= len(gone)
    assert all(c.missing() == 0 for stage in manifest.counts.values() for c in stage.values())
    assert sha256_of(str(stones)) in json.dumps(json.loads((fresh / "manifest.json").read_text()))
    assert main(["verify", str(fresh)]) == 0
