"""The notebook of the docs runs from top to bottom on a demo run, and its stored outputs are those that it gives.

WEFT_NOTEBOOKS=1 stores them anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.xdist_group("docs")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_the_notebook_runs(path: Path, demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    from nbclient import NotebookClient

    monkeypatch.setenv("RUN", str(demo_run / "run"))
    monkeypatch.setenv("PYTHONPATH", str(path.parents[2]))
    notebook = nbformat.read(path, as_version=4)
    stored = [said(c) for c in notebook.cells]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()  # CellExecutionError names the cell
    printed = [o for c in notebook.cells for o in c.get("outputs", ())]
    assert len(printed) >= 6 and not [o for o in printed if o["output_type"] == "error"]
    if os.environ.get("WEFT_NOTEBOOKS"):
        for cell in notebook.cells:
            cell.get("metadata", {}).pop("execution", None)  # when it ran: no two would be equal
        nbformat.write(notebook, path)
    else:
        assert [said(c) for c in notebook.cells] == stored, (
            "the page shows other outputs: WEFT_NOTEBOOKS=1 pytest tests/docs/test_notebook.py"
        )


def said(cell: Any) -> list[str]:
    """What a cell prints, without what differs by the processor: the last bits of similarities, and the one or two pages that hang on them."""
    texts = (o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", ()))
    return [" ".join(re.sub(r"[│─┌┐└┘├┤┬┴┼]", " ", re.sub(r"\d+(?:\.\d+)?", "#", t)).split()) for t in texts]
