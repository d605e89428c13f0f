"""Finds the rules: every module below filters/<unit>/ defines exactly one, named `<unit>.<module>`."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, cast

from filters.base import At, Rule, RuleSet, Unit


class RuleError(ValueError):
    """A rule or one of its settings does not exist or does not fit."""


@cache
def rules() -> dict[str, type[Rule]]:
    """All rules there are, by name, sorted."""
    found: dict[str, type[Rule]] = {}
    for unit in Unit:
        package = importlib.import_module(f"filters.{unit.value}")
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            own = [c for _, c in inspect.getmembers(module, inspect.isclass)
                   if issubclass(c, Rule) and c.__module__ == module.__name__]  # fmt: skip
            if len(own) != 1:
                raise RuleError(f"{module.__name__} defines {len(own)} rules; a rule file defines exactly one")
            rule, name = own[0], f"{unit.value}.{info.name}"
            if rule.name != name or rule.unit != unit:
                raise RuleError(f"{module.__name__}: rule is called {rule.name!r} ({rule.unit}), its file says {name!r}")
            found[name] = rule
    return dict(sorted(found.items()))


def build(name: str, settings: Mapping[str, Any]) -> Rule:
    """A rule with `settings` as its fields; RuleError suggests the nearest name."""
    known = rules()
    if name not in known:
        raise RuleError(f"no rule {name!r}{_hint(name, known)}")
    optional = {f.name: "None" in str(f.type) for f in fields(known[name])}
    names = set(optional)
    for key in settings:
        if key not in names:
            raise RuleError(f"rule {name!r} has no setting {key!r}{_hint(key, names)}")
    try:
        # TOML has no null: `max = false` switches a limit off
        return known[name](
            **{
                k: None if v is False and optional[k] else tuple(cast("list[Any]", v)) if isinstance(v, list) else v
                for k, v in settings.items()
            }
        )
    except (TypeError, ValueError) as e:
        raise RuleError(f"rule {name!r}: {e}") from e


def rule_set(config: Mapping[str, Mapping[str, Any]], unit: Unit, at: At) -> RuleSet:
    """The rules of `config` (name -> settings, in order) for one unit at one stage. `enabled = false` leaves a rule out,
    `shadow = true` measures and judges it without dropping anything."""
    chosen: list[Rule] = []
    shadow: set[str] = set()
    for name, settings in config.items():
        own = {k: v for k, v in settings.items() if k not in ("enabled", "shadow")}
        rule = build(name, own)
        if settings.get("enabled", True) and rule.unit == unit and rule.at == at:
            chosen.append(rule)
            if settings.get("shadow", False):
                shadow.add(name)
    return RuleSet(chosen, shadow)


def _hint(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(known))}"
