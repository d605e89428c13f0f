"""Which extra brings which package, for the sentence that says what to install."""

from __future__ import annotations

EXTRAS: dict[str, tuple[str, ...]] = {
    "clip": ("torch", "torchvision", "open_clip", "timm"),
    "train": ("transformers", "safetensors", "tokenizers", "peft", "sentencepiece"),
    "audit": ("starlette", "uvicorn", "nh3"),
    "gcp": ("google", "gcsfs"),
    "aws": ("s3fs", "boto3"),
    "img2dataset": ("img2dataset",),
    "export": ("mlcroissant", "datasets"),
}


def extra_for(module: str) -> str:
    """The extra that brings `module`; `dev` if none does."""
    root = module.split(".")[0]
    return next((extra for extra, packages in EXTRAS.items() if root in packages), "dev")
