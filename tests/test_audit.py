"""The audit of dependencies tells what is vulnerable from what could not be asked about."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
from types import ModuleType

import pytest

CLEAN = {"name": "a", "version": "1", "vulns": []}
KNOWN = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "aliases": ["CVE-1"], "fix_versions": ["2.1"], "description": ""}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.fixture
def audit(repo, monkeypatch) -> ModuleType:
    monkeypatch.delenv("WEFT_AUDIT", raising=False)
    spec = importlib.util.spec_from_file_location("audit_dependencies", repo / ".ci" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def says(tmp_path, monkeypatch):
    """says(text, exit code): what `uv tool run pip-audit` answers from then on."""

    def make(text: str, code: int) -> None:
        fake = tmp_path / "uv"
        fake.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\necho 'no route to host' >&2\nexit {code}\n")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return make


@pytest.mark.parametrize(
    ("packages", "code", "required"),
    [([CLEAN], 0, 0), ([CLEAN, KNOWN], 1, 1), ([CLEAN, SKIPPED], 0, 4), ([SKIPPED], 0, 4), ([KNOWN, SKIPPED], 1, 1), ([], 0, 4)],
)
def test_exit_codes(audit, says, packages, code, required, monkeypatch):
    says(json.dumps({"dependencies": packages, "fixes": []}), 1)
    assert audit.main([]) == code
    assert audit.main(["--required"]) == required
    monkeypatch.setenv("WEFT_AUDIT", "required")
    assert audit.main([]) == required


def test_what_is_vulnerable_and_what_was_not_asked_is_named(audit, says, capsys):
    says("warning\n" + json.dumps({"dependencies": [KNOWN, SKIPPED], "fixes": []}), 1)
    audit.main([])
    out, err = capsys.readouterr()
    assert out == "b 2: X-1, mended in 2.1\n" and "1 packages NOT audited" in err and "(c ...)" in err


def test_without_a_service_or_a_tool_it_says_that_nothing_was_audited(audit, says, capsys, monkeypatch, tmp_path):
    says("", 1)
    assert (audit.main([]), audit.main(["--required"])) == (0, 4)
    assert "dependencies NOT audited: no route to host" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert (audit.main([]), audit.main(["--required"])) == (0, 4)
    assert "dependencies NOT audited: FileNotFoundError" in capsys.readouterr().err


def test_an_ignored_advisory_is_counted_by_any_of_its_names(audit):
    for name in ("X-1", "CVE-1"):
        assert audit.judge({"dependencies": [KNOWN]}, {name: "why"}) == ([], ["X-1"], [], 1)
    assert all(audit.IGNORED.values())  # each with its reason
