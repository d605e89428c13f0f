"""The explorer without a browser: who is let in, what the answers say, that nothing is written."""

import csv
import io
import json

import pytest
from starlette.testclient import TestClient

from audit.queries import ask
from audit.run import Run
from audit.server.app import create

TOKEN = "start-token"


@pytest.fixture(scope="module")
def client(demo_run):
    c = TestClient(create(Run(str(demo_run)), TOKEN), base_url="http://127.0.0.1:8000")
    assert c.get(f"/?token={TOKEN}").status_code == 200
    return c


@pytest.fixture(scope="module")
def ids(demo_run):
    with Run(str(demo_run)).connect() as con:
        return {
            "kept": ask(con, "SELECT doc_id, url, domain FROM documents WHERE kept ORDER BY doc_id LIMIT 1")[0],
            "dropped": ask(con, "SELECT doc_id, url, first_reason FROM documents WHERE NOT kept ORDER BY doc_id LIMIT 1")[0],
            "image": ask(con, "SELECT image_id FROM images WHERE kept ORDER BY image_id LIMIT 1")[0]["image_id"],
        }


def pages(ids):
    return ["/", "/limits", "/limit/pair.similarity.min", "/limit/pair.similarity.min?value=0.5", "/documents", "/documents?q=article&fate=kept", "/gallery?reason=", "/domains",
            f"/domain/{ids['kept']['domain']}", f"/document/{ids['kept']['doc_id']}", f"/document/{ids['dropped']['doc_id']}", f"/image/{ids['image']}", "/diff",
            f"/find?q={ids['kept']['url']}"]  # fmt: skip


def test_every_page_answers_as_html_json_and_csv_with_its_sql(client, ids):
    for path in pages(ids):
        html = client.get(path)
        assert html.status_code == 200 and "<main" in html.text and "unsafe" not in html.headers["content-security-policy"], path
        glue = "&" if "?" in path else "?"
        data = client.get(f"{path}{glue}as=json").json()
        assert set(data["tables"]) == set(data["sql"])
        assert all("select" in q["query"].lower() for q in data["sql"].values())
        text = client.get(f"{path}{glue}as=csv").text
        first = next(iter(data["tables"].values()), [])
        if first:
            assert len(list(csv.DictReader(io.StringIO(text)))) == len(first), path


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "169.254.169.254", ""])
def test_other_hosts_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 421


def test_nobody_comes_in_without_the_token(demo_run, ids):
    stranger = TestClient(create(Run(str(demo_run)), TOKEN), base_url="http://127.0.0.1:8000")
    for path in [
        *pages(ids),
        f"/render/{ids['kept']['doc_id']}",
        f"/blob/{ids['image']}",
        f"/blob/{ids['image']}?k=0",
        "/?token=wrong",
        "/static/weft.css",
    ]:
        assert stranger.get(path, follow_redirects=False).status_code == 403, path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_it_only_reads(client, method):
    assert client.request(method, "/").status_code == 405


def test_pictures_are_our_own_bytes_with_a_key_of_their_own(client, demo_run, ids):
    from audit.server.guard import key_of

    r = TestClient(create(Run(str(demo_run)), TOKEN), base_url="http://127.0.0.1:8000").get(
        f"/blob/{ids['image']}?k={key_of(TOKEN, ids['image'])}"
    )
    assert r.status_code == 200 and r.headers["content-type"].startswith("image/") and "sandbox" in r.headers["content-security-policy"]
    import hashlib

    with Run(str(demo_run)).connect() as con:
        assert (
            hashlib.sha256(r.content).hexdigest()
            == ask(con, "SELECT sha256 FROM images WHERE image_id = $id", id=ids["image"])[0]["sha256"]
        )


@pytest.mark.parametrize(
    "path",
    [
        "/document/../../etc/passwd",
        "/document/zz",
        "/image/'; DROP TABLE x",
        "/limit/none",
        "/domain/%00",
        "/render/..%2f..%2fetc",
        "/blob/..%2f..%2fetc",
        "/nothing",
        "/documents?page=-1",
    ],
)
def test_nonsense_is_answered_kindly(client, path):
    assert client.get(path).status_code in (200, 403, 404)


def test_the_database_reads_nothing_else_and_writes_nothing(demo_run, tmp_path):
    import duckdb

    (tmp_path / "secret.csv").write_text("a\n1\n")
    con = Run(str(demo_run)).connect()
    for query in (f"SELECT * FROM read_csv('{tmp_path}/secret.csv')", f"COPY documents TO '{tmp_path}/out.csv'", "INSTALL httpfs", f"ATTACH '{tmp_path}/x.db'",
                  "SET enable_external_access=true", "SET memory_limit='100GB'"):  # fmt: skip
        with pytest.raises(duckdb.Error):
            con.execute(query)


def test_pages_of_a_document_tell_what_why_tells(client, ids):
    data = client.get(f"/document/{ids['dropped']['doc_id']}?as=json").json()
    assert data["answer"]["captures"][0]["document"]["first_reason"] == ids["dropped"]["first_reason"]
    assert json.dumps(data)


def test_the_original_page_is_shown_without_anything_that_acts(client, ids):
    r = client.get(f"/render/{ids['kept']['doc_id']}")
    assert r.status_code == 200 and r.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    lowered = r.text.lower()
    assert "<script" not in lowered and "href=" not in lowered and " on" + "error" not in lowered and "/blob/" in lowered
