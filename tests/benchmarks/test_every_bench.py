"""What `weft bench WHAT` calls takes what it is called with."""

from __future__ import annotations

import importlib
import inspect
import json

import pytest

from weft.main import main
from weft.verbs.bench import WHAT


@pytest.mark.parametrize("name", [w for w in WHAT if w not in ("truth", "kept")])
def test_it_can_be_asked_for_rows(name: str) -> None:
    signature = inspect.signature(importlib.import_module(f"benchmarks.{name}").main)
    signature.bind(json=True)
    assert all(p.default is not p.empty for n, p in signature.parameters.items() if n != "json")


def test_masking_is_measured_by_the_command_line(capsys) -> None:
    assert main(["bench", "pii", "--json"]) == 0
    rows = {r["case"]: r for r in json.loads(capsys.readouterr().out)}
    assert rows["email recall (1,000 labelled)"]["ours"] >= 0.98 and rows["ip recall (1,000 labelled)"]["ok"]
    assert main(["bench", "pii"]) == 0
    assert "missed by form" in capsys.readouterr().out
