"""[pack]"""

from __future__ import annotations

from pipelines.settings.base import Settings


class PackSettings(Settings):
    pass
