"""The reference page of the trainer's recipes: every key of `trainer/config.py` with its type, default, choices and the comment beside it."""

from __future__ import annotations

import ast
import inspect

from trainer import config

# Table of a recipe -> the class behind it.
TABLES = {
    "[data]": config.Data, "[[data.sources]]": config.Source, "[model]": config.Model, "[model.vision]": config.Vision,
    "[model.connector]": config.Connector, "[model.decoder]": config.Decoder, "[[stage]]": config.Stage, "images = {...} of a stage": config.Images,
    "freeze = [{...}] of a stage": config.Rule, "[run]": config.Run,
}  # fmt: skip


def markdown() -> str:
    out = [
        "# Recipes", "", "Generated from `trainer/config.py` by `make reference`.", "",
        "A recipe is a TOML file for `weft train`; `configs/recipes/` holds some ([which](../trainer.md#recipes-and-configuration)). A key that is not here is an error;",
        "`--set model.decoder.width=256` overrides one, `--set stage.0.steps=20` the first stage's, `--set stage.steps=20` every stage's.", "",
    ]  # fmt: skip
    for table, kind in TABLES.items():
        out += [f"## {table}", "", "| key | type | default | meaning |", "|---|---|---|---|"]
        out += [f"| `{k}` | `{t}` | {f'`{d}`' if d else ''} | {m} |" for k, t, d, m in keys(kind)]
        out.append("")
    return "\n".join(out)


def keys(kind: type) -> list[tuple[str, str, str, str]]:
    """Key, type, default ("" = must be given, or a table of its own) and meaning of each field of a recipe's class, in their order."""
    lines = inspect.getsource(kind).splitlines()
    body = next(n for n in ast.parse("\n".join(lines)).body if isinstance(n, ast.ClassDef)).body
    out: list[tuple[str, str, str, str]] = []
    for node in body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        name, said = node.target.id, lines[node.lineno - 1].partition("  # ")[2]
        above = lines[node.lineno - 2].strip()
        said = said or (above[2:] if above.startswith("# ") else "")
        default = "" if node.value is None or isinstance(node.value, ast.Call) else ast.unparse(node.value)
        choices = config.CHOICES.get(f"{kind.__name__}.{name}", ())
        if choices and not all(c in said for c in choices):
            said = "; ".join(x for x in (said, " | ".join(choices)) if x)
        out.append((name, _cell(ast.unparse(node.annotation)), _cell(default.replace("'", '"')), _cell(said)))
    return out


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
