"""Why a page, a document or an image was kept or dropped: the whole record, from the run's own tables."""

from __future__ import annotations

import re
from typing import Any

from audit import queries
from audit.queries import ask
from audit.run import Run
from audit.taken import taken
from schemas.manifest import digest_of


def why(run: Run, what: str, con: Any = None) -> dict[str, Any]:
    """Everything the run knows about a page URL, document id, image URL, image id or sha256.

    Returns {"kind": "document" | "image" | "dead" | "taken" | "unknown", ...}; for a document one entry per capture, with the nodes as
    extracted and every rule's measure, limit and verdict; for a duplicate also its twin. "taken" names the takedown that removed it,
    "unknown" the inputs searched.
    """
    if gone := taken(run, what, _spellings(what)):
        return gone
    with con or run.connect() as con:
        rules = ask(con, 'SELECT * FROM rules ORDER BY "order", measure, side')
        if re.fullmatch(r"[0-9a-f]{64}", what):
            images = ask(con, queries.IMAGE_BY_SHA256, sha=what)
        elif re.fullmatch(r"[0-9a-f]{32}", what):
            if documents := ask(con, queries.DOCUMENT, id=what):
                return {"kind": "document", "captures": [_document(run, con, d, rules) for d in documents]}
            images = ask(con, queries.IMAGE, id=what)
        else:
            spellings = _spellings(what)
            found = ask(con, queries.IDS_BY_URL, urls=spellings) or ask(con, queries.IDS_BY_CANONICAL, urls=spellings)
            found.sort(key=lambda r: spellings.index(r["url"]) if r["url"] in spellings else len(spellings))  # as given, before a variant
            if found:
                best = [r["doc_id"] for r in found if r["url"] == found[0]["url"]]
                documents = sorted((d for i in best for d in ask(con, queries.DOCUMENT, id=i)), key=lambda d: d["fetched_at"], reverse=True)
                return {"kind": "document", "captures": [_document(run, con, d, rules) for d in documents]}
            images = ask(con, queries.IMAGE_BY_URL, url=what)
            if not images:
                found = ask(con, "SELECT DISTINCT image_id AS id FROM nodes WHERE url = $url AND kind = 'image' LIMIT 1", url=what)
                if found:  # never asked for: dropped before fetching
                    uses = uses_of(con, found[0]["id"])
                    return {"kind": "image", "images": [{"image_id": found[0]["id"], "url": what, "stage": uses[0]["stage"], "status": "never fetched", "uses": uses}]}  # fmt: skip
        if images:
            return {"kind": "image", "images": [_image(con, i, rules) for i in images]}
        if dead := ask(con, queries.DEAD_OF, url=what):
            return {"kind": "dead", "dead": dead}
    sources = run.stages["extract"].inputs
    return {"kind": "unknown", "asked": what, "inputs": sources, "inputs_digest": digest_of(sources)}


def _spellings(url: str) -> list[str]:
    """The URL as given, then with and without a scheme and a trailing slash, as people type it."""
    bare = url.split("://", 1)[-1]
    stem = bare.rstrip("/")
    out = [url]
    for scheme in ("https://", "http://"):
        out += [scheme + stem, scheme + stem + "/"]
    return list(dict.fromkeys(out))


def _document(run: Run, con: Any, d: dict[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    nodes = [n for n in ask(con, queries.NODES_OF, id=d["doc_id"]) if n["record"] == d["record"] and n["unit"] == d["unit"]]
    texts = page(run, d)
    pairs = {p["index"]: p for p in ask(con, queries.PAIRS_OF, id=d["doc_id"]) if p["row"] == d["row"]}
    for n in nodes:
        n["text"] = texts.get(n["index"], {}).get("text", "")
        n["alt"] = texts.get(n["index"], {}).get("alt", "")
        n["pair"] = pairs.get(n["index"])
    out = {
        "document": {k: v for k, v in d.items() if not isinstance(v, float) or k in ("language_score", "duplicate_similarity")},
        "judged": judged(d, rules, "document") + judged(d, rules, "url"),
        "nodes": [
            {
                **{
                    k: n[k]
                    for k in (
                        "index",
                        "kind",
                        "role",
                        "text",
                        "url",
                        "image_id",
                        "alt",
                        "kept",
                        "stage",
                        "first_reason",
                        "reasons",
                        "duplicate_of",
                    )
                },
                "judged": judged(n, rules, "paragraph") if n["kind"] == "text" else judged(n, rules, "image") + judged(n, rules, "pair"),
                "pair": n["pair"],
                "fetched": n.get("fetch_status") == "success",
            }
            for n in nodes
        ],  # fmt: skip
        "optouts": ask(con, queries.OPTOUTS_OF, url=d["url"], id=d["doc_id"]),
        "twin": None,
    }
    if d["duplicate_of"]:
        twins = ask(con, queries.DOCUMENT, id=d["duplicate_of"])
        if twins:
            t = twins[0]
            words = [n["text"] for _, n in sorted(page(run, t).items()) if n["kind"] == "text"]
            out["twin"] = {k: t[k] for k in ("doc_id", "url", "title", "fetched_at", "kept", "first_reason")} | {"text": "\n".join(words)}
    return out


def page(run: Run, d: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The page as extracted: index -> node, from extract's documents or its sample of rejects; {} if the text was not stored."""
    import pyarrow.parquet as pq

    for table in ("documents", "rejects"):
        for path in run.stage_table("extract", table):
            if path.endswith(f"/{d['unit']}.parquet"):
                rows = pq.read_table(path, columns=["doc_id", "warc_offset", "nodes"], filters=[("doc_id", "=", d["doc_id"])]).to_pylist()
                for row in rows:
                    if row["warc_offset"] == d["warc_offset"]:
                        return {n["index"]: n for n in row["nodes"]}
    return {}


def judged(row: dict[str, Any], rules: list[dict[str, Any]], unit: str) -> list[dict[str, Any]]:
    """Each rule's measure beside its limit, for one row of a wide table."""
    out = []
    for r in rules:
        value = row.get(r["measure"])
        if r["unit"] != unit or value is None or not applies(r, row.get("language") or ""):
            continue
        fails = r["side"] == "above" and value > r["limit"] or r["side"] == "below" and value < r["limit"]
        out.append({"rule": r["rule"], "version": r["version"], "measure": r["measure"], "value": value, "side": r["side"], "limit": r["limit"], "fails": bool(fails), "shadow": r["shadow"]})  # fmt: skip
    return out


def applies(rule: dict[str, Any], language: str) -> bool:
    """Whether a limit is for texts of this language."""
    return (not rule["only"] or language in rule["only"]) and language not in (rule["but"] or ())


def uses_of(con: Any, image: str, limit: int = 20) -> list[dict[str, Any]]:
    """The documents that show an image, those that keep it first."""
    uses = ask(con, queries.SCORED_USES, id=image, limit=limit) or ask(con, queries.IMAGE_USES, id=image, limit=limit)
    urls = {i: ask(con, "SELECT url FROM documents WHERE doc_id = $id LIMIT 1", id=i)[0]["url"] for i in {u["doc_id"] for u in uses}}
    return [{**u, "url": urls[u["doc_id"]]} for u in uses]


def _image(con: Any, i: dict[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {**i, "judged": judged(i, rules, "image"), "uses": uses_of(con, i["image_id"])}
