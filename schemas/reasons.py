"""Why something was dropped. One vocabulary for tables, counters, report, docs and `why`.

A rule's reason is made from the rule: `<rule name>.<side>`, such as `image.aspect_ratio.above`. The reasons below are the
ones that no rule gives. Prefix = the unit that was dropped.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # a page
    NOT_HTML = "document.response.not_html"  # no HTML body (media type, empty, binary)
    HTTP_STATUS = "document.response.http_status"  # the server did not answer 200
    REVISIT = "document.response.revisit"  # a revisit record: the body lies in an earlier record
    NO_TEXT = "document.empty.no_text"  # nothing left to read
    NO_IMAGE = "document.empty.no_image"  # no image left
    OPT_OUT = "document.opt_out"  # the page reserves its rights
    DUPLICATE_RECORD = "document.duplicate.record"  # the same capture was read twice
    DUPLICATE_URL = "document.duplicate.url"  # a newer capture of the same canonical URL is kept
    DUPLICATE_TEXT = "document.duplicate.text"  # the same text, exactly
    DUPLICATE_NEAR = "document.duplicate.near"  # near-duplicate text
    DUPLICATE_IMAGES = "document.duplicate.images"  # the same set of images; the newest is kept
    DUPLICATE_EARLIER = "document.duplicate.earlier_run"  # in the dedup index of an earlier run
    CONTAMINATED = "document.contaminated"  # overlaps an evaluation set
    TAKEDOWN = "document.takedown"  # a takedown request names the page or its domain
    IMAGE_LOST = "document.image_lost"  # pack found an image's bytes missing or changed
    # a paragraph
    PARAGRAPH_REPEATED = "paragraph.duplicate.domain"  # repeated within its domain
    # an image
    IMAGE_OPT_OUT = "image.opt_out"  # the page, the host or the image's own headers reserve it
    IMAGE_URL_FREQUENT = "image.duplicate.url_frequent"  # the URL occurs too often over the run
    IMAGE_IN_DOCUMENT = "image.duplicate.in_document"  # a second time on the same page
    IMAGE_COPIES = "image.duplicate.copies"  # too many copies of the same or a near-equal picture
    IMAGE_SEMANTIC = "image.duplicate.semantic"  # SemDeDup: closer to a kept picture than the limit
    IMAGE_CLUSTER = "image.cluster.unlike"  # no picture of the reference set fell into its cluster
    IMAGE_CONTAMINATED = "image.contaminated"  # equals or nearly equals a picture of an evaluation set
    IMAGE_NOT_FETCHED = "image.fetch.failed"  # the status in words is in fetch/urls
    IMAGE_NOT_DECODED = "image.decode.failed"  # the decoder refused it or died of it
    IMAGE_FORMAT = "image.header.format"  # a format that is not decoded
    IMAGE_PIXELS = "image.header.pixels"  # more pixels or bytes than are decoded
    IMAGE_HEADER = "image.header.unreadable"  # no image, or a broken header
    IMAGE_UNASSIGNED = "image.assignment.none"  # every text has a better image
    IMAGE_LISTED = "image.hash_list"  # on a hash list: never stored
    IMAGE_TAKEDOWN = "image.takedown"  # a takedown request names its URL, sha256 or PDQ hash
    DOCUMENT_DROPPED = "node.document_dropped"  # the node went with its document


def unit_of(reason: str) -> str:
    """`document`, `paragraph`, `image`, `pair`, `url` or `node`."""
    return reason.split(".", 1)[0]
