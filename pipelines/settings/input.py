"""[input]: which archives, and how they are cut into units of work."""

from __future__ import annotations

from pydantic import Field, field_validator

from pipelines.settings.base import Settings


class InputSettings(Settings):
    paths: tuple[str, ...] = Field(
        (), description="Archives: files, local glob patterns, local folders (all archives in them), http(s)://, s3:// or gs:// paths."
    )
    lists: tuple[str, ...] = Field((), description="Files naming one archive a line (plain or .gz); relative names are below `base_url`.")
    crawls: tuple[str, ...] = Field((), description="Common Crawl ids such as CC-MAIN-2024-22; their file list is read from `base_url`.")
    pointers: tuple[str, ...] = Field(
        (),
        description="Files of pointers to single records (.jsonl, .csv, .tsv, .parquet, also .gz): columns warc_filename, "
        "warc_record_offset, warc_record_length as in Common Crawl's index, or filename, offset, length.",
    )
    base_url: str = Field("https://data.commoncrawl.org/", description="What relative archive names and crawl ids are relative to.")
    max_files: int = Field(0, ge=0, description="Read only the first so many archives; 0 = all.")
    crawl: str = Field("", description="Name of the crawl where a path does not say it (it is part of document ids).")
    unit_bytes: int = Field(64 << 20, ge=1 << 16, description="Compressed bytes of one unit of work. Typical: 32 to 128 MB.")
    unit_pointers: int = Field(2_000, ge=1, description="Pointers of one unit of work.")

    @field_validator("crawls")
    @classmethod
    def _crawl_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for v in value:
            if not v or "/" in v or v != v.strip() or ".." in v:
                raise ValueError(f"{v!r} is no crawl id; they look like CC-MAIN-2024-22")
        return value

    @field_validator("base_url")
    @classmethod
    def _slash(cls, value: str) -> str:
        return value if not value or value.endswith("/") else value + "/"
