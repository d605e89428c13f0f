"""What README and docs name exists: verbs and their options, settings, rules, reasons, modules, make targets, files of this repository.

Blocks that cannot run in CI are read here at least: their commands parse, their Python compiles, their TOML is TOML.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.support.fences import blocks, pages, prose

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages(ROOT)
_COMMAND = re.compile(r"(?:^|[\s;|&(])(?:\.venv/bin/)?weft +([a-z]+)\b([^|;&`]*)")
_MODULE = re.compile(r"python3? -m ([a-z_][\w.]*)")
_TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
_OPTION = re.compile(r"(?<![\w=-])--?[a-z][\w-]*")
_SETTING = re.compile(r"--set ['\"]?([a-z_]+(?:\.\w+)+)=")
_NAME = re.compile(r"[a-z_]+(?:\.[a-z_0-9]+)+")
_TREE = re.compile(
    r"(?:weft|schemas|filters|pipelines|audit|trainer|demo|ablation|benchmarks|configs|deploy|docs|tests|\.ci|\.github)/[\w./*-]*"
)
_FILE = re.compile(r"[A-Za-z0-9][\w-]*\.(?:py|toml|yml)")
OURS = ("filters.", "pipelines.", "demo", "benchmarks", "audit", "trainer", "weft", "tests.", "ablation", "schemas")
SECTIONS = ("run", "runner", "input", "extract", "dedup", "fetch", "score", "select", "pack", "report", "data", "model", "stage", "filters")
NOT_HERE = {
    "my.toml",
    "weft.toml",
    "exclamations.py",
    "score_extraction.py",
}  # the reader makes these; the last came with the truth for extraction


def faults(page: Path) -> list[str]:
    """What a page names and the code does not have."""
    out: list[str] = []
    code = prose(page)
    for words in code:
        out += commands(words) + (files(words, page) if " " not in words else []) + names(words)
    for block in blocks(page):
        text = "\n".join(re.split(r"(?:^|\s)#", x)[0] for x in block.text.replace("\\\n", " ").splitlines())
        out += [f"{block}: {x}" for x in commands(text)]
        if block.language == "python":
            ast.parse(block.text if not block.text.lstrip().startswith('"') else f"{{{block.text}}}")  # or rows of a dict
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.exempt:
            out += [f"{block}: {x}" for x in paths_in(text)]
    return out


def commands(text: str) -> list[str]:
    out = []
    for verb, rest in ((m[1], m[2]) for line in text.splitlines() for m in _COMMAND.finditer(line)):
        if (known := options(verb)) is None:
            out.append(f"no verb: weft {verb}")
            continue
        given = _OPTION.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", rest))
        out += [f"weft {verb} has no {x}" for x in given if x not in known]
        out += [f"no setting {x}" for x in _SETTING.findall(rest) if not setting(x, verb)]
    out += [f"no module {m}" for m in _MODULE.findall(text) if m.startswith(OURS) and importlib.util.find_spec(m) is None]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    return out + [
        f"no target: make {t}"
        for line in text.splitlines()
        for t in _TARGET.findall(line)
        if line.strip().startswith("make ") and t not in targets
    ]


@cache
def options(verb: str) -> frozenset[str] | None:
    """The options that a verb takes."""
    from weft.exits import Failure
    from weft.main import parser_of

    try:
        parser, module = parser_of(verb)
    except Failure:
        return None
    beams: set[str] = set()
    if getattr(module, "PASSES_ON", False):
        from pipelines.beam import known_options

        beams = {f"--{x}" for x in known_options()}
    return frozenset(x for a in parser._actions for x in a.option_strings) | beams


def setting(name: str, verb: str = "") -> bool:
    """Is a.b(.c) a key of a configuration, a limit of a rule, or a key of a recipe?"""
    section, _, rest = name.partition(".")
    if section == "filters" and rest:
        return limit(rest)
    # `stage.x` is how the trainer's page speaks of any key; `stage.0.steps` is the first stage's
    return (
        key("pipelines", name)
        or key("trainer", name)
        or limit(name)
        or name == "stage.x"
        or section == "stage"
        and key("trainer", "stage." + rest.split(".", 1)[-1])
    )


@cache
def key(of: str, name: str) -> bool:
    """Is a dotted name a field of the typed configuration or of the typed recipe?"""
    import dataclasses
    import typing

    if of == "pipelines":
        from pipelines.settings.config import Config as at
    else:
        from trainer.config import Recipe as at
    kind: typing.Any = at
    for part in name.split("."):
        if isinstance(kind, type) and hasattr(kind, "model_fields"):
            found: typing.Any = kind.model_fields.get(part)
            if found is None:
                return False
            kind = found.annotation
        elif dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            if part not in hints:
                return False
            kind = hints[part]
            kind = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else kind
        else:
            return False
    return True


@cache
def limit(name: str) -> bool:
    """`unit.rule`, or `unit.rule.parameter`."""
    from filters.registry import rules

    if name in rules():
        return True
    rule, _, parameter = name.rpartition(".")
    return rule in rules() and (parameter in ("enabled", "shadow", "per_language") or hasattr(rules()[rule], parameter))


def names(words: str) -> list[str]:
    """Names such as `pack.shard_bytes`, `document.opt_out`, `image.size.below`."""
    from filters.registry import rules
    from schemas.reasons import Reason

    name = words.split(" = ")[0].split("=")[0].strip()
    if not _NAME.fullmatch(name) or re.search(
        r"\.(py|toml|json|jsonl|md|csv|parquet|tar|idx|warc|npy|html|txt|pdq|sig|pub|pem|gz|bin)$", name
    ):
        return []
    first = name.split(".")[0]
    if first in ("document", "paragraph", "image", "pair", "url"):
        reasons = {r.value for r in Reason} | {f"{r}.{side}" for r in rules() for side in ("below", "above", "not_wanted")}
        return [] if name in reasons or limit(name) or any(r.startswith(name + ".") for r in reasons) else [f"no rule or reason {name}"]
    if first in SECTIONS and not setting(name):
        return [f"no setting {name}"]
    return []


def files(word: str, page: Path) -> list[str]:
    """Paths from the top of this repository, and bare names of Python and TOML files anywhere in it."""
    word = word.split(":")[0]
    if Path(word).name in NOT_HERE:
        return []
    if _TREE.fullmatch(word):
        return [] if any(ROOT.glob(word.rstrip("/"))) else [f"no file {word}"]
    if _FILE.fullmatch(word):
        return [] if word in _all_names() else [f"no file of the name {word}"]
    return []


def paths_in(text: str) -> list[str]:
    """Files of the repository that a command names, where the command cannot run."""
    words = (w.split("=")[-1] for line in text.splitlines() for w in shlex.split(line.replace("'", "").replace('"', "")))
    return [x for w in words if not w.startswith("deploy/") or "target" not in w for x in files(w, ROOT)]


@cache
def _all_names() -> frozenset[str]:
    tops = ("weft", "schemas", "filters", "pipelines", "audit", "trainer", "demo", "ablation", "benchmarks", "configs", "tests", ".github")
    return frozenset(p.name for t in tops for p in (ROOT / t).rglob("*.*")) | {p.name for p in ROOT.iterdir()}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_a_page_names_exists(page: Path) -> None:
    assert faults(page) == []


def test_a_wrong_name_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`weft wy RUN`, `weft why RUN --al`, `--set pack.shard_byte=1`, `weft run x --set pack.shard_byte=1`, `pack.shardbytes`, `document.opt_in`, `filters/base.pie`,\n"
        "`gone.py`, `python -m benchmarks.gone`, `make nothing`\n\n<!-- not run: x -->\n```bash\nweft run configs/gone.toml --flat\n```\n"
    )
    said = " | ".join(faults(page))
    for part in ("weft wy", "no --al", "no setting pack.shard_byte ", "pack.shardbytes", "document.opt_in", "filters/base.pie", "gone.py",
                 "benchmarks.gone", "make nothing", "configs/gone.toml", "no --flat"):  # fmt: skip
        assert part in said, part
