"""Every question that the command line, the report and the explorer ask, as plain DuckDB SQL.

`$name` is a parameter. Views: documents, nodes, images, pairs, decisions, dead, optouts, rollups, rules.
"""

from __future__ import annotations

from typing import Any

FATES = """
-- how many documents, paragraphs and images ended where
SELECT kind, stage, first_reason AS reason, count(*) AS n FROM (
  SELECT 'documents' AS kind, stage, first_reason FROM documents
  UNION ALL SELECT CASE kind WHEN 'text' THEN 'paragraphs' ELSE 'images' END, stage, first_reason FROM nodes)
GROUP BY ALL ORDER BY kind, n DESC, stage, reason"""

LANGUAGES = """
-- pages and kept pages per language
SELECT language, count(*) AS pages, count(*) FILTER (kept) AS kept FROM documents GROUP BY ALL ORDER BY pages DESC, language LIMIT $limit"""

DOMAINS = """
-- the domains with most kept (or dropped) pages
SELECT domain, count(*) AS pages, count(*) FILTER (kept) AS kept FROM documents GROUP BY ALL
ORDER BY CASE WHEN $kept THEN count(*) FILTER (kept) ELSE count(*) FILTER (NOT kept) END DESC, domain LIMIT $limit"""

FETCHES = """
-- how image requests ended, in words
SELECT status, count(*) AS urls, sum(bytes) AS bytes FROM images GROUP BY ALL ORDER BY urls DESC, status"""

HISTOGRAM = """
-- one measure, in fixed bins, kept and dropped
SELECT bin, kept, sum(n) AS n FROM rollups WHERE kind = $kind AND measure = $measure GROUP BY ALL ORDER BY bin, kept"""

ONLY = """
-- what each reason removes alone, and together with others
SELECT reason, count(*) AS dropped, count(*) FILTER (len(reasons) = 1) AS only_this
FROM (SELECT unnest(reasons) AS reason, reasons FROM documents WHERE len(reasons) > 0) GROUP BY ALL ORDER BY dropped DESC, reason"""

DEAD = """
-- dead letters by stage and kind
SELECT stage, kind, count(*) AS n, any_value(message) AS example FROM dead GROUP BY ALL ORDER BY n DESC, stage, kind"""

OPTOUTS = """
-- reservations found, and whether the run acted on them
SELECT subject, signal, token, count(*) AS n, count(*) FILTER (acted) AS acted FROM optouts GROUP BY ALL ORDER BY n DESC"""

SAMPLE = """
-- a fixed sample of documents dropped for one reason (the smallest hashes)
SELECT doc_id, url, title, language, first_reason, stage FROM documents WHERE first_reason = $reason
ORDER BY hash(doc_id) LIMIT $limit"""

DOCUMENT = "SELECT * FROM documents WHERE doc_id = $id"
IDS_BY_URL = """-- the documents of a URL, in any of its spellings
SELECT DISTINCT doc_id, url FROM documents WHERE url IN (SELECT unnest($urls::VARCHAR[]))"""
IDS_BY_CANONICAL = IDS_BY_URL.replace("WHERE url", "WHERE canonical_url").replace("a URL, in", "a canonical URL, in")
NODES_OF = "SELECT * FROM nodes WHERE doc_id = $id ORDER BY record, index"
PAIRS_OF = "SELECT * FROM pairs WHERE doc_id = $id ORDER BY row, index"
IMAGE = "SELECT * FROM images WHERE image_id = $id"
IMAGE_BY_URL = "SELECT * FROM images WHERE url = $url OR final_url = $url"
IMAGE_BY_SHA256 = "SELECT * FROM images WHERE sha256 = $sha"
IMAGE_USES = """-- where an image stands
SELECT doc_id, record, index, stage, first_reason, kept FROM nodes WHERE image_id = $id ORDER BY kept DESC, doc_id, index LIMIT $limit"""
SCORED_USES = """-- where a scored image stands: its pairs say in which documents (a smaller table)
SELECT doc_id, record, index, stage, first_reason, kept FROM nodes
WHERE image_id = $id AND doc_id IN (SELECT doc_id FROM pairs WHERE image_id = $id) ORDER BY kept DESC, doc_id, index LIMIT $limit"""
DEAD_OF = "SELECT * FROM dead WHERE url = $url OR id = $url LIMIT 20"
OPTOUTS_OF = "SELECT * FROM optouts WHERE url = $url OR id = $id LIMIT 50"


