"""The recipe: one TOML file, read into frozen dataclasses. Unknown keys fail with a suggestion; `a.b=value` overrides one."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from dataclasses import dataclass, field
from typing import Any


class RecipeError(ValueError):
    """A recipe is wrong: the message names file, key and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where documents come from. `share` is the source's part of the *tokens*, not of the documents."""

    path: str  # a folder, for shards also on an object store (s3://bucket/run, by fsspec)
    kind: str = "shards"  # shards (a run folder) | sft, pages (JSON lines: the Cauldron's layout, or documents as in shards)
    share: float = 1.0  # this source's part of the tokens, among all sources' shares
    name: str = ""  # in logs; default: path


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    shards: str = ""  # shorthand for one source of kind "shards"
    sources: tuple[Source, ...] = ()  # several sources, mixed by token share
    split: str = "train"  # which split of the shards: train or val
    tokenizer: str = "bytes"  # or the path of a tokenizer.json / HF folder
    window: int = 4096  # documents packed together: larger fills better (4,096: 0.998), smaller starts sooner
    bad: str = "image"  # a broken image makes a hole of the "image", or of its whole "document"
    workers: int = 0  # loader processes; the order does not depend on it
    cache: str = ""  # folder for node lengths and copies of remote shards; default: RUN OUT/cache
    cache_gb: float = 100.0  # of copies of remote shards (s3://, gs://, ...); the least recently used go
    memory: int = 0  # MB of decoded pictures that each loader process keeps: for small data that is read again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    kind: str = "siglip"  # siglip | clip (IDEFICS' tower: class token, fixed grid)
    width: int = 96  # hidden size
    depth: int = 3  # layers
    heads: int = 3  # attention heads
    mlp: int = 384  # hidden size of the MLP
    patch: int = 14  # side of a patch in pixels
    positions: int = 16  # side of the position table (SigLIP-SO400M at 980 px: 70)
    eps: float = 1e-6  # of the layer norms
    hf_buckets: bool = False  # position buckets by HF's float rule: only for imported weights (18 of 2,863 differ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    kind: str = "perceiver"  # perceiver | linear | mapping | shuffle | resampler (IDEFICS': with the clip tower and cross-attention)
    latents: int = 16  # perceiver, resampler: tokens an image becomes
    depth: int = 2  # perceiver, resampler: layers
    heads: int = 4  # attention heads
    kv_heads: int = 2  # key and value heads
    head_dim: int = 32  # size of a head
    factor: int = 2  # shuffle: side of the square that becomes one token
    mlp: int = 0  # modality projection's hidden size; 0 = the decoder's
    qk_norm: bool = False  # resampler: norms on queries and keys
    eps: float = 1e-6  # of the norms


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    width: int = 160  # hidden size
    depth: int = 4  # layers
    heads: int = 5  # attention heads
    kv_heads: int = 5  # key and value heads (grouped-query attention)
    head_dim: int = 32  # size of a head
    mlp: int = 448  # hidden size of the MLP
    vocab: int = 0  # 0 = the tokenizer's
    rope: float = 10000.0  # base of the rotary positions
    eps: float = 1e-5  # of the norms
    tie: bool = False  # output layer = embedding
    added: int = 0  # so many of the vocabulary's last tokens are an embedding of their own in IDEFICS' files


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    fusion: str = "ar"  # ar: image tokens in the text | cross: gated cross-attention to the latest image
    cross_every: int = 2  # cross: a layer of cross-attention before every so many decoder layers
    cross_gate: str = "float"  # float | vector: one gate a layer, or one a channel
    cross_qk_norm: bool = False  # cross: norms on queries and keys
    vision: Vision = field(default_factory=Vision)  # the image tower, a table of its own
    connector: Connector = field(default_factory=Connector)  # from image features to tokens, a table of its own
    decoder: Decoder = field(default_factory=Decoder)  # the language model, a table of its own
    init: str = ""  # folder of an HF checkpoint to start from
    # to start from, the rest is drawn: HF folders (SigLIP; Llama, Mistral), or safetensors with weights by our names
    backbones: tuple[str, ...] = ()
    std: float = 0.02  # of weights drawn anew; widths below 256 learn faster with about 1 / sqrt(width)
    compile: bool = False  # torch.compile per block
    recompute: bool = False  # activation checkpointing per block


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    rule: str = "native"  # size of pictures: square | native | split (four crops and the original)
    side: int = 112  # longest side in pixels, of each crop where split
    max_per_document: int = 0  # 0: no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Freeze rule: modules whose name matches `modules` (glob) are frozen | lora | dora | train; the last match holds."""

    modules: str  # names of modules, with * and ?
    mode: str  # what becomes of them
    lr: float = 1.0  # factor on the stage's rate
    rank: int = 16  # of LoRA and DoRA
    alpha: float = 16.0  # of LoRA and DoRA: the update is scaled by alpha / rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    name: str = "main"  # in logs
    steps: int = 100  # optimizer steps
    tokens: int = 2048  # of one pack
    patches: int = 4096  # of one pack
    packs: int = 1  # in one optimizer step, over all ranks: the rank count must divide it
    lr: float = 1e-3  # highest rate
    warmup: int = 10  # steps until the rate is at its highest
    end: float = 0.1  # the rate's last value, as a factor; cosine between
    decay: float = 0.1  # AdamW's weight decay, not on biases, norms and latents
    betas: tuple[float, float] = (0.9, 0.999)  # AdamW's
    clip: float = 1.0  # norm of the gradient above which it is scaled down
    loss: str = "all"  # all | answers | after_image
    neftune: float = 0.0  # noise on embeddings (NEFTune), its alpha; 0 = none
    images: Images = field(default_factory=Images)  # a table of its own
    freeze: tuple[Rule, ...] = ()  # rules for modules, see below
    shares: dict[str, float] = field(default_factory=dict)  # source name -> token share in this stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    out: str = "train-out"  # output folder
    seed: int = 0  # of order, initialisation and noise
    save_every: int = 0  # steps; 0: only at the end
    keep: int = 2  # newest checkpoints that stay
    log_every: int = 10  # steps between lines on the screen; metrics.jsonl has every step
    resume: bool = True  # go on from the newest checkpoint in the output folder
    parallel: str = "ddp"  # ddp | fsdp, where there is more than one process
    dtype: str = "float32"  # compute: float32 | bfloat16 (masters stay float32) | float64 (tests)
    device: str = "auto"  # auto | cpu | cuda, as torch names them
    tensorboard: bool = False  # needs the package tensorboard
    wandb: str = ""  # a project's name; needs the package wandb (WANDB_MODE=offline is respected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    stage: tuple[Stage, ...] = (Stage(),)
    run: Run = field(default_factory=Run)


