"""Which code a stage runs: a digest over its module and all of our modules that it imports, directly or not.

So a change in the trainer or in another stage leaves a finished folder valid, and a change in anything the stage uses
does not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

OURS = ("schemas", "filters", "pipelines")


@cache
def code_digest(module: str) -> str:
    """16 hex digits over the source of `module` and what it imports from `OURS` (function-level imports too)."""
    h = hashlib.sha256()
    for name in sorted(closure(module)):
        h.update(name.encode() + b"\0" + _source(name) + b"\0")
    return h.hexdigest()[:16]


def closure(module: str) -> frozenset[str]:
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen or name.split(".")[0] not in OURS or _find(name) is None:
            continue
        seen.add(name)
        todo.extend(_imports(name))
        if name == "filters.registry":  # finds its rules by walking folders
            todo.extend(_rules())
    return frozenset(seen)


@cache  # seven stages share most of their modules
def _imports(name: str) -> tuple[str, ...]:
    out: list[str] = []
    for node in ast.walk(ast.parse(Path(str(_find(name))).read_bytes())):
        if isinstance(node, ast.Import):
            out += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            out.append(node.module)
            out += [f"{node.module}.{a.name}" for a in node.names]
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith(tuple(f"{p}." for p in OURS))
            and ":" in node.value
        ):
            out.append(node.value.split(":")[0])  # "package.module:function", as guarded children name their work
    return tuple(out)


def _rules() -> list[str]:
    folder = Path(str(_find("filters"))).parent
    return [f"filters.{p.parent.name}.{p.stem}" for p in folder.glob("*/*.py") if p.stem != "__init__"]


@cache
def _find(name: str) -> str | None:
    """The file of one of our modules; None for what is none, such as an attribute of one.

    By its path: asking Python for `a.b.c` imports `a.b` first, and torch with it where `b` needs torch.
    """
    top, *rest = name.split(".")
    folder = _folder(top)
    if folder is None:
        return None
    path = folder.joinpath(*rest)
    module = path.with_name(f"{path.name}.py")
    return next((str(p) for p in (path / "__init__.py", module) if p.is_file()), None)


@cache
def _folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def _source(name: str) -> bytes:
    """A module's own text, and that of the C++ beside it if it is the door to some (`normal.py` and `normal.cpp`)."""
    path = Path(str(_find(name)))
    native = sorted(p for p in path.parent.glob("*") if p.suffix in (".cpp", ".h")) if path.with_suffix(".cpp").exists() else []
    return b"\0".join(p.read_bytes() for p in (path, *native))
