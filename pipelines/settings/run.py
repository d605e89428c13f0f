"""[run] and [runner]: what holds for the whole run, and which engine runs it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.cpu import cores
from pipelines.settings.base import Settings


class RunSettings(Settings):
    """What holds for the whole run."""

    name: str = Field("weft", description="Name of the run, written into the manifest and the cards.")
    takedowns: tuple[str, ...] = Field(
        (), description="What was taken down and must not come back: tombstones.json of earlier runs, their patches, or takedown lists."
    )
    sign_key: str = Field(
        "", description='Private key (PEM, Ed25519) that signs the manifest; "" = not signed. `weft verify --key` checks it.'
    )
    seed: int = Field(0, ge=0, description="Seed of everything chosen by hash (samples, splits).")
    max_failure_share: float = Field(
        0.01, ge=0, le=1, description="Dead letters above this share of a stage's records end the run with exit code 1."
    )
    min_yield: float = Field(0.0, ge=0, le=1, description="Kept documents below this share of the pages read end the run with exit code 1.")


class RunnerSettings(Settings):
    """Which engine runs it."""

    name: Literal["local", "prism", "spark", "flink", "dataflow", "portable"] = Field(
        "local", description="Engine: `local` is Beam's in-process FnApiRunner, pinned; other names as in docs/runners/."
    )
    workers: int = Field(0, ge=0, description="Worker processes on one machine; 0 = one per core.")
    options: dict[str, str | int | bool] = Field(
        default_factory=dict, description="Beam pipeline options passed through, e.g. spark_master_url; unknown ones are refused."
    )

    @property
    def processes(self) -> int:
        """Worker processes on one machine."""
        return self.workers or cores()
