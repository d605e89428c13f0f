"""The whole chain on a small generated web: real WARCs, a real HTTP server, a real CLIP, real shards."""

import json
import shutil
from pathlib import Path

import pytest

from demo import build
from demo.server import serve
from weft.main import main
from weft.verbs.demo import at_server, demo_config
from weft.verbs.run import run_config

PAGES = 60


def shards(run: Path) -> dict[str, str]:
    import hashlib

    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted((run / "shards").iterdir())
        if p.suffix in (".tar", ".idx", ".parquet")
    }


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    return build(tmp_path_factory.mktemp("web"), PAGES, 7)


@pytest.fixture(scope="module")
def server(web):
    with serve(web) as s:
        yield s


def config(web, server, workers, *overrides):
    return at_server(demo_config([str(w) for w in web.warcs], workers, list(overrides)), server.port)


@pytest.fixture(scope="module")
def run(web, server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    assert run_config(config(web, server, 1), str(folder), quiet=True) == 0
    return folder


def test_every_page_is_accounted_for_at_every_stage(run):
    manifests = {p.parent.parent.name: json.loads(p.read_text()) for p in run.glob("stages/*/*/manifest.json")}
    assert set(manifests) == {"extract", "dedup", "fetch", "score", "select", "pack", "report"}
    for m in manifests.values():
        for kind, c in m["counts"].items():
            assert c["entered"] == c["kept"] + sum(c["dropped"].values()) + c["dead"], (m["stage"], kind)
    last = manifests["report"]["counts"]["documents"]
    assert last["entered"] == PAGES and 0 < last["kept"] < PAGES
    assert manifests["pack"]["counts"]["documents"]["kept"] == last["kept"]


def test_stock_webdataset_reads_every_document(run):
    webdataset = pytest.importorskip("webdataset")
    names = [str(p) for p in sorted((run / "shards").glob("*.tar"))]
    kept = json.loads(next(run.glob("stages/pack/*/manifest.json")).read_text())["counts"]
    documents = images = 0
    for sample in webdataset.WebDataset(names, shardshuffle=False, empty_check=False):
        body = json.loads(sample["json"])
        documents += 1
        present = [k for k in sample if not k.startswith("__") and k != "json"]
        assert len(present) == sum(i is not None for i in body["images"])
        assert all((t is None) != (i is None) for t, i in zip(body["texts"], body["images"], strict=True))
        images += len(present)
    assert (documents, images) == (kept["documents"]["kept"], kept["images"]["kept"])


def test_a_second_run_does_nothing_and_a_lost_stage_is_redone_alone(run, web, server, capsys):
    before = shards(run)
    assert run_config(config(web, server, 1), str(run)) == 0
    assert capsys.readouterr().err.count("already done") == 7
    shutil.rmtree(next((run / "stages" / "select").iterdir()))
    assert run_config(config(web, server, 1), str(run)) == 0
    err = capsys.readouterr().err
    assert err.count("already done") == 6 and "select   documents" in err
    assert shards(run) == before


def test_two_workers_write_the_same_shards(run, web, server, tmp_path):
    assert run_config(config(web, server, 2), str(tmp_path / "two"), quiet=True) == 0
    assert shards(tmp_path / "two") == shards(run)


def test_a_new_clip_threshold_runs_select_pack_and_report_only(run, web, server, tmp_path, capsys):
    from audit.run import Run
    from audit.whatif import whatif

    predicted = whatif(Run(str(run)), ["filters.pair.similarity.min=0.2"])
    folder = tmp_path / "threshold"
    shutil.copytree(run, folder, symlinks=True)
    assert run_config(config(web, server, 1, "filters.pair.similarity.min=0.2"), str(folder)) == 0
    err = capsys.readouterr().err
    assert err.count("already done") == 4 and all(f"{s:8} documents" in err for s in ("select", "pack", "report"))
    counts = Run(str(folder)).stages["report"].counts
    assert predicted.exact and predicted.after != predicted.before
    assert {"documents": counts["documents"].kept, "images": counts["images"].kept}.items() <= predicted.after.items()


def test_calibrate_tells_what_each_similarity_keeps(run, capsys):
    import duckdb

    assert main(["calibrate", str(run), "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    pairs = f"'{run}/stages/score/*/pairs/*.parquet'"
    (stored,) = duckdb.sql(f"SELECT list(pair_similarity) FROM {pairs} WHERE NOT shadow AND pair_similarity IS NOT NULL").fetchall()[0]
    assert out["pairs"] == len(stored) > 20
    for k in out["kept"]:
        assert k["fraction"] == sum(s >= k["similarity"] for s in stored) / len(stored)
    assert main(["calibrate", str(run)]) == 0
    assert f"keeps of {len(stored)} pairs" in capsys.readouterr().out


def test_verify_and_why_answer(run, web, capsys):
    import duckdb

    assert main(["verify", str(run)]) == 0
    capsys.readouterr()

    def ask(sql):
        return (
            duckdb.sql(sql.replace("DOCS", f"'{run}/audit/documents/*.parquet'").replace("NODES", f"'{run}/audit/nodes/*.parquet'"))
            .limit(1)
            .fetchall()[0]
        )

    def why(what, *flags):
        assert main(["why", str(run), what, *flags]) == 0
        return capsys.readouterr().out

    assert "\n  kept" in why(ask("SELECT url FROM DOCS WHERE kept ORDER BY url")[0])
    url, reason = ask("SELECT url, first_reason FROM DOCS WHERE NOT kept AND stage = 'extract' ORDER BY url")
    assert f"dropped at extract: {reason}" in why(url)
    url, twin = ask(
        "SELECT d.url, t.url FROM DOCS d JOIN DOCS t ON d.duplicate_of = t.doc_id WHERE d.first_reason LIKE 'document.duplicate%' AND d.url <> t.url ORDER BY 1"
    )
    assert twin in why(url)
    url, reason = ask(
        "SELECT url, first_reason FROM NODES WHERE kind = 'image' AND NOT kept AND stage = 'select' AND first_reason <> 'node.document_dropped' ORDER BY 1"
    )
    assert reason in why(url)
    assert "never seen in the inputs" in why("https://never.seen.example/x")
    assert json.loads(why("https://never.seen.example/x", "--json"))["kind"] == "unknown"


def test_the_report_is_one_file_without_scripts(run):
    html = (run / "report.html").read_text()
    assert "default-src 'none'" in html and "<script" not in html and "http-equiv" in html
    assert "javascript:" not in html.lower()
