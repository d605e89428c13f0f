"""Whom the run favours: pass rates per language, script and top-level domain, with intervals, and a flag where they differ more than twofold."""

from __future__ import annotations

import math
from typing import Any

LEAST, RATIO, Z = 20, 2.0, 1.96  # groups smaller than LEAST are counted but never flagged

GROUPS = """
-- pages that answered with text, and kept pages, per {name}
SELECT {column} AS "group", count(*) AS pages, count(*) FILTER (kept) AS kept FROM documents WHERE n_text > 0 GROUP BY ALL ORDER BY pages DESC, "group" """

FAILS = """
-- pages with text that fail each reason, per language
SELECT reason, language AS "group", count(*) AS n FROM (SELECT unnest(reasons) AS reason, language FROM documents WHERE n_text > 0) GROUP BY ALL ORDER BY ALL"""

_SCRIPTS = {"Cyrillic": "ru uk bg sr mk be kk ky mn tg tt", "Arabic": "ar fa ur ps sd ug ckb", "Han": "zh yue wuu", "Japanese": "ja", "Hangul": "ko",
            "Greek": "el", "Hebrew": "he yi", "Devanagari": "hi mr ne sa", "Thai": "th", "Bengali": "bn as", "Tamil": "ta", "Telugu": "te", "Georgian": "ka",
            "Armenian": "hy", "Gujarati": "gu", "Kannada": "kn", "Malayalam": "ml", "Gurmukhi": "pa", "Sinhala": "si", "Khmer": "km", "Lao": "lo",
            "Burmese": "my", "Ethiopic": "am ti", "unknown": "und"}  # fmt: skip
SCRIPT = {code: script for script, codes in _SCRIPTS.items() for code in codes.split()}


def wilson(k: int, n: int, z: float = Z) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): sensible for small counts, never outside [0, 1]."""
    if not n:
        return 0.0, 1.0
    p, zz = k / n, z * z
    middle, half = p + zz / (2 * n), z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return max(0.0, (middle - half) / (1 + zz / n)), min(1.0, (middle + half) / (1 + zz / n))


def groups(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of GROUPS with rate and interval; `flag` where the rate is less than half of the best group's and the intervals do not meet."""
    out = [{**r, "rate": r["kept"] / r["pages"], "low": w[0], "high": w[1]} for r in rows if (w := wilson(r["kept"], r["pages"]))]
    best = max((r for r in out if r["pages"] >= LEAST), key=lambda r: r["rate"], default=None)
    for r in out:
        r["flag"] = bool(best and r["pages"] >= LEAST and r["rate"] * RATIO < best["rate"] and r["high"] < best["low"])
    return out


def scripts(languages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows per language added up per script."""
    out: dict[str, dict[str, Any]] = {}
    for r in languages:
        s = out.setdefault(SCRIPT.get(r["group"] or "und", "Latin"), {"pages": 0, "kept": 0})
        s["pages"] += r["pages"]
        s["kept"] += r["kept"]
    return [{"group": k, **v} for k, v in sorted(out.items(), key=lambda x: (-x[1]["pages"], x[0]))]


def unfair(fails: list[dict[str, Any]], languages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasons whose pass rate differs more than twofold between two languages of at least 20 pages, worst first."""
    pages = {r["group"]: r["pages"] for r in languages if r["pages"] >= LEAST}
    found: dict[str, dict[str, int]] = {}
    for f in fails:
        found.setdefault(f["reason"], {})[f["group"]] = f["n"]
    out = []
    for reason, n in found.items():
        rates = groups([{"group": g, "pages": p, "kept": p - n.get(g, 0)} for g, p in pages.items()])
        for r in rates:
            if r["flag"]:
                best = max(rates, key=lambda x: x["rate"])
                out.append(
                    {
                        "reason": reason,
                        "group": r["group"],
                        "rate": r["rate"],
                        "low": r["low"],
                        "high": r["high"],
                        "best": best["group"],
                        "best_rate": best["rate"],
                    }
                )
    return sorted(out, key=lambda r: (r["rate"] / (r["best_rate"] or 1), r["reason"], r["group"]))
