"""Mutation testing of the code that decides and that keeps the books: each small wrong change must fail a test.

    python -m tests.faults.mutate [--only PATH] [--seed S --sample N] [--seconds N]

Works in a copy of the tree. A mutant is one change: a comparison, a boolean or arithmetic operator, a condition turned round, a number off by
one, a result or a raise left out, one question of the conservation check left out, one table in its SQL made another. Prints a line for each
survivor and a JSON line of counts; exit 1 below 95 % killed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """Functions (all, if none are named) of a file, and the tests that must notice."""

    path: str
    tests: tuple[str, ...]
    functions: tuple[str, ...] = ()


BOOKS = "tests/audit/test_conservation.py"
COUNTS = "tests/pipelines/stages/test_counts.py"
TARGETS = (
    Target("filters/base.py", ("tests/filters/test_columns.py", "tests/filters/test_base.py", "tests/filters/test_registry.py", "tests/filters/test_rules.py"), ("fails", "below", "above", "_side", "bounds", "judge", "_judge_all", "page", "kept", "first_reason")),
    Target("schemas/manifest.py", ("tests/schemas/test_manifest.py",), ("missing", "__add__")),
    Target("pipelines/stage.py", ("tests/schemas/test_manifest.py", "tests/pipelines/test_stage.py"), ("execute", "check", "_gather", "_add", "find")),
    Target("pipelines/report/balance.py", ("tests/pipelines/test_balance.py", BOOKS)),
    Target("pipelines/stages/report.py", ("tests/pipelines/stages/test_report_counts.py", BOOKS, "tests/audit/test_whatif.py"), ("counts", "_count", "_fates")),
    Target("pipelines/stages/extract.py", (COUNTS,), ("count", "_by", "_read")),
    Target("pipelines/stages/dedup.py", (COUNTS,), ("counts", "_tally")),
    Target("pipelines/stages/fetch.py", (COUNTS,), ("counts",)),
    Target("pipelines/stages/score.py", (COUNTS,), ("counts", "_tally")),
    Target("pipelines/stages/select.py", (COUNTS,), ("counts", "_tally", "_take")),
    Target("pipelines/stages/pack.py", (COUNTS,), ("counts",)),
    Target("pipelines/dedup/elect.py", ("tests/pipelines/dedup/test_elect.py",)),
    Target("pipelines/images/choose.py", ("tests/pipelines/images/test_choose.py",)),
    Target("pipelines/images/documents.py", ("tests/pipelines/images/test_select_documents.py",)),
    Target("pipelines/survivors.py", ("tests/pipelines/test_survivors.py",)),
    Target("pipelines/dedup/finish.py", ("tests/pipelines/dedup/test_finish.py", "tests/pipelines/stages/test_dedup.py"), ("unit_tables", "_node_decisions", "_node_facts")),
)  # fmt: skip

COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}  # fmt: skip
SWAPPED = {ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd}
SQL = ((r"\bANTI JOIN\b", "SEMI JOIN"), (r"IS DISTINCT FROM", "IS NOT DISTINCT FROM"), (r"\bFULL JOIN\b", "JOIN"), (r" WHERE NOT kept", " WHERE kept"), (r" AND (\w+)\.kept\b", " AND NOT \\1.kept"), (r"WHERE m\.kept", "WHERE NOT m.kept"))  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """(what, the node instead of it; None: leave it out) for a node."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            if (other := COMPARED.get(type(op))) is not None:
                new = copy.deepcopy(node)
                new.ops[i] = other()
                yield "comparison", new
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign) and type(node.op) in SWAPPED:
        new = copy.deepcopy(node)
        new.op = SWAPPED[type(node.op)]()
        yield "operator", new
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not left out", node.operand
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and ast.unparse(node.test) != "TYPE_CHECKING":
        new = copy.deepcopy(node)
        new.test = ast.UnaryOp(ast.Not(), new.test)
        yield "condition turned round", new
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "truth turned round", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "one more", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT" in node.value:
        for pattern, instead in SQL:
            for found in re.finditer(pattern, node.value):
                yield (
                    f"SQL {found[0].strip()}",
                    ast.Constant(node.value[: found.start()] + found.expand(instead) + node.value[found.end() :]),
                )
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "nothing returned", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise):
        yield "not raised", ast.Pass()
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and all(isinstance(e, ast.Tuple) for e in node.elts):
        for i in range(len(node.elts)):
            yield f"question {i + 1} left out", ast.Tuple(node.elts[:i] + node.elts[i + 1 :], node.ctx)


