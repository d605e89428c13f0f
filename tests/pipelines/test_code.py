import subprocess
import sys

from pipelines.code import closure, code_digest


def test_closure_follows_our_imports_only_and_finds_the_rules():
    found = closure("pipelines.stage")
    assert {"pipelines.storage", "schemas.manifest", "pipelines.settings.config"} <= found
    assert "filters.registry" in found and any(m.startswith("filters.paragraph.") for m in found)
    assert not any(m.split(".")[0] not in ("schemas", "filters", "pipelines") for m in found)


def test_digest_depends_on_the_module():
    assert code_digest("pipelines.storage") != code_digest("pipelines.stage")
    assert code_digest("pipelines.storage") == code_digest("pipelines.storage")


def test_asking_for_the_digests_of_a_run_imports_none_of_its_code():
    """A finished run is found again in a moment: torch alone would take seconds."""
    ask = """
import sys
from pipelines.code import code_digest
from schemas.layout import STAGES
print([code_digest(f"pipelines.stages.{s}") for s in STAGES] and sorted({m.split(".")[0] for m in sys.modules} & {"torch", "apache_beam", "numba"}))
"""
    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip() == "[]"
