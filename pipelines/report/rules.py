"""The rules of a run as a table: what measured what, and where each limit stood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from filters.registry import build
from schemas import tables


def rules_table(filters: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    """One row per limit (a rule without limits, or one that only measures, gets one row per measure with an empty side)."""
    rows = []
    for order, (name, settings) in enumerate(filters.items()):
        if not settings.get("enabled", True):
            continue
        rule = build(name, {k: v for k, v in settings.items() if k not in ("enabled", "shadow")})
        common = {
            "rule": name, "unit": str(rule.unit), "at": str(rule.at), "version": rule.version, "shadow": bool(settings.get("shadow", False)),
            "order": order, "source": rule.source, "doc": (type(rule).__doc__ or "").strip(),
        }  # fmt: skip
        limits = rule.limits()
        rows += [
            {**common, "measure": x.measure, "side": x.side, "limit": x.value, "reason": x.reason, "only": list(x.only), "but": list(x.but)}
            for x in limits
        ]
        rows += [
            {**common, "measure": m, "side": "", "limit": None, "reason": "", "only": [], "but": []}
            for m in rule.measures
            if m not in {x.measure for x in limits}
        ]
    return pa.Table.from_pylist(rows, tables.schema("rules"))
