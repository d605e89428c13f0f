"""What a million pages cost, stage by stage, and a whole crawl: the largest measured run, scaled, as the growth of its CPU is linear.

The demo web's pages are small and plain. Real ones cost more to extract, so that stage is also given at the rate that real pages are
judged at (`weft bench extract`). No GPU was at hand: CLIP runs on the CPU here, which makes score the dearest stage.
"""

from __future__ import annotations

from typing import Any

CRAWL = 3e9  # pages of a monthly crawl, about
MILLION = 1e6


def table(growth: dict[str, Any], judged: float | None) -> list[str]:
    """Markdown lines from the saved rows of `weft bench growth`; `judged`: real pages judged in a second by one core. [] without such a run."""
    found = next((r for r in growth["rows"] if "stages" in r), None)
    if found is None:
        return []
    per = MILLION / found["pages"]
    lines = ["| stage | CPU h per million pages | per crawl of 3 billion |", "|---|---|---|"]
    hours = {name: cpu * per / 3600 for name, cpu in found["stages"].items()}
    for name, h in [*hours.items(), ("**all**", sum(hours.values()))]:
        lines.append(f"| {name} | {h:.3g} | {_thousands(h * CRAWL / MILLION)} h |")
    if judged:
        real = MILLION / judged / 3600
        lines.append(f"| extract, real pages | {real:.3g} | {_thousands(real * CRAWL / MILLION)} h |")
    requests, written = found["requests"] * per / 1e6, found["run_bytes"] * per / 1e9
    fetched = found["fetched_bytes"] * per / 1e9
    moved = f"{requests:.3g} million requests for images, {fetched:.3g} GB fetched, {written:.3g} GB written"
    crawl = f"{requests * CRAWL / MILLION / 1e3:.3g} billion requests, {fetched * CRAWL / MILLION / 1e6:.3g} PB fetched, {written * CRAWL / MILLION / 1e6:.3g} PB written"
    return [*lines, "", f"A million demo pages: {moved}. A crawl of such pages: {crawl}."]


def _thousands(x: float) -> str:
    """Two digits, with thousands apart: 11,000."""
    size = 10 ** max(0, len(str(int(x))) - 2)
    return f"{round(x / size) * size:,.0f}"
