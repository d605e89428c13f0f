"""What the tables and their columns mean: one sentence each, for the reference pages and the explorer.

A column means the same in every table that has it; where it does not, `table.column` has an entry of its own.
"""

from __future__ import annotations

from typing import Final

TABLES: Final[dict[str, str]] = {
    "documents": "A document kept by extract, with all its nodes in the page's order; a node that a rule dropped keeps its place.",
    "rejects": "The same rows for a share of the dropped documents, chosen by hash, so that drops can be looked at.",
    "document_measures": "Every document seen, kept or not: identity, all measures, verdict.",
    "nodes": "Every text and image node of every document seen: measures, verdict.",
    "optouts": "Every reservation of rights that was found, on pages and on images, with its evidence.",
    "archived": "Images whose bytes lie in the same archives, so that they need no request.",
    "dead": "Records that could not be processed, with the pointer that finds them again.",
    "decisions": "One row per row of extract's `documents`: the stage's verdict.",
    "node_decisions": "Nodes on which the stage decided.",
    "edges": "Verified pairs of near-duplicates.",
    "clusters": "Members of each near-duplicate cluster, so that another representative can be elected.",
    "signatures": "Keys and MinHash signature of each kept document: what the dedup index of later runs takes.",
    "urls": "Distinct image URLs asked for: what happened, in words, and where the bytes lie.",
    "images": "Fetched images: format, hashes, all measures, verdict.",
    "embeddings": "CLIP image embeddings, when asked for.",
    "pairs": "(document, image) pairs: similarity with each nearby text, the best one, the margin.",
    "placements": "Every image node that dedup kept, with what became of its image.",
    "selected": "Documents after the losses of their images and texts: final verdict and split.",
    "verdicts": "Every image node with all reasons against it.",
    "assignments": "Image to text, when MMC4-style assignment is on.",
    "rows": "Kept documents in shard order: what pack writes (the file shuffle's text side).",
    "lost": "Documents that could not be written because an image's bytes were missing or changed.",
    "packed": "The last verdict on each document and the shard that holds it.",
    "rollups": "Counts that add up over runs: fates by stage, reason and language, and histograms with fixed bins.",
    "rules": "The rules as configured in the run: measure, side, limit, version, source.",
}

