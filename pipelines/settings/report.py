"""[report]: what the run leaves for auditors."""

from __future__ import annotations

from pydantic import Field

from pipelines.settings.base import Settings


class ReportSettings(Settings):
    """What the run leaves for auditors."""

    samples_per_reason: int = Field(12, ge=0, description="Examples of each drop reason shown in report.html.")
    histogram_bins: int = Field(50, ge=5, le=500, description="Fixed bins per measure, so that roll-ups of several runs add up.")
