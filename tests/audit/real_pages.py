"""HTML of the real pages that may lie beside a checkout."""

from __future__ import annotations

from pathlib import Path


def bodies(shared_data: Path, most: int, skip: int = 0) -> list[bytes]:
    """The first `most` pages after `skip`, decoded to UTF-8."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    out: list[bytes] = []
    with (shared_data / "real_dev.warc.gz").open("rb") as f:
        for record in ArchiveIterator(f, parse_http=False):
            if record.record_type != WarcRecordType.response:
                continue
            record.parse_http(auto_decode="all")
            body = record.reader.read()
            if skip:
                skip -= 1
                continue
            out.append(bytes_to_str(body, record.http_charset or detect_encoding(body)).encode("utf-8", "replace"))
            if len(out) == most:
                break
    return out