def inside(tree: ast.Module, functions: tuple[str, ...]) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every (parent, field, place in a list) of the chosen code, but for annotations, docstrings and decorators."""

    def walk(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "args", "msg") or (
                isinstance(node, ast.keyword) and node.arg == "strict"
            ):
                continue
            if isinstance(value, list):
                for i, child in enumerate(value):
                    if isinstance(child, ast.AST) and not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
                        yield node, field, i
                        yield from walk(child)
            elif isinstance(value, ast.AST) and not (isinstance(node, ast.Raise) or isinstance(value, ast.JoinedStr)):
                yield node, field, None
                yield from walk(value)

    if not functions:
        yield from walk(tree)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            yield from walk(node)


def mutants(source: str, functions: tuple[str, ...]) -> list[tuple[str, str]]:
    """(what was changed and where, the whole file with it), each one change."""
    tree = ast.parse(source)
    out = []
    for parent, field, i in list(inside(tree, functions)):
        old = getattr(parent, field) if i is None else getattr(parent, field)[i]
        for what, new in changes(old):
            if i is None:
                setattr(parent, field, new)
            else:
                getattr(parent, field)[i] = new
            text = ast.unparse(ast.fix_missing_locations(tree))
            line = source.splitlines()[old.lineno - 1].strip()
            out.append((f"line {old.lineno}: {what}: {line[:110]}", text))
            if i is None:
                setattr(parent, field, old)
            else:
                getattr(parent, field)[i] = old
    return out


def killed(tree: Path, tests: tuple[str, ...], limit: float) -> bool:
    """Whether any of the tests fails (or runs on for ever) in that tree; each in a fork of this process, which has the libraries loaded."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            os.setsid()
            os.chdir(tree)
            sys.path[:0] = [str(tree)]
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            import pytest

            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
        finally:
            os._exit(code)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def preload() -> None:
    """Libraries of others, so that a fork starts at once; nothing of ours, which is to change."""
    import apache_beam  # noqa: F401
    import duckdb  # noqa: F401
    import numba  # noqa: F401
    import pyarrow.dataset  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pytest  # noqa: F401


def copied(scratch: Path) -> Path:
    """The files that git knows, as they are now."""
    tree = scratch / "tree"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    return tree


def finished_run(scratch: Path, tree: Path) -> None:
    """A run for the tests that read one, made once by the code as it is."""
    code = ("import sys; from demo import build; from demo.server import serve; from pathlib import Path; from tests.faults import chain\n"
            "web = build(Path(sys.argv[1]) / 'web', 60, 11)\n"
            "with serve(web) as s: sys.exit(chain.run(str(Path(sys.argv[1]) / 'web'), s.port, sys.argv[1] + '/run', 1, []))")  # fmt: skip
    subprocess.run([sys.executable, "-c", code, str(scratch)], cwd=tree, check=True)
    os.environ["WEFT_TEST_RUN"] = str(scratch / "run")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.mutate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="only targets whose path holds this")
    parser.add_argument("--sample", type=int, default=0, help="only so many mutants of each file, drawn by the seed (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=240, help="a mutant's tests may take so long (default: 240)")
    args = parser.parse_args()
    sys.modules.pop("tests", None)
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied(Path(scratch))
        chosen = [t for t in TARGETS if not args.only or args.only in t.path]
        if any(BOOKS in t.tests for t in chosen):
            finished_run(Path(scratch), tree)
        preload()
        for name in [m for m in sys.modules if m.split(".")[0] in ("tests", "filters", "schemas", "pipelines")]:
            del sys.modules[name]
        row = {t.path: judge(t, tree, args.sample, args.seed, args.seconds) for t in chosen}
    made, died = sum(r[0] for r in row.values()), sum(r[1] for r in row.values())
    print(json.dumps({"files": row, "mutants": made, "killed": died, "share": round(died / made, 4) if made else 1.0}))
    return int(made > 0 and died / made < 0.95)


def judge(t: Target, tree: Path, sample: int, seed: int, seconds: float) -> tuple[int, int]:
    """(mutants, killed) of a target; survivors are printed."""
    if killed(tree, t.tests, 4 * seconds):
        raise SystemExit(f"the tests of {t.path} fail without a mutant: {' '.join(t.tests)}")
    file = tree / t.path
    source = file.read_text(encoding="utf-8")
    some = mutants(source, t.functions)
    if sample and len(some) > sample:
        some = random.Random(seed).sample(some, sample)
    died = 0
    for what, text in some:
        file.write_text(text, encoding="utf-8")
        if killed(tree, t.tests, seconds):
            died += 1
        else:
            print(f"survived: {t.path} {what}", flush=True)
    file.write_text(source, encoding="utf-8")
    print(f"{t.path}: {died} of {len(some)} killed", flush=True)
    return len(some), died


if __name__ == "__main__":
    sys.exit(main())