def ask(con: Any, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """Rows as dicts; parameters the query does not name are left out."""
    used = {k: v for k, v in parameters.items() if f"${k}" in query}
    result = con.execute(query, used)
    names = [c[0] for c in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


# --- asked by the explorer only; each reads a small part of the tables ---

ROLLED = """
-- where documents, paragraphs, images and image URLs ended, from the roll-ups
SELECT kind, stage, reason, kept, sum(n)::BIGINT AS n FROM rollups WHERE measure = '' AND kind <> 'pairs' GROUP BY ALL ORDER BY kind, n DESC, stage, reason"""

ROLLED_LANGUAGES = """
-- pages and kept pages per language, from the roll-ups
SELECT language, sum(n)::BIGINT AS pages, coalesce(sum(n) FILTER (kept), 0)::BIGINT AS kept FROM rollups
WHERE kind = 'documents' AND measure = '' GROUP BY ALL ORDER BY pages DESC, language LIMIT $limit"""

FIND = """
-- documents by part of their URL or title, by domain, language and fate, in the tables' own order, which is that of the ids
SELECT doc_id, url, title, domain, language, kept, stage, first_reason FROM documents
WHERE {where}
LIMIT $limit OFFSET $offset"""
WHERE = {
    "q": "(contains(lower(url), lower($q)) OR contains(lower(title), lower($q)))", "domain": "domain = $domain", "language": "language = $language",
    "reason": "(first_reason = $reason OR list_contains(reasons, $reason))", "fate": "kept = ($fate = 'kept')",
}  # fmt: skip


def find(asked: dict[str, str]) -> str:
    """FIND with the conditions that are asked for: what is not asked is not read."""
    return FIND.format(where=" AND ".join(WHERE[k] for k, v in asked.items() if v) or "true")


DOMAIN = """
-- one domain: its pages by fate
SELECT stage, first_reason AS reason, kept, count(*) AS pages FROM documents WHERE domain = $domain GROUP BY ALL ORDER BY kept DESC, pages DESC, reason"""

NEAR = """
-- documents whose measure lies nearest to a limit, on either side
SELECT d.doc_id, url, title, kept, first_reason, {measure} AS value FROM documents d
JOIN (SELECT doc_id, record FROM documents WHERE {measure} IS NOT NULL ORDER BY abs({measure} - $limit_at), doc_id LIMIT $limit) n
ON n.doc_id = d.doc_id AND n.record = d.record ORDER BY abs({measure} - $limit_at), d.doc_id"""

NEAR_NODES = """
-- {what} whose measure lies nearest to a limit, on either side
SELECT m.doc_id, url, image_id, m.index, kept, first_reason, {measure} AS value FROM nodes m
JOIN (SELECT doc_id, record, index FROM nodes WHERE {measure} IS NOT NULL ORDER BY abs({measure} - $limit_at), doc_id, index LIMIT $limit) n
ON n.doc_id = m.doc_id AND n.record = m.record AND n.index = m.index ORDER BY abs({measure} - $limit_at), m.doc_id, m.index"""

GALLERY = """
-- images for one reason ('' = kept), in the order of the documents' ids, which are hashes
SELECT doc_id, index, image_id, url, stage, first_reason, pair_similarity AS similarity FROM nodes
WHERE kind = 'image' AND sha256 <> '' AND first_reason = $reason ORDER BY doc_id, index LIMIT $limit"""

GALLERY_PLAIN = GALLERY.replace("pair_similarity AS similarity", "NULL::DOUBLE AS similarity")

IMAGE_REASONS = """
-- reasons that images were dropped for
SELECT reason, sum(n)::BIGINT AS n FROM rollups WHERE kind = 'images' AND measure = '' GROUP BY ALL ORDER BY n DESC, reason"""