CHOICES = {
    "Source.kind": ("shards", "sft", "pages"), "Data.bad": ("image", "document"),
    "Connector.kind": ("perceiver", "linear", "mapping", "shuffle", "resampler"),
    "Vision.kind": ("siglip", "clip"), "Model.cross_gate": ("float", "vector"),
    "Model.fusion": ("ar", "cross"), "Images.rule": ("square", "native", "split"), "Rule.mode": ("frozen", "lora", "dora", "train"),
    "Stage.loss": ("all", "answers", "after_image"), "Run.parallel": ("ddp", "fsdp"), "Run.dtype": ("float32", "bfloat16", "float64"),
}  # fmt: skip


def load(path: str, overrides: list[str] | tuple[str, ...] = ()) -> Recipe:
    """Recipe from a TOML file; an override is `section.key=TOML value`. Raises RecipeError."""
    with open(path, "rb") as f:
        return parse(f.read().decode("utf-8"), path, overrides)


def parse(text: str, where: str, overrides: list[str] | tuple[str, ...] = ()) -> Recipe:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise RecipeError(f"{where}: {e}") from e
    for o in overrides:
        _override(raw, o)
    return build(Recipe, raw, where)


def _override(raw: dict[str, Any], override: str) -> None:
    name, eq, value = override.partition("=")
    if not eq:
        raise RecipeError(f"override {override!r} is not of the form a.b=value")
    try:
        parsed = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        parsed = value  # a bare word is a string
    *parents, last = name.strip().split(".")
    at: Any = raw
    for p in parents:
        if isinstance(at, list):
            if not p.isdigit() or int(p) >= len(at):
                raise RecipeError(f"override {override!r}: {p!r} is no place in a list of {len(at)}")
            at = at[int(p)]
        else:
            at = at.setdefault(p, {})
    if isinstance(at, list):  # stage.steps=5 speaks of every stage
        for one in at:
            one[last] = parsed
    else:
        at[last] = parsed


def build(kind: Any, raw: Any, where: str) -> Any:
    """`raw` as the type `kind`; RecipeError with the dotted place otherwise."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(raw, dict):
            raise RecipeError(f"{where}: a table was expected, found {raw!r}")
        hints = typing.get_type_hints(kind)
        for key in raw:
            if key not in hints:
                close = difflib.get_close_matches(key, hints, n=1)
                raise RecipeError(f"{where}: unknown key {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        values = {}
        for key, value in raw.items():
            values[key] = build(hints[key], value, f"{where}: {key}" if ":" not in where else f"{where}.{key}")
            allowed = CHOICES.get(f"{kind.__name__}.{key}")
            if allowed and values[key] not in allowed:
                raise RecipeError(f"{where}: {key} = {value!r} is none of {', '.join(allowed)}")
        try:
            return kind(**values)
        except TypeError as e:
            raise RecipeError(f"{where}: {e}") from e
    origin = typing.get_origin(kind)
    if origin is tuple:
        args = typing.get_args(kind)
        items = raw if isinstance(raw, list) else [raw]
        kinds = [args[0]] * len(items) if args[-1] is Ellipsis else list(args)
        if len(kinds) != len(items):
            raise RecipeError(f"{where}: {len(kinds)} values were expected, found {len(items)}")
        return tuple(build(k, x, f"{where}[{i}]") for i, (k, x) in enumerate(zip(kinds, items, strict=True)))
    if origin is dict:
        return {k: build(typing.get_args(kind)[1], v, f"{where}.{k}") for k, v in raw.items()}
    if isinstance(kind, types.UnionType):
        kind = typing.get_args(kind)[0]
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, kind) or (kind is not bool and isinstance(raw, bool)):
        raise RecipeError(f"{where}: {kind.__name__} expected, found {raw!r}")
    return raw


def as_dict(recipe: Any) -> dict[str, Any]:
    return dataclasses.asdict(recipe)
