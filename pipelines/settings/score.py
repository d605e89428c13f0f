"""[score]"""

from __future__ import annotations

from pipelines.settings.base import Settings


class ScoreSettings(Settings):
    pass
