"""What stands beside the code agrees with it: citation, continuous integration, container recipe, hooks, forms, notices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import weft

ROOT = Path(__file__).resolve().parents[2]
yaml = pytest.importorskip("yaml")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version() -> None:
    cited = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(cited)
    said = {weft.__version__, cited["version"], *re.findall(r'^    version="([^"]+)"', read("setup.py"), re.M)}
    assert len(said) == 1, said


def test_github_runs_what_ci_runs_and_nothing_else() -> None:
    jobs = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]
    commands = [step["run"].split("#")[0].strip() for job in jobs.values() for step in job["steps"] if "run" in step]
    assert len(commands) == 1 and commands[0].endswith(" .ci/run")
    for target in re.findall(r"^(?:if )?(?:timeout \d+ )?make ([a-z]+)", read(".ci/run"), re.M):
        assert re.search(rf"^{target}:", read("Makefile"), re.M), target


def test_the_container_holds_every_package() -> None:
    packages = re.search(r'for p in \(("schemas".*?)\) for s', read("setup.py"))
    assert packages
    copied = set(re.findall(r"^COPY (\w+) \1$", read("deploy/Containerfile"), re.M))
    assert set(re.findall(r'"(\w+)"', packages[1])) == copied


def test_hooks_run_tools_of_this_environment() -> None:
    hooks = [h for repo in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"] for h in repo["hooks"]]
    assert {h["id"] for h in hooks} == {"ruff", "format", "imports", "reference"}
    makefile = read("Makefile").replace("$(BIN)", ".venv/bin")
    for hook in hooks:  # the same commands as `make lint imports reference`
        assert " ".join(hook["entry"].split()[:3]).removesuffix(" --force-exclude").removesuffix(" --check") in makefile, hook["entry"]


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name)
def test_forms_are_what_github_takes(form: Path) -> None:
    said = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert said["name"] and said["description"] and said["body"]
    for field in said["body"]:
        assert field["type"] in ("textarea", "input") and field["attributes"]["label"]


def test_tests_named_in_security_exist() -> None:
    """A file, a folder, or `file::test`; and every threat has one or says why not."""
    rows = re.findall(r"^\| (?!threat|---)(.*?) \| (.*?) \| (.*?) \|$", read("SECURITY.md"), re.M)
    assert len(rows) >= 15
    for threat, control, tests in rows:
        named = re.findall(r"`(tests/[^`]+)`", tests)
        assert control and (named or tests.startswith("none: ")), threat
        for name in named:
            file, _, test = name.partition("::")
            assert (ROOT / file).exists() and (not test or f"def {test}(" in read(file)), name
