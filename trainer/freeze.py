"""What trains: ordered rules over module names, frozen | lora | dora | train, each with a factor on the rate. The one place for it."""

from __future__ import annotations

import fnmatch

from torch import nn

from trainer.config import RecipeError, Rule
from trainer.model.lora import Lora

PLAIN = Rule(modules="*", mode="train")


def apply(model: nn.Module, rules: tuple[Rule, ...]) -> list[tuple[str, Rule]]:
    """Freeze, unfreeze and wrap by the rules (the last match holds; none: trained). The rule of every parameter, by name.

    A name matches by its own path or by a parent's: `vision` and `vision.*` both mean the whole tower. RecipeError if a
    rule matches nothing.
    """
    used: set[Rule] = set()

    def rule(name: str) -> Rule:
        parts = name.split(".")
        paths = [".".join(parts[: i + 1]) for i in range(len(parts))]
        for r in reversed(rules):
            if any(fnmatch.fnmatchcase(p, r.modules) for p in paths):
                used.add(r)
                return r
        return PLAIN

    for name, m in list(model.named_modules()):
        if isinstance(m, nn.Linear) and (r := rule(name)).mode in ("lora", "dora") and not name.endswith(".base"):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, Lora(m, r.rank, r.alpha, r.mode == "dora"))
    out = []
    for name, p in model.named_parameters():
        r = rule(name.replace(".base.", "."))
        adapter = name.rsplit(".", 1)[-1] in ("a", "b", "magnitude") and isinstance(model.get_submodule(name.rpartition(".")[0]), Lora)
        p.requires_grad_(r.mode == "train" or (r.mode in ("lora", "dora") and adapter))
        out.append((name, r))
    for r in rules:
        if r not in used and not any(fnmatch.fnmatchcase(n, r.modules) or n.startswith(r.modules.rstrip(".*") + ".") for n, _ in out):
            parts = ", ".join(sorted({n.split(".")[0] for n, _ in out}))
            raise RecipeError(f"freeze rule {r.modules!r} matches no module; there are {parts}")
    return out


def groups(model: nn.Module, ruled: list[tuple[str, Rule]], decay: float) -> list[dict]:
    """AdamW's parameter groups: by rate factor, and without decay for biases, norms, gates and latents (one dimension, or `latents`)."""
    by_name = dict(ruled)
    out: dict[tuple[float, float], list] = {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            d = decay if p.ndim > 1 and not name.endswith("latents") else 0.0
            out.setdefault((by_name[name].lr if name in by_name else 1.0, d), []).append(p)
    return [{"params": ps, "factor": f, "weight_decay": d} for (f, d), ps in sorted(out.items(), key=lambda kv: kv[0])]


def table(model: nn.Module, ruled: list[tuple[str, Rule]]) -> str:
    """What trains and what does not, by part, in words for the log."""
    rows: dict[str, list[int]] = {}
    for name, p in model.named_parameters():
        row = rows.setdefault(name.split(".")[0], [0, 0])
        row[0] += p.numel()
        row[1] += p.numel() if p.requires_grad else 0
    return "\n".join(f"  {part:10} {t:>13,} of {n:>13,} parameters train" for part, (n, t) in rows.items())
