"""Any open_clip model as two functions: pictures to unit vectors, texts to unit vectors. torch is imported on `load`.

Nothing is downloaded unless the settings say `allow_download`. What was loaded (file, sha256, numbers' type) stands in `facts`.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.cpu import cores
from pipelines.images.prepare import Target
from pipelines.settings.score import ClipSettings

RANDOM = "random"  # `pretrained` of that name: untrained weights of seed 0, for benchmarks and tests
LARGE = 20_000_000  # parameters above which bfloat16 is worth its loss on a CPU
STEP = 8  # text lengths are rounded up to multiples of it, so that few shapes occur


class ModelError(RuntimeError):
    """The model cannot be loaded as configured; the message says what to change."""


def bfloat16_on_cpu() -> bool:
    """Whether this CPU multiplies in bfloat16 (else it is emulated, and slower than float32)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags or " bf16" in flags


@dataclass
class Clip:
    """A loaded model. Not thread-safe while compiled."""

    model: Any
    tokenizer: Any
    target: Target
    mean: Sequence[float]
    std: Sequence[float]
    context: int
    batch: int
    device: Any
    dtype: Any
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._image = self.model.encode_image
        self._text = _Text(self.model)

    def images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors of n x height x width x 3 prepared pictures."""
        import torch

        out = []
        with torch.inference_mode():
            for at in range(0, len(pixels), self.batch):
                x = torch.from_numpy(np.ascontiguousarray(pixels[at : at + self.batch])).to(self.device)
                x = x.permute(0, 3, 1, 2).contiguous().to(torch.float32).div(255)
                mean, std = (torch.tensor(v, dtype=torch.float32, device=self.device).view(3, 1, 1) for v in (self.mean, self.std))
                out.append(_unit(self._image(x.sub_(mean).div_(std).to(self.dtype))))
        return np.concatenate(out) if out else np.zeros((0, 0), np.float32)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of texts, in their order. Equal texts are computed once; the longest are computed together."""
        distinct = sorted(set(texts))
        if not distinct:
            return np.zeros((0, 0), np.float32)
        vectors = self.tokens(self.tokenize(distinct))
        where = {t: i for i, t in enumerate(distinct)}
        return vectors[[where[t] for t in texts]]

    def tokenize(self, texts: Sequence[str]) -> Any:
        return self.tokenizer(list(texts), context_length=self.context)

    def tokens(self, tokens: Any) -> NDArray[np.float32]:
        """Unit vectors of token rows (n x context), computed in batches of alike length where the model allows to leave padding out."""
        import torch

        lengths = (tokens != 0).int().flip(1).argmax(1).neg() + tokens.shape[1] if self._text.trims else torch.zeros(len(tokens))
        order = torch.argsort(lengths, stable=True)
        parts = []
        with torch.inference_mode():
            for at in range(0, len(tokens), self.batch):
                rows = order[at : at + self.batch]
                parts.append(_unit(self._text(tokens[rows].to(self.device), int(lengths[rows].max()))))
        out = np.empty((len(tokens), parts[0].shape[1]), np.float32)
        out[order.numpy()] = np.concatenate(parts)
        return out


def _unit(features: Any) -> NDArray[np.float32]:
    import torch

    x = features.float()
    return torch.nn.functional.normalize(x, dim=-1).cpu().numpy()


