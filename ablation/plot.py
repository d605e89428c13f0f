"""Plots as SVG, from numbers alone: a dot for the mean, a line for the seeds' range, a dashed line for chance."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ablation.table import Spread

LEFT, WIDTH, LINE = 230, 640, 24


def ranges(title: str, rows: Sequence[tuple[str, Spread]], chance: float) -> str:
    """One line per arm."""
    top, height = 34, 34 + LINE * len(rows) + 30
    values = [v for _, s in rows for v in (s.low, s.high) if v == v] + [chance]
    low, high = max(0.0, min(values) - 0.05), min(1.0, max(values) + 0.05)

    def x(v: float) -> float:
        return round(LEFT + (v - low) / (high - low) * (WIDTH - LEFT - 30), 1)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-weight="bold" fill="#1a1a1a">{escape(title)}</text>',
    ]
    for k in range(5):
        v = low + (high - low) * k / 4
        out.append(f'<line x1="{x(v)}" x2="{x(v)}" y1="{top}" y2="{height - 26}" stroke="#e2e2e2"/>')
        out.append(f'<text x="{x(v)}" y="{height - 10}" text-anchor="middle" fill="#444444">{v:.2f}</text>')
    out.append(f'<line x1="{x(chance)}" x2="{x(chance)}" y1="{top}" y2="{height - 26}" stroke="#8a5a00" stroke-dasharray="4 3"/>')
    out.append(f'<text x="{x(chance) + 4}" y="{top + 8}" font-size="10" fill="#8a5a00">chance</text>')
    for i, (name, s) in enumerate(rows):
        y = top + LINE * i + LINE // 2
        out.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end" fill="#1a1a1a">{escape(name)}</text>')
        if s.mean == s.mean:
            out.append(f'<line x1="{x(s.low)}" x2="{x(s.high)}" y1="{y}" y2="{y}" stroke="#1f5fa8" stroke-width="3"/>')
            out.append(f'<circle cx="{x(s.mean)}" cy="{y}" r="5" fill="#1f5fa8"/>')
    return "\n".join([*out, "</svg>"]) + "\n"
