"""[dedup]: which repetitions go. Method and order: docs/dedup.md."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.settings.base import Settings

Match = Literal["url", "text", "near"]


class DedupSettings(Settings):
    url: bool = Field(True, description="Of captures of one canonical URL (scheme left aside) keep the newest (OBELICS, step 08).")
    text: bool = Field(True, description="Of documents with exactly the same text keep one.")
    near: bool = Field(True, description="Of near-duplicate documents (MinHash-LSH, then true Jaccard, then components) keep one.")
    shingle_words: int = Field(5, ge=1, le=50, description="Words per shingle (FineWeb, RefinedWeb).")
    bands: int = Field(14, ge=1, le=1000, description="LSH bands (FineWeb).")
    rows: int = Field(8, ge=1, le=100, description="MinHash values per band (FineWeb).")
    seed: int = Field(1, ge=0, lt=1 << 32, description="Seed of the permutations; 1 is datasketch's.")
    threshold: float = Field(
        0.75, ge=0, le=1, description="True Jaccard from which a candidate pair counts (FineWeb: 75 %; OmniCorpus, NeMo Curator: 0.8)."
    )
    bucket_all_pairs: int = Field(64, ge=2, description="LSH buckets up to this size compare every pair, larger ones only leaders.")
    bucket_leaders: int = Field(8, ge=1, description="Members of a larger bucket that all others are compared with.")
    components: Literal["auto", "local", "beam"] = Field(
        "auto", description="Connected components: in one process, by large-star/small-star rounds in Beam, or by the number of edges."
    )
    components_local_edges: int = Field(50_000_000, ge=0, description="`auto`: up to this many verified pairs in one process.")
    quality_measure: str = Field(
        "", description='Column of extract/document_measures that elects the representative (highest wins); "" = none, the newest wins.'
    )
    paragraph_repeats: int = Field(3, ge=0, description="A paragraph seen this often in a domain goes (OBELICS, step 09); 0 = off.")
    paragraph_keep_first: bool = Field(False, description="Keep the oldest copy of a repeated paragraph (OBELICS removes all).")
    image_url_max: int = Field(10, ge=0, description="An image URL seen more often than this in the run goes (OBELICS, step 06); 0 = off.")
    image_in_document: bool = Field(True, description="Keep only the first of equal image URLs in a document (OBELICS, step 13).")
    image_set: bool = Field(True, description="Of documents with the same set of image URLs keep the newest (OBELICS, step 11).")
    image_set_min: int = Field(1, ge=1, description="Sets with fewer image URLs are not compared.")
    drop_emptied: bool = Field(True, description="Drop a document that loses its last text or image here (OBELICS, 08 and 10).")
    index: str = Field("", description='Folder of the dedup index of earlier runs; "" = compare within this run only.')
    index_match: tuple[Match, ...] = Field(("url", "text", "near"), description="What counts as already present in an earlier run.")
    buckets: int = Field(0, ge=0, le=65536, description="Partitions of the shuffles and of edges/clusters; 0 = one per 100,000 documents.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.paragraph_repeats == 1:
            raise ValueError("paragraph_repeats = 1 would drop every paragraph: give 2 or more, or 0 to switch it off")
        if self.bands * self.rows > 4096:
            raise ValueError(f"bands x rows = {self.bands * self.rows}: more than 4096 hashes per document")
        return self
