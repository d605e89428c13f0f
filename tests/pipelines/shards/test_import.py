"""Imports: other people's rows come out of stage extract as documents, in order, with their images at hand."""

import base64
import gzip
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.settings.config import Config
from pipelines.shards.import_formats import ImportDataError, img2dataset, mmc4, obelics
from pipelines.shards.import_warc import Imported, Shown, record, write
from pipelines.stage import execute
from pipelines.stages.extract import ExtractStage
from pipelines.survivors import documents
from pipelines.web.warc import read_records
from schemas.ids import image_id
from schemas.rows import TEXT
from tests.support.tables import picture

TEXTS = ["First words of the page, long enough to be kept.", "Second & <third>\n\nA paragraph of its own.", "Last “words”."]
PICTURES = {f"https://img.example/{i}.jpg": picture(i, "jpeg") for i in range(3)}
URLS = list(PICTURES)


def folder_of_pictures(root):
    """As img2dataset writes it."""
    root.mkdir()
    with tarfile.open(root / "00000.tar", "w") as t:
        for i, data in enumerate(PICTURES.values()):
            info = tarfile.TarInfo(f"{i:09d}.jpg")
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    rows = [{"url": u, "caption": f"caption {i}", "key": f"{i:09d}", "status": "success"} for i, u in enumerate(URLS)]
    rows.append({"url": "https://img.example/gone.jpg", "caption": "x", "key": "000000009", "status": "failed_to_download"})
    pq.write_table(pa.Table.from_pylist(rows), root / "00000.parquet")
    return root


def extracted(folder, tmp_path):
    config = Config.model_validate({"input": {"paths": [str(folder)]}, "runner": {"workers": 1}})
    done = execute(ExtractStage(), str(tmp_path / "run"), config, {}).done
    return done, [d for u in done.manifest.parts["unit"] if (p := done.path("documents", u)) for _, d in documents(p)]


def test_obelics_rows_reach_the_tables_in_order(tmp_path):
    images = folder_of_pictures(tmp_path / "pictures")
    about = {"url": "https://page.example/a", "warc_filename": "x/CC-MAIN-20200922002137-20200922032137-00000.warc.gz"}
    row = {
        "texts": [TEXTS[0], None, TEXTS[1], None, TEXTS[2]],
        "images": [None, URLS[0], None, URLS[2], None],
        "metadata": json.dumps([None, {"alt_text": 'an "alt"'}, None, {}, None]),
        "general_metadata": json.dumps(about),
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "rows.parquet")
    counts = write(str(tmp_path / "out"), obelics(str(tmp_path / "rows.parquet"), str(images)), "obelics")
    assert counts == {"files": 1, "documents": 1, "images": 2, "images_with_bytes": 2}
    done, (document,) = extracted(tmp_path / "out", tmp_path)
    got = [n.text if n.kind == TEXT else n.url for n in document.nodes if n.role != "end"]
    assert got == [TEXTS[0], URLS[0], *TEXTS[1].split("\n\n"), URLS[2], TEXTS[2]]
    assert document.url == "https://page.example/a" and document.fetched_at == "2020-09-22T00:21:37Z"
    assert [n.alt for n in document.nodes if n.kind != TEXT] == ['an "alt"', ""]
    archived = pa.concat_tables(done.read("archived", u) for u in done.manifest.parts["unit"]).to_pylist()
    assert {a["image_id"] for a in archived} == {image_id(URLS[0]), image_id(URLS[2])}


def test_mmc4_images_go_before_the_text_they_were_matched_with(tmp_path):
    row = {
        "url": "https://page.example/m",
        "text_list": ["one.", "two.", "three."],
        "image_info": [
            {"raw_url": URLS[0], "matched_text_index": 1, "image_base64": base64.b64encode(PICTURES[URLS[0]]).decode()},
            {"raw_url": URLS[1], "matched_text_index": 0},
        ],
    }
    with gzip.open(tmp_path / "docs.jsonl.gz", "wt") as f:
        f.write(json.dumps(row) + "\n")
    (got,) = mmc4(str(tmp_path / "docs.jsonl.gz"))
    assert got.pieces == (Shown(URLS[1]), "one.", Shown(URLS[0], "", PICTURES[URLS[0]]), "two.", "three.")
    (tmp_path / "bad.jsonl").write_text('{"no": 1}\n')
    with pytest.raises(ImportDataError, match="bad.jsonl:1"):
        list(mmc4(str(tmp_path / "bad.jsonl")))


def test_img2dataset_successes_become_documents(tmp_path):
    found = list(img2dataset(str(folder_of_pictures(tmp_path / "pictures"))))
    assert [d.pieces for d in found] == [(Shown(u, f"caption {i}", PICTURES[u]), f"caption {i}") for i, u in enumerate(URLS)]
    assert len({d.url for d in found}) == 3 and all(d.url.startswith("https://img.example/") for d in found)


def test_the_archive_is_sound_and_the_same_every_time(tmp_path):
    made = [Imported(f"https://page.example/{i}", ("words", Shown(u, "", PICTURES[u]))) for i, u in enumerate(URLS)]
    made += [Imported("https://page.example/\r\nX: 1", ("bad",)), Imported("ftp://x/", ("bad",))]
    a, b = (write(str(tmp_path / n), made, "x") for n in "ab")
    assert a == b and a["bad_url"] == 2
    assert (tmp_path / "a" / "x-00000.warc.gz").read_bytes() == (tmp_path / "b" / "x-00000.warc.gz").read_bytes()
    found = [r for r in read_records(str(tmp_path / "a" / "x-00000.warc.gz"))]
    assert [r.url for r in found] == [x for i, u in enumerate(URLS) for x in (f"https://page.example/{i}", u)]
    assert found[1].block.endswith(PICTURES[URLS[0]])
    with pytest.raises(ValueError, match="address"):
        record("https://a b/", "", "text/html", b"")
