"""The configuration reference, from the typed models: as a commented TOML file, as Markdown, as JSON Schema."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

from pydantic.fields import FieldInfo

from pipelines.settings.base import Settings
from pipelines.settings.config import Config


def sections(model: type[Settings] = Config, within: str = "") -> list[tuple[str, type[Settings]]]:
    """Each section's name and model, in the order of the file; sections of sections ("score.clip") behind the one they are in."""
    out: list[tuple[str, type[Settings]]] = []
    for name, field in model.model_fields.items():
        if inner := _section(field.annotation):
            out += [(within + name, inner), *sections(inner, f"{within}{name}.")]
    return out


def keys(model: type[Settings]) -> list[tuple[str, FieldInfo]]:
    """The keys of a section that are no section themselves."""
    return [(n, f) for n, f in model.model_fields.items() if not _section(f.annotation)]


def commented_toml(config: Config | None = None) -> str:
    """A configuration with every key, its meaning and its default; keys at their default are commented out."""
    config = config or Config()
    out = ["# Weft configuration. Keys at their default are commented out. `weft plan FILE` shows what a run would do.", ""]
    for name, model in sections():
        doc = (model.__doc__ or "").strip().splitlines()
        out += [f"[{name}]" + (f"  # {doc[0]}" if doc else "")]
        section = attrgetter(name)(config)
        for key, field in keys(model):
            value, default = getattr(section, key), field.get_default(call_default_factory=True)
            for line in _wrap(field.description or ""):
                out.append(f"# {line}")
            text = _toml(key, value)
            out.append(text if value != default else "\n".join(f"# {x}" for x in text.splitlines()))
        out.append("")
    if config.filters:
        out.append("# The rules, in judging order (docs/filters.md).")
        for rule, settings in config.filters.items():
            out.append(f'[filters."{rule}"]')
            out += [_toml(k, v) for k, v in settings.items()]
    return "\n".join(out) + "\n"


def markdown() -> str:
    """The reference page of all settings."""
    out = [
        "# Configuration reference",
        "",
        "Generated from the settings' models by `make reference`.",
        "",
    ]
    for name, model in sections():
        out += [f"## [{name}]", "", "| key | type | default | meaning |", "|---|---|---|---|"]
        for key, field in keys(model):
            default = json.dumps(_plain(field.get_default(call_default_factory=True)), ensure_ascii=False)
            kind = str(field.annotation).replace("<class '", "").replace("'>", "").replace("typing.", "").replace("|", "\\|")
            meaning = (field.description or "").replace("|", "\\|").replace("\n", " ")
            out.append(f"| `{key}` | `{kind}` | `{default}` | {meaning} |".replace("pipelines.settings.", ""))
        out.append("")
    return "\n".join(out)


def json_schema() -> dict[str, Any]:
    """For editors (`#:schema` or Even Better TOML)."""
    return Config.model_json_schema()


def _section(kind: Any) -> type[Settings] | None:
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _plain(value: Any) -> Any:
    return (
        json.loads(value.model_dump_json())
        if isinstance(value, Settings)
        else (list(value) if isinstance(value, tuple | set | frozenset) else value)
    )


def _toml(key: str, value: Any) -> str:
    import tomli_w

    value = _plain(value)
    if value is None:
        return f"{key} = # not set"
    if isinstance(value, dict):
        body = ", ".join(_toml(k, v) for k, v in value.items())
        return f"{key} = {{ {body} }}" if body else f"{key} = {{}}"
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return f"{key} = " + json.dumps(value)
    return tomli_w.dumps({key: value}).strip()


def _wrap(text: str, width: int = 110) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
