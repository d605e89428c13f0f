"""[score]: how pictures are decoded and measured, and the model that compares them with their texts. Method: docs/images.md.

No threshold stands here: thresholds are rules (`[filters."image.size"]`, `[filters."pair.similarity"]`) and are applied by
`select`, so changing one measures nothing again.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.settings.base import Settings

FORMATS = ("jpeg", "png", "webp", "gif", "avif")  # what the guarded decoder can read


class ClipSettings(Settings):
    model: str = Field("", description='Any open_clip model, e.g. ViT-B-32 or ViT-L-14; "" = no model, so no pair measures.')
    pretrained: str = Field(
        "",
        description="Weights: a local file (.safetensors, .pt, .bin), or a tag of open_clip such as datacomp_xl_s13b_b90k (see allow_download).",
    )
    config_dir: str = Field(
        "", description="Folder of further open_clip model configurations (JSON), for a model that open_clip does not know."
    )
    tokenizer: str = Field(
        "", description="Folder of a Hugging Face tokenizer, for models whose tokenizer open_clip does not ship (SigLIP, mT5)."
    )
    allow_download: bool = Field(False, description="Let open_clip download weights and tokenizers. Without it nothing leaves the machine.")
    resize_mode: Literal["", "shortest", "longest", "squash"] = Field(
        "", description='How pictures are brought to the model\'s size; "" = as the model says (SigLIP: squash). For weights in a file.'
    )
    interpolation: Literal["", "bicubic", "bilinear"] = Field("", description='"" = as the model says.')
    mean: tuple[float, ...] = Field((), description="Channel means of the model's input; () = as the model says.")
    std: tuple[float, ...] = Field((), description="Channel deviations of the model's input; () = as the model says.")
    device: str = Field("auto", description="auto (cuda if there is one, else cpu), cpu, cuda or cuda:N.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Weights in memory. auto: bfloat16 on GPUs, and on CPUs that compute in it for models above 20 M parameters; else float32.",
    )
    batch: int = Field(0, ge=0, le=4096, description="Images (and texts) per forward pass; 0 = 32 on a CPU, 256 on a GPU.")
    compile: bool = Field(False, description="torch.compile the image tower; worth it on GPUs only.")
    threads: int = Field(
        1, ge=0, description="torch threads per worker; 0 = cores / workers. Different numbers may differ in the last bits."
    )


class ScoreSettings(Settings):
    formats: tuple[str, ...] = Field(("jpeg", "png", "webp", "gif"), description="Formats that are decoded; of animations the first frame.")
    max_pixels: int = Field(50_000_000, ge=1, description="Pictures of more pixels, by their header, are not decoded.")
    max_bytes: int = Field(64 << 20, ge=1, description="Longer files are not decoded.")
    seconds: float = Field(10.0, gt=0, description="CPU time for one picture; beyond it the picture is a dead letter.")
    memory_bytes: int = Field(2 << 30, ge=512 << 20, description="Address space of the process that decodes.")
    batch: int = Field(16, ge=1, description="Pictures sent to that process at a time.")
    decoders: int = Field(1, ge=1, le=64, description="Decoding processes per worker; more where a GPU waits for pictures.")
    exact: bool = Field(
        False, description="Decode whole pictures with Pillow, as open_clip does: bit-equal input for the model at a third of the speed."
    )
    working_side: int = Field(
        336,
        ge=64,
        le=4096,
        description="Shorter side in pixels, at least, of the small picture that is measured; the model's input is made from twice its size.",
    )
    hash_lists: tuple[str, ...] = Field(
        (), description="Files of hashes (.sha256, .md5, .pdq; one in hexadecimal per line): matching pictures are never stored further."
    )
    hash_list_action: Literal["stop", "drop"] = Field(
        "stop", description="stop: the run ends with an alert after the stage has set the matches aside. drop: only set them aside."
    )
    hash_list_distance: int = Field(31, ge=0, le=31, description="Bits by which PDQ hashes may differ (ThreatExchange: 31).")
    faces: bool = Field(False, description="Count faces (OpenCV's Haar cascade) into image_faces. Off: it is slow and misses profiles.")
    nsfw: str = Field("", description='Scorer "package.module:function": makes a function from RGB arrays to probabilities; "" = none.')
    watermark: str = Field("", description="The same for watermarks.")
    clip: ClipSettings = ClipSettings()
    gate_min_side: int = Field(100, ge=0, description="Models see pictures whose shorter side has at least so many pixels ...")
    gate_max_aspect: float = Field(3.0, ge=1, description="... and whose longer side is at most so many times the shorter ...")
    shadow_share: float = Field(
        0.05, ge=0, le=1, description="... and this share of the others, chosen by hash, so that looser limits can be judged from a sample."
    )
    neighbours: int = Field(
        2, ge=0, description="Paragraphs before and after an image that it is compared with, besides caption and alt text."
    )
    windows: int = Field(
        2, ge=1, le=64, description="Windows of the model's context that are taken from a longer text, nearest the image first."
    )
    negatives: int = Field(
        64, ge=0, le=4096, description="Texts of the whole run, chosen by hash, that the margin is taken over; 0 = no margin."
    )
    precision: float = Field(
        1e-4, gt=0, le=0.01, description="Similarities are rounded to multiples of this before anything compares them."
    )
    embeddings: bool = Field(False, description="Write the image vectors as a table.")
    accelerator: str = Field("", description="Resource hint for Dataflow, e.g. type:nvidia-l4;count:1;install-nvidia-driver.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in self.formats:
            if name not in FORMATS:
                raise ValueError(f"formats: {name!r} cannot be decoded; there are {', '.join(FORMATS)}")
        if self.clip.pretrained and not self.clip.model:
            raise ValueError("clip.pretrained without clip.model: name the model that the weights belong to")
        for name in ("nsfw", "watermark"):
            if getattr(self, name) and ":" not in getattr(self, name):
                raise ValueError(f"{name}: write package.module:function")
        for name in ("mean", "std"):
            if getattr(self.clip, name) and len(getattr(self.clip, name)) != 3:
                raise ValueError(f"clip.{name}: give three numbers, one a channel")
        return self
