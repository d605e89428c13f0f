"""What every section of the configuration has in common: frozen, typed, unknown keys refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """One section. Fields carry their unit in the name (`timeout_s`, `max_bytes`) and a description for the reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