COLUMNS: Final[dict[str, str]] = {
    # identity
    "doc_id": "hash of canonical URL, crawl and capture time, 32 hex digits: the document's name everywhere, also in shards",
    "url": "URL as the page or the archive has it",
    "canonical_url": "URL after the rules of docs/dedup.md (scheme, host, tracking parameters, order)",
    "domain": "registrable domain of the page (public suffix list)",
    "crawl": "name of the crawl, from the archive's path or `input.crawl`",
    "warc_path": "archive that holds the record",
    "warc_offset": "first byte of the record in the archive (compressed offset)",
    "warc_length": "length of the record in the archive, bytes",
    "fetched_at": "when the crawler or the fetcher asked, UTC, ISO 8601",
    "title": "title of the page",
    "language": "ISO 639-1 code, else 639-3; `und` if unknown",
    "language_score": "confidence in the language, 0 to 1, scaled down for short texts",
    "unit": "unit of work: a byte range of an archive or a list of pointers",
    "record": "position of the WARC record in its unit",
    "row": "position in extract's `documents` of the same unit; -1 for documents dropped there",
    "index": "position of the node in its document",
    "kind": "what it is: see the values in the table",
    "role": "what the node is on the page: paragraph, heading, list, table, code, caption, image, ...",
    "text_bytes": "length of the text in UTF-8, bytes",
    "image_id": "hash of the image's URL, 32 hex digits",
    "nodes": "texts and images in the page's order",
    "n_text": "texts left",
    "n_images": "images left",
    # verdict
    "kept": "true if nothing dropped it",
    "first_reason": "reason that names the drop: the first that failed, in the order of the rules",
    "reasons": "all reasons that hold",
    "reason": "why it was dropped, empty if it was not",
    "shadow_reasons": "limits that failed but drop nothing, because their rule is a shadow",
    "document_kept": "verdict on the node's document",
    "shadow": "true if the row is measured for the record only: its document or image was already dropped",
    "sample_rate": "share of such rows that is measured, 0 to 1; 1 = all",
    # opt-outs
    "subject": "`page` or `image`",
    "id": "document or image id, or what is known of the record",
    "signal": "kind of reservation: meta robots, X-Robots-Tag, tdm-reservation, Content-Usage, robots.txt, list",
    "value": "the value as found",
    "token": "the word of the value that counted",
    "acted": "true if it led to a drop; false where the configuration only records",
    "seen_at": "when it was read, UTC",
    "evidence": "sha256 of signal and value: what was seen, without keeping the page",
    # pointers and dead letters
    "path": "archive or file",
    "offset": "first byte",
    "length": "length in bytes",
    "content_type": "media type as the server stated it",
    "stage": "stage of the pipeline",
    "message": "what went wrong, in words",
    "trace": "the last lines of the traceback, where there is one",
    # duplicates
    "duplicate_of": "doc_id of the twin that stays",
    "similarity": "Jaccard similarity of the word n-grams with the twin, or CLIP similarity of the pair",
    "cluster": "smallest doc_id of the cluster",
    "a": "doc_id of the smaller id of the pair",
    "b": "doc_id of the larger id of the pair",
    "representative": "true for the member that stays",
    "quality": "what the election went by",
    "url_key": "128-bit hash of the canonical URL",
    "text_key": "128-bit hash of the text",
    "signature": "bands x rows uint32 MinHash values, little-endian",
    # images
    "host": "host of the URL",
    "bucket": "partition of the image side: a hash of the host",
    "status": "`success`, or what went wrong in words",
    "http_status": "status of the last answer",
    "final_url": "URL after redirects",
    "redirects": "number of redirects followed",
    "address_class": "class of the address dialled (global, loopback, private, ...)",
    "bytes": "length of the body, bytes",
    "sha256": "sha256 of the bytes as fetched, 64 hex digits",
    "blob": "blob file that holds the bytes",
    "blob_offset": "first byte in the blob file",
    "attempts": "requests made, retries included",
    "seconds": "time from the first request to the end, seconds",
    "detail": "more words about the status",
    "format": "image format by its header",
    "pdq": "PDQ perceptual hash, 256 bits, hex",
    "phash": "64-bit DCT perceptual hash, hex",
    "vector": "embedding, unit length",
    "best_index": "node of the best text",
    "best_kind": "what the best text is: caption, alt, paragraph before or after",
    "texts": "similarity with each nearby text",
    "scored": "true if the image was decoded and measured",
    "split": "`train` or `val`, by hash of doc_id",
    "text_index": "node of the text that the image was given to",
    # pack and report
    "shard": "shard that holds the document",
    "body": "the document's JSON member",
    "measure": "column that is measured",
    "bin": "number of the histogram bin (schemas/bins.py)",
    "n": "how many",
    "rule": "name of the rule",
    "at": "stage at which the rule measures",
    "version": "version of the measure",
    "side": "`above` or `below`: where the limit fails",
    "limit": "the limit",
    "order": "place in the order of judging",
    "only": "languages the limit is for; empty = all",
    "but": "languages the limit is not for",
    "source": "where the default comes from",
    "doc": "what the rule measures",
    # exceptions
    "dead.kind": "kind of death: exception, timeout, memory, crash, ...",
    "rules.unit": "what the rule judges: url, paragraph, image, pair, document",
    "rollups.kind": "documents, paragraphs, images, image_urls or pairs",
}


def meaning(table: str, column: str) -> str:
    """The sentence for a column; KeyError names the column that lacks one."""
    for key in (f"{table}.{column}", column):
        if key in COLUMNS:
            return COLUMNS[key]
    raise KeyError(f"column {column!r} of table {table!r} has no meaning yet: add it to schemas/glossary.py")
