"""How large everything is: `tiny` for two CPU cores, `mini` for one GPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes and lengths. Steps are optimizer steps; `pages_steps` factors the steps of the data arms."""

    name: str
    recipe: str  # file below configs/recipes
    cases: int  # conversations to train on, per set
    asked: int  # questions per skill
    tower: dict[str, int]  # quality -> steps of contrast, 64 pairs each
    decoder: dict[str, int]  # quality -> steps on curated text, 2,048 tokens each
    pairs: int  # rendered pairs for the tower
    web: int  # pages of the demo web
    pages_steps: float


SCALES = {
    "tiny": Scale("tiny", "ablation-tiny.toml", 4000, 60, {"long": 1000, "short": 100}, {"long": 400, "short": 40}, 8000, 400, 1.5),
    "mini": Scale("mini", "ablation-mini.toml", 60000, 300, {"long": 6000, "short": 600}, {"long": 4000, "short": 200}, 60000, 10000, 4.0),
    # a few steps of everything: what the tests run
    "smoke": Scale("smoke", "ablation-tiny.toml", 24, 2, {"long": 2, "short": 1}, {"long": 2, "short": 1}, 64, 50, 1.0),
}
