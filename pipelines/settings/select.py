"""[select]: what stays, decided from stored measures. Method: docs/images.md."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from pipelines.settings.base import Settings

PRESETS: dict[str, dict[str, Any]] = {
    # OBELICS (Laurencon et al. 2023): no image-text model; copies are handled by URL in dedup; documents need an image and text
    "obelics": {"keep_fraction": None, "copies_max": 10, "copies_keep": 0, "require_image": True, "require_text": True},
    # DataComp (Gadre et al. 2023) section 4.1 and Table 3: the best 30 % by CLIP similarity AND the image rules
    "datacomp": {"keep_fraction": 0.3, "combine": "and", "copies_max": 10, "copies_keep": 1},
    # MMC4 (Zhu et al. 2023) section 3: one image per text by assignment; the similarity limit is a rule (pair.similarity, 0.15)
    "mmc4": {"assignment": True, "keep_fraction": None, "copies_max": 10, "copies_keep": 0},
}


class SelectSettings(Settings):
    preset: Literal["", "obelics", "datacomp", "mmc4"] = Field("", description="Fills what is not set here: obelics, datacomp or mmc4.")
    keep_fraction: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Keep this share of the scored pairs, those of highest similarity, exactly; in place of pair.similarity's limit.",
    )
    keep_per_language: bool = Field(
        False, description="Take that share of each language's pairs, so that no language pays for the model's weakness."
    )
    combine: Literal["and", "or"] = Field(
        "and", description="An image stays if its image rules AND (or OR) its pair rules let it (DataComp: and)."
    )
    copies_max: int = Field(
        10, ge=0, description="A picture found more often in the run (same bytes or PDQ within copies_distance) is decoration; 0 = off."
    )
    copies_keep: int = Field(0, ge=0, description="Copies of such a picture that stay.")
    copies_distance: int = Field(
        31, ge=0, le=31, description="Bits of 256 by which PDQ hashes of one picture may differ (its authors: 31)."
    )
    semantic_distance: float | None = Field(
        None,
        gt=0,
        le=1,
        description="SemDeDup: an image goes if its vector is nearer (1 - cosine) than this to one that stays (its paper: 0.05 and others, by model); needs score.embeddings.",
    )
    cluster_reference: str = Field(
        "",
        description="DataComp's image-based filter: a .npy file of the image vectors (float32, one row each, same model) of pictures like those you want; "
        "an image goes if none of them falls into its cluster. Needs score.embeddings.",
    )
    clusters: int = Field(0, ge=0, description="Clusters of that filter; 0 = one per 128 distinct pictures, at most 100,000 (DataComp).")
    copies_in_document: bool = Field(True, description="Of equal pictures in one document keep the first.")
    evaluation_sets: tuple[str, ...] = Field(
        (), description="Files of evaluation sets (.txt, .sha256, .pdq): documents and images that overlap them go."
    )
    assignment: bool = Field(False, description="Give each text at most one image, of greatest total similarity (Hungarian method, MMC4).")
    assignment_drop: bool = Field(False, description="Drop images that get no text of their own (MMC4 keeps them at their best text).")
    require_image: bool = Field(True, description="Drop documents that have lost their last image.")
    require_text: bool = Field(True, description="Drop documents that have no text left.")
    validation_share: float = Field(
        0.0, ge=0, lt=1, description="Share of documents in the split `val`, chosen by hash; the rest is `train`."
    )
    split_by: Literal["document", "domain"] = Field("document", description="What is hashed for it: domain keeps sites whole.")

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("preset") in PRESETS:
            return {**PRESETS[value["preset"]], **value}
        return value
