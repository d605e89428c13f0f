"""docs/howto/write-a-filter.md, followed to the letter in a copy of the project: one file, and the rule is everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fences import blocks

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "filters", "pipelines", "audit", "demo", "configs", "benchmarks", "weft", "docs", "trainer")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the rule of the page in it."""
    folder = tmp_path_factory.mktemp("project")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    shutil.copytree(ROOT / "tests" / "filters", folder / "tests" / "filters", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "filters" / "document" / "exclamations.py").write_text(shown()[0])
    return folder


def shown() -> tuple[str, str]:
    """The rule and the rows of its test, as the page has them."""
    rule, rows = (b.text for b in blocks(ROOT / "docs" / "howto" / "write-a-filter.md") if b.language == "python")
    return rule, rows


def run(project: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_the_rule_is_thirty_lines_and_one_row_tests_it(project: Path) -> None:
    assert len(shown()[0].splitlines()) <= 30
    cases = project / "tests" / "filters" / "cases" / "document.py"
    tests = ["pytest", "-q", "-p", "no:cacheprovider", "tests/filters/test_rules.py", "-k", "every_rule or exclamations"]
    with pytest.raises(AssertionError, match="document.exclamations"):  # a rule without a test is not accepted
        run(project, *tests)
    begin = "CASES: Cases = {\n"
    cases.write_text(cases.read_text().replace(begin, begin + shown()[1]))
    assert "passed" in run(project, *tests)


@pytest.mark.timeout(300)
def test_the_rule_shows_up_in_configuration_tables_report_and_why(project: Path) -> None:
    shadowed = ["--set", "filters.document.exclamations.max=0.000001", "--set", "filters.document.exclamations.shadow=true"]
    run(project, "weft.main", "demo", "--pages", "50", "--no-train", "-o", "out", *shadowed)
    import duckdb

    tables = project / "out" / "run" / "stages"
    measured = duckdb.sql(f"select count(doc_exclamations) from '{tables}/extract/*/document_measures/*.parquet'").fetchall()
    assert measured[0][0] > 20
    assert "document.exclamations" in (project / "out" / "run" / "report.html").read_text()
    assert "document.exclamations.max" in run(project, "weft.main", "whatif", "out/run", "--limits")
    url = duckdb.sql(f"select url from '{tables}/extract/*/documents/*.parquet' limit 1").fetchall()
    why = json.loads(run(project, "weft.main", "why", "out/run", url[0][0], "--all", "--json"))
    assert "document.exclamations" in json.dumps(why["captures"][0]["judged"])


def test_the_rule_shows_up_in_the_reference(project: Path) -> None:
    run(project, "weft.reference", "docs")
    assert "`document.exclamations`" in (project / "docs" / "filters.md").read_text()
    assert "document.exclamations.above" in (project / "docs" / "reference" / "reasons.md").read_text()
    assert "`doc_exclamations`" in (project / "docs" / "reference" / "metrics.md").read_text()
