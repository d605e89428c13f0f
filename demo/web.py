"""Builds the demo web: WARC files and truth tables in a folder; images are made when asked for (`demo.server`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from demo import truth
from demo.archive import files, write_file
from demo.plan import Web

FACTS = "web.json"


class DemoError(ValueError):
    """The folder holds no demo web, or an argument makes none."""


@dataclass(frozen=True)
class DemoWeb:
    """A built web: where its parts lie."""

    folder: Path
    web: Web
    warcs: tuple[Path, ...]
    pages_truth: Path
    images_truth: Path


def build(out_dir: str | Path, pages: int = 2000, seed: int = 0, hot: float = 0.0) -> DemoWeb:
    """Write the web of `pages` captures into `out_dir`: `warc/*.warc.gz`, `truth/pages.parquet`, `truth/images.parquet` and
    `web.json`. Same arguments, same bytes. `hot` is the share of the pages that stand on one site. One WARC file (at most 500 pages) is held in memory at a time. DemoError if
    `pages` is below 50, under which not every kind of page occurs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if pages < 50:
        raise DemoError(f"{pages} pages: the smallest demo web has 50 (one of each kind)")
    if not 0 <= hot <= 1:
        raise DemoError(f"hot = {hot}: a share of the pages lies between 0 and 1")
    out, web = Path(out_dir), Web(pages, seed, hot)
    (out / "warc").mkdir(parents=True, exist_ok=True)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    page_schema, image_schema = truth.schemas()
    places = files(web)
    with (
        pq.ParquetWriter(out / "truth" / truth.PAGES, page_schema, compression="zstd") as page_table,
        pq.ParquetWriter(out / "truth" / truth.IMAGES, image_schema, compression="zstd") as image_table,
    ):
        for name, numbers in places:
            captures = write_file(web, out / "warc" / name, numbers)
            page_table.write_table(pa.Table.from_pylist([truth.page_row(web, c) for c in captures], schema=page_schema))
            rows = [row for c in captures for row in truth.image_rows(web, c)]
            image_table.write_table(pa.Table.from_pylist(rows, schema=image_schema))
    (out / FACTS).write_text(
        json.dumps({"pages": pages, "seed": seed, "format": 1} | ({"hot": hot} if hot else {})) + "\n", encoding="utf-8"
    )
    return open_web(out)


def open_web(folder: str | Path) -> DemoWeb:
    """A web built before. DemoError if the folder holds none."""
    path = Path(folder)
    try:
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        web = Web(int(facts["pages"]), int(facts["seed"]), float(facts.get("hot", 0)))
    except FileNotFoundError as e:
        raise DemoError(f"no demo web in {path} ({FACTS} is missing); build one: python -m demo build {path}") from e
    except (ValueError, KeyError, TypeError) as e:
        raise DemoError(f"{path / FACTS} is damaged ({e}); build the web again") from e
    warcs = tuple(path / "warc" / name for name, _ in files(web))
    return DemoWeb(path, web, warcs, path / "truth" / truth.PAGES, path / "truth" / truth.IMAGES)
