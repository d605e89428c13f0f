"""The arms: what each finding compares, as overrides of one base recipe. Arms that come out equal are trained once."""

from __future__ import annotations

from dataclasses import dataclass

FINDINGS = ("1", "2", "3", "4", "5", "6", "data")


SLOWER = {
    "lora": 0.25,
    "dora": 0.25,
    "train": 0.1,
}  # rate of what is pre-trained, as a factor on that of what is new (paper: 10 to 100 times lower)


def freeze(mode: str) -> str:
    """Rules for the pre-trained parts; what is new (connector, cross-attention) always trains fully, at the stage's rate."""
    parts = {"vision": mode, "layers": mode} | dict.fromkeys(("embed", "norm"), "train" if mode == "train" else "frozen")
    rules = [f'{{modules="{p}", mode="{m}", lr={SLOWER.get(m, 1.0)}, rank=16, alpha=32.0}}' for p, m in parts.items()]
    return f"stage.freeze=[{', '.join(rules)}]"


@dataclass(frozen=True)
class Arm:
    """One row of a finding's table. `steps`, `lr`: factors on the scale's; `tower`, `decoder`: which backbone (long | short);
    `train`, `ask`: names of case sets (`ablation.assets`); `pages`: name of a data set of pages instead of `train`."""

    finding: str
    name: str
    overrides: tuple[str, ...] = ()
    tower: str = "long"
    decoder: str = "long"
    train: str = "plain"
    ask: str = "plain"
    pages: str = ""
    steps: float = 1.0
    lr: float = 1.0
    images: tuple[str, float] | None = None  # rule and side, as a factor on the scale's


LORA = freeze("lora")
RATES = (1.0, 3.0, 10.0)


def arms(finding: str) -> list[Arm]:
    """Arms of a finding, in the order of its table. ValueError on an unknown one."""
    if finding not in _ARMS:
        raise ValueError(f"no finding {finding!r}; there are {', '.join(FINDINGS)}")
    return _ARMS[finding]()


def _quality() -> list[Arm]:
    rows = (("decoder long, tower long", "long", "long"), ("decoder long, tower short", "long", "short"),
            ("decoder short, tower long", "short", "long"), ("decoder short, tower short", "short", "short"))  # fmt: skip
    return [Arm("1", n, (LORA,), decoder=d, tower=t) for n, d, t in rows]


def _fusion() -> list[Arm]:
    return [
        Arm("2", f"{label}, {text}", (f'model.fusion="{fusion}"', freeze(mode)))
        for fusion, label in (("ar", "autoregressive"), ("cross", "cross-attention"))
        for mode, text in (("frozen", "frozen"), ("lora", "LoRA"))
    ]


def _stability() -> list[Arm]:
    modes = (("frozen", "frozen"), ("lora", "LoRA"), ("dora", "DoRA"), ("train", "full"))
    return [Arm("3", f"{label}, rate x {r:g}", (freeze(m),), lr=r, steps=0.5) for m, label in modes for r in RATES]


def _pooling() -> list[Arm]:
    perceivers = [(f"perceiver {n}", (f"model.connector.latents={n}",)) for n in (16, 32, 64, 128)]
    others = [(k, (f'model.connector.kind="{k}"',)) for k in ("linear", "mapping", "shuffle")]
    return [Arm("4", n, (*o, LORA)) for n, o in (*perceivers, *others)]


def _aspect() -> list[Arm]:
    rows = (
        ("native, longest side x 1.5", "native", 1.5),
        ("square, equal patches", "square", 1.125),
        ("square, longest side x 1.5", "square", 1.5),
    )
    return [Arm("5", n, (LORA,), train="mixed", ask="mixed", images=(r, s)) for n, r, s in rows]


def _splitting() -> list[Arm]:
    return [
        Arm("6", f"{p} % split", (LORA,), train=f"split{p}" if p else "plain", ask="split100" if p else "plain", steps=1.0)
        for p in (0, 50, 100)
    ]  # fmt: skip


def _data() -> list[Arm]:
    from ablation.web import CURATIONS

    return [Arm("data", c.name, (LORA, 'stage.loss="all"', *c.recipe), pages=c.key, ask="cloze") for c in CURATIONS]


_ARMS = {"1": _quality, "2": _fusion, "3": _stability, "4": _pooling, "5": _aspect, "6": _splitting, "data": _data}
