"""The whole configuration: TOML in, typed sections out, every mistake named at once with a suggestion."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, ValidationError

from pipelines.settings.base import Settings
from pipelines.settings.dedup import DedupSettings
from pipelines.settings.extract import ExtractSettings
from pipelines.settings.fetch import FetchSettings
from pipelines.settings.input import InputSettings
from pipelines.settings.pack import PackSettings
from pipelines.settings.report import ReportSettings
from pipelines.settings.run import RunnerSettings, RunSettings
from pipelines.settings.score import ScoreSettings
from pipelines.settings.select import SelectSettings


class ConfigError(ValueError):
    """The configuration is wrong; the message lists every mistake."""


class Config(Settings):
    """A run, resolved."""

    run: RunSettings = RunSettings()
    runner: RunnerSettings = RunnerSettings()
    input: InputSettings = InputSettings()
    extract: ExtractSettings = ExtractSettings()
    dedup: DedupSettings = DedupSettings()
    fetch: FetchSettings = FetchSettings()
    score: ScoreSettings = ScoreSettings()
    select: SelectSettings = SelectSettings()
    pack: PackSettings = PackSettings()
    report: ReportSettings = ReportSettings()
    filters: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Rules in judging order: name -> thresholds. See docs/filters.md."
    )


def parse(text: str, where: str, overrides: Iterable[str] = ()) -> Config:
    """A Config from TOML text and `a.b=value` overrides (value in TOML, else taken as a string). ConfigError names each mistake."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{where}: not TOML: {e}") from e
    for item in overrides:
        _set(raw, item)
    return build(raw, where)


def build(raw: Mapping[str, Any], where: str) -> Config:
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as e:
        raise ConfigError("\n".join(_explain(err, where) for err in e.errors())) from e
    _check_rules(config, where)
    return config


def load(path: str, overrides: Iterable[str] = ()) -> Config:
    """Read a TOML file. ConfigError if there is none."""
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
    except FileNotFoundError as e:
        raise ConfigError(f"no configuration file {path!r}; `weft init` writes one") from e
    except OSError as e:
        raise ConfigError(f"cannot read {path!r}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}: not UTF-8 text ({e.reason} at byte {e.start})") from e
    return parse(text, path, overrides)


def dump(config: Config) -> str:
    """The resolved configuration as TOML: reading it gives an equal Config."""
    import tomli_w

    return tomli_w.dumps(_without_none(json.loads(config.model_dump_json())))


def _set(raw: dict[str, Any], item: str) -> None:
    """`filters."paragraph.words".min=5` or, as rule names hold one dot, `filters.paragraph.words.min=5`."""
    key, eq, value = item.partition("=")
    if not eq or not key.strip():
        raise ConfigError(f"--set {item!r}: write SECTION.KEY=VALUE")
    try:
        parsed = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        parsed = value
    try:
        path = _path(key.strip())
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"--set {item!r}: {key!r} is not a key") from e
    if path[0] == "filters" and len(path) == 4:
        path = [path[0], f"{path[1]}.{path[2]}", path[3]]
    here = raw
    for part in path[:-1]:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            raise ConfigError(f"--set {item!r}: {part!r} is a value, not a section")
    here[path[-1]] = parsed


def _path(key: str) -> list[str]:
    """The parts of a TOML dotted key."""
    out, node = [], tomllib.loads(f"{key} = 0")
    while isinstance(node, dict):
        name, node = next(iter(node.items()))
        out.append(name)
    return out


def _check_rules(config: Config, where: str) -> None:
    if not config.filters:
        return
    from filters.registry import RuleError, build

    wrong = []
    for name, settings in config.filters.items():
        try:
            build(name, {k: v for k, v in settings.items() if k not in ("enabled", "shadow")})
        except RuleError as e:
            wrong.append(f'{where}: filters."{name}": {e}')
    if wrong:
        raise ConfigError("\n".join(wrong))


def _explain(err: Any, where: str) -> str:
    path = [str(p) for p in err["loc"]]
    key = ".".join(path)
    if err["type"] == "extra_forbidden":
        return f"{where}: unknown key {key!r}{_suggest(path)}"
    given = err.get("input")
    shown = f" (given: {given!r})" if not isinstance(given, dict) and given is not None else ""
    return f"{where}: {key}: {err['msg'].removeprefix('Value error, ')}{shown}"


def _suggest(path: list[str]) -> str:
    model: Any = Config
    for part in path[:-1]:
        known = getattr(model, "model_fields", {})
        model = known[part].annotation if part in known else None
    known = list(getattr(model, "model_fields", {}))
    close = difflib.get_close_matches(path[-1], known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(sorted(known))}" if known else ""


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_none(v) for v in value]
    return value