class _Text:
    """The text tower, without the padding after the longest text of a batch where that changes nothing: with a causal mask no
    position sees a later one, and the vector is taken at the end of the text."""

    def __init__(self, model: Any):
        import torch

        class Wrapped(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.clip = model

            def forward(self, tokens: Any) -> Any:
                return self.clip.encode_text(tokens)

        self.module = Wrapped()
        self.lock = threading.Lock()  # functional_call swaps the shared module's tensors while it runs; engines share it between threads
        tower, self.prefix = (model.text, "clip.text.") if hasattr(model, "text") else (model, "clip.")
        pool = getattr(tower, "pool_type", getattr(model, "text_pool_type", ""))
        mask = getattr(tower, "attn_mask", None)
        self.tower = tower
        own = {n for n, _ in tower.named_parameters(recurse=False)} | {n for n, _ in tower.named_buffers(recurse=False)}
        self.trims = (
            pool in ("argmax", "eos")
            and mask is not None
            and getattr(tower, "cls_emb", None) is None
            and not getattr(tower, "use_pad_mask", False)
            and {"positional_embedding", "attn_mask"} <= own
        )

    def __call__(self, tokens: Any, length: int) -> Any:
        import torch

        n = min(tokens.shape[1], -(-length // STEP) * STEP)
        with self.lock:
            if not self.trims or n >= tokens.shape[1]:
                return self.module(tokens)
            shorter = {
                self.prefix + "positional_embedding": self.tower.positional_embedding[:n],
                self.prefix + "attn_mask": self.tower.attn_mask[:n, :n],
            }
            return torch.func.functional_call(self.module, shorter, (tokens[:, :n],))


def load(settings: ClipSettings) -> Clip:
    """Load the model. ModelError if it is unknown, its weights are missing, or loading them would need a download that the settings do
    not allow."""
    if not settings.allow_download:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        import open_clip
        import torch
    except ImportError as e:
        raise ModelError(f"CLIP needs torch and open_clip ({e}): pip install 'weft[clip]'") from e
    torch.set_num_threads(settings.threads or cores())
    if settings.config_dir:
        if not os.path.isdir(settings.config_dir):
            raise ModelError(f"score.clip.config_dir = {settings.config_dir!r} is no folder")
        open_clip.add_model_config(settings.config_dir)
    if open_clip.get_model_config(settings.model) is None:
        close = difflib.get_close_matches(settings.model, open_clip.list_models(), n=3)
        raise ModelError(f"open_clip has no model {settings.model!r}; near are {', '.join(close) or 'none'}. Others: score.clip.config_dir")
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if settings.device == "auto" else settings.device)
    path = weights_file(settings)
    own = {"image_mean": settings.mean or None, "image_std": settings.std or None,
           "image_interpolation": settings.interpolation or None, "image_resize_mode": settings.resize_mode or None}  # fmt: skip
    preprocess = {k.removeprefix("image_"): v for k, v in own.items() if v is not None}
    torch.manual_seed(0)
    tag = settings.pretrained if settings.pretrained != RANDOM else None
    try:
        model = open_clip.create_model(
            settings.model, pretrained=path if tag is None or os.path.exists(tag) else tag, pretrained_text=False,
            force_preprocess_cfg=preprocess, device="cpu",
        )  # fmt: skip
    except Exception as e:  # open_clip passes on whatever its parts raise
        raise ModelError(f"open_clip cannot load {settings.model} with {settings.pretrained}: {type(e).__name__}: {e}") from e
    clip = of(model, tokenizer(settings), settings, device)
    import importlib.metadata as versions

    clip.facts.update(
        model=settings.model, pretrained=os.path.basename(settings.pretrained), revision=revision_of(path or ""), weights_sha256=_sha256(path) if path else "",
        open_clip=versions.version("open_clip_torch"), torch=torch.__version__,
    )  # fmt: skip
    return clip


def of(model: Any, tokenizer: Any, settings: ClipSettings, device: Any = "cpu") -> Clip:
    """A Clip around an open_clip model that is there already."""
    import torch

    device = torch.device(device)
    size = sum(p.numel() for p in model.parameters())
    name = settings.dtype
    if name == "auto":
        name = "bfloat16" if device.type != "cpu" or (size > LARGE and bfloat16_on_cpu()) else "float32"
    dtype = getattr(torch, name)
    model = model.to(device=device, dtype=dtype).eval()
    for p in model.parameters():
        p.requires_grad_(False)
    cfg = {"size": 224, "resize_mode": "shortest", "interpolation": "bicubic", "fill_color": 0} | getattr(
        model.visual, "preprocess_cfg", {}
    )
    height, width = cfg["size"] if isinstance(cfg["size"], (tuple, list)) else (cfg["size"], cfg["size"])
    if settings.compile:
        model.visual = torch.compile(model.visual)
    context = int(getattr(model, "context_length", 77))
    return Clip(
        model, tokenizer, Target(height, width, cfg["resize_mode"], cfg["interpolation"], cfg["fill_color"]), cfg["mean"], cfg["std"],
        context, settings.batch or (32 if device.type == "cpu" else 256), device, dtype,
        {"dtype": name, "device": device.type, "image_size": f"{height}x{width}", "context": str(context)},
    )  # fmt: skip


def tokenizer(settings: ClipSettings) -> Any:
    """The model's tokenizer; ModelError if it would have to be downloaded and may not."""
    import open_clip

    if settings.tokenizer:
        from open_clip.tokenizer import HFTokenizer

        text = open_clip.get_model_config(settings.model)["text_cfg"]
        kwargs = text.get("tokenizer_kwargs", {})
        return HFTokenizer(settings.tokenizer, context_length=text.get("context_length", 77), local_files_only=True, **kwargs)
    hub = "hf_tokenizer_name" in open_clip.get_model_config(settings.model)["text_cfg"]
    try:
        return open_clip.get_tokenizer(settings.model, **({"local_files_only": True} if hub and not settings.allow_download else {}))
    except Exception as e:
        raise ModelError(
            f"the tokenizer of {settings.model} is not on this machine ({type(e).__name__}): set score.clip.tokenizer to its folder, "
            "or score.clip.allow_download = true"
        ) from e


def weights_file(settings: ClipSettings) -> str | None:
    """The local file of the weights (downloaded now if that is allowed), None for untrained ones."""
    name = settings.pretrained
    if name == RANDOM:
        return None
    if not name:
        raise ModelError(f"score.clip.model = {settings.model!r} without score.clip.pretrained: give a weights file or a tag of open_clip")
    if os.path.isfile(name):
        return name
    if not settings.allow_download:
        raise ModelError(
            f"score.clip.pretrained = {name!r} is no file on this machine; give the path of the weights, or set "
            "score.clip.allow_download = true to let open_clip download that tag"
        )
    import open_clip
    from open_clip.pretrained import download_pretrained

    cfg = open_clip.get_pretrained_cfg(settings.model, name)
    if not cfg:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(settings.model)) or "none"
        raise ModelError(f"open_clip has no weights {name!r} for {settings.model}; it has {known}")
    return download_pretrained(cfg)


def revision_of(path: str) -> str:
    """The hub's commit that downloaded weights are of (their cache names it in the path); "" for any other file, which its sha256 names."""
    found = re.search(r"[/\\]snapshots[/\\]([0-9a-f]{40})[/\\]", path)
    return found[1] if found else ""


def _sha256(path: str) -> str:
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
