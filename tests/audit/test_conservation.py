"""Conservation over the run: numbers add up, and a record lost between stages is named."""

import pyarrow.parquet as pq
import pytest

from audit.queries import ask
from audit.run import Run
from pipelines.failures import WorkFailed
from pipelines.stage import ConservationError
from schemas.manifest import loads_stage


def test_documents_paragraphs_and_images_add_up_overall_and_per_language_and_domain(demo_run):
    run = Run(str(demo_run))
    counts = run.stages["report"].counts
    pack, extract = run.stages["pack"].counts, run.stages["extract"].counts
    with run.connect() as con:
        for kind, view, where in (
            ("documents", "documents", ""),
            ("paragraphs", "nodes", "AND kind = 'text' AND role <> 'end'"),
            ("images", "nodes", "AND kind = 'image'"),
        ):
            assert counts[kind].missing() == 0 and counts[kind].kept == pack[kind].kept
            assert counts[kind].entered == extract[kind].entered - extract[kind].dead
            for column in ("language", "domain"):
                rows = ask(
                    con,
                    f"SELECT {column} AS c, count(*) AS n, count(*) FILTER (kept) AS kept, count(*) FILTER (NOT kept AND first_reason <> '') AS dropped FROM {view} WHERE true {where} GROUP BY ALL",
                )
                assert all(r["n"] == r["kept"] + r["dropped"] for r in rows)
                assert sum(r["n"] for r in rows) == counts[kind].entered and sum(r["kept"] for r in rows) == counts[kind].kept


def test_image_nodes_carry_the_measures_of_their_picture(demo_run):
    with Run(str(demo_run)).connect() as con:
        rows = ask(con, "SELECT n.image_width, i.image_width AS other, n.pair_similarity, p.pair_similarity AS similarity FROM nodes n JOIN images i USING (image_id) "
                        "JOIN documents d ON d.doc_id = n.doc_id AND d.record = n.record JOIN pairs p ON p.row = d.row AND p.unit = d.unit AND p.index = n.index WHERE n.kept")  # fmt: skip
    assert rows and all(r["image_width"] == r["other"] and r["pair_similarity"] == r["similarity"] is not None for r in rows)


@pytest.mark.parametrize(
    ("stage", "table"), [("select", "selected"), ("select", "node_decisions"), ("pack", "packed"), ("score", "placements")]
)
def test_a_planted_loss_of_one_record_fails_the_run_and_is_named(demo_run, again, stage, table):
    lost = []

    def plant(folder, next_stage):
        if next_stage != "report":
            return
        for path in sorted(next((folder / "stages" / stage).iterdir()).glob(f"{table}/*.parquet")):
            t = pq.read_table(path)
            if t.num_rows:
                lost.append(t.slice(0, 1).to_pylist()[0]["doc_id"])
                path.unlink()
                pq.write_table(t.slice(1), path)
                return

    with pytest.raises((ConservationError, WorkFailed)) as e:
        again(demo_run, [], plant)
    assert lost[0] in str(e.value)


def test_each_kind_of_loss_between_stages_is_named(demo_run):
    """Rows are taken out of each input of the join in turn; nothing else is changed."""
    from pipelines.report import balance

    joined = _joined(demo_run)
    balance.check_unit("00000", joined)
    for table in ("dedup", "selected", "packed", "selected_nodes", "placements", "wide_documents", "wide_nodes"):
        if not joined[table].num_rows:
            continue
        gone = joined[table].slice(0, 1).to_pylist()[0]
        with pytest.raises(ConservationError, match=gone["doc_id"]):
            balance.check_unit("00000", {**joined, table: joined[table].slice(1)})
    with pytest.raises(ConservationError):
        balance.check_unit("00000", {**joined, "measures": joined["measures"].slice(0, 0)})


def _joined(run):
    import json

    from pipelines.report import wide
    from pipelines.stage import Done
    from pipelines.stages.report import _read
    from schemas import layout

    current = json.loads((run / "stages" / layout.CURRENT).read_text())
    i = {}
    for name, digest in current.items():
        root = run / layout.stage_dir(name, digest)
        i[name] = Done(str(root), loads_stage((root / layout.STAGE_MANIFEST).read_bytes(), str(root)))
    unit = i["extract"].manifest.parts["unit"][0]
    sources = {"measures": ("extract", "document_measures"), "nodes": ("extract", "nodes"), "dedup": ("dedup", "decisions"), "dedup_nodes": ("dedup", "node_decisions"),
               "selected": ("select", "selected"), "selected_nodes": ("select", "node_decisions"), "verdicts": ("select", "verdicts"),
               "placements": ("score", "placements"), "packed": ("pack", "packed")}  # fmt: skip
    joined = {name: _read(i[s], t, unit) for name, (s, t) in sources.items()}
    documents = wide.sql(wide.DOCUMENTS, joined)
    nodes = wide.sql(wide.nodes_sql(joined["nodes"], joined["placements"]), {**joined, "wide_documents": documents})
    return {**joined, "wide_documents": documents, "wide_nodes": nodes}
