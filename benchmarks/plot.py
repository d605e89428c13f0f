"""Plots of measured rows as SVG, from numbers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

LEFT, WIDTH, LINE, TOP, FOOT = 390, 820, 22, 40, 34
INK, SOFT, GRID, OURS, ASKED = "#1a1a1a", "#444444", "#e2e2e2", "#1f5fa8", "#8a5a00"
COLOURS = (
    INK,
    OURS,
    "#8a5a00",
    "#2a7f3f",
    "#b03a3a",
    "#6a4fa3",
    "#0f8b8d",
    "#7a7a7a",
    "#c2559b",
)  # of lines, the first of the most important
LONGEST = 54  # characters of a name
FEW = 4  # lines whose points all carry their values
NEAR = 13  # pixels that names of lines keep between them


class Ratio(NamedTuple):
    name: str
    ratio: float  # ours over the other's, larger is better
    asked: float | None = None
    missed: bool = False


class Line(NamedTuple):
    name: str
    points: Sequence[tuple[float, float]]
    colour: str = OURS


def ratios(title: str, rows: Sequence[Ratio]) -> str:
    """A dot for each ratio on a logarithmic axis, a line where both are equal, a tick at what was asked. Ratios are positive."""
    values = [v for r in rows for v in (r.ratio, r.asked or 1.0)] + [1.0]
    low, high = math.log10(min(values)) - 0.08, math.log10(max(values)) + 0.12
    height = TOP + LINE * len(rows) + FOOT

    def x(v: float) -> float:
        return round(LEFT + (math.log10(v) - low) / (high - low) * (WIDTH - LEFT - 20), 1)

    out = _frame(title, height)
    for v in _ticks(low, high):
        out += _upright(x(v), height, f"{v:g}")
    out.append(f'<line x1="{x(1)}" x2="{x(1)}" y1="{TOP}" y2="{height - FOOT}" stroke="{SOFT}" stroke-dasharray="4 3"/>')
    for i, r in enumerate(rows):
        y = TOP + LINE * i + LINE // 2
        name = r.name if len(r.name) <= LONGEST else r.name[: LONGEST - 1] + "\u2026"
        out.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end" fill="{INK}">{escape(name)}</text>')
        out.append(f'<line x1="{x(1)}" x2="{x(r.ratio)}" y1="{y}" y2="{y}" stroke="{OURS}" stroke-width="2"/>')
        if r.asked:
            out.append(f'<line x1="{x(r.asked)}" x2="{x(r.asked)}" y1="{y - 8}" y2="{y + 8}" stroke="{ASKED}" stroke-width="2"/>')
        fill = "#ffffff" if r.missed else OURS
        out.append(f'<circle cx="{x(r.ratio)}" cy="{y}" r="5" fill="{fill}" stroke="{OURS}" stroke-width="2"/>')
    out.append(
        f'<text x="{LEFT}" y="{height - 2}" font-size="10" fill="{SOFT}">ours / other, larger is better; bar: asked for; hollow: missed</text>'
    )
    return "\n".join([*out, "</svg>"]) + "\n"


def lines(title: str, across: str, every: Sequence[Line]) -> str:
    """Lines over two logarithmic axes, each named at its end; points carry their values unless there are many lines. Coordinates are positive."""
    xs = [math.log10(p[0]) for line in every for p in line.points]
    ys = [math.log10(p[1]) for line in every for p in line.points]
    left, height = 60, 300
    x_low, x_high, y_low, y_high = min(xs) - 0.1, max(xs) + 0.1, min(ys) - 0.15, max(ys) + 0.2

    def at(p: tuple[float, float]) -> tuple[float, float]:
        return (round(left + (math.log10(p[0]) - x_low) / (x_high - x_low) * (WIDTH - left - 150), 1),
                round(height - FOOT - (math.log10(p[1]) - y_low) / (y_high - y_low) * (height - FOOT - TOP), 1))  # fmt: skip

    out = _frame(title, height)
    for v in _ticks(x_low, x_high):
        out += _upright(at((v, 10**y_low))[0], height, f"{v:,.0f}")
    for v in _ticks(y_low, y_high):
        y = at((10**x_low, v))[1]
        out.append(f'<line x1="{left}" x2="{WIDTH - 150}" y1="{y}" y2="{y}" stroke="{GRID}"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end" fill="{SOFT}">{v:,g}</text>')
    names = _apart([at(max(line.points))[1] for line in every])
    taken = [(x, y + 4) for line in every for x, y in map(at, line.points)]  # what is written on a point's baseline covers it
    for line, name_y in zip(every, names, strict=True):
        spots = [at(p) for p in sorted(line.points)]
        out.append(f'<polyline points="{" ".join(f"{a},{b}" for a, b in spots)}" fill="none" stroke="{line.colour}" stroke-width="2"/>')
        for (a, b), p in zip(spots, sorted(line.points), strict=True):
            out.append(f'<circle cx="{a}" cy="{b}" r="4" fill="{line.colour}"/>')
            if len(every) <= FEW or line is every[0]:
                if (y := _free(a, b, taken)) is not None:
                    out.append(f'<text x="{a}" y="{y}" text-anchor="middle" font-size="10" fill="{line.colour}">{_short(p[1])}</text>')
        out.append(f'<text x="{spots[-1][0] + 24}" y="{name_y + 4}" fill="{line.colour}">{escape(line.name)}</text>')
    out.append(f'<text x="{left}" y="{height - 2}" font-size="10" fill="{SOFT}">{escape(across)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights, moved down where they are nearer than NEAR to the one above."""
    out, last = dict.fromkeys(range(len(heights)), 0.0), -math.inf
    for i in sorted(range(len(heights)), key=lambda i: heights[i]):
        out[i] = last = max(heights[i], last + NEAR)
    return [out[i] for i in range(len(heights))]


def _free(x: float, y: float, taken: list[tuple[float, float]]) -> float | None:
    """The baseline of a point's value, above it or below, clear of other points and of values written before; None where all is full. Noted there."""
    for place in (y - 9, y + 17, y - 20, y + 28):
        if all(a != x or abs(b - place) >= NEAR - 3 for a, b in taken):
            taken.append((x, place))
            return round(place, 1)
    return None


def _short(v: float) -> str:
    return f"{v:,.0f}" if v >= 100 else f"{v:.3g}"


def _frame(title: str, height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-weight="bold" fill="{INK}">{escape(title)}</text>',
    ]


def _upright(x: float, height: int, text: str) -> list[str]:
    return [
        f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{height - FOOT}" stroke="{GRID}"/>',
        f'<text x="{x}" y="{height - FOOT + 16}" text-anchor="middle" fill="{SOFT}">{text}</text>',
    ]


def _ticks(low: float, high: float) -> list[float]:
    """Round values between 10**low and 10**high: powers of ten, and where these are few also 2 and 5 times them."""
    steps = (1, 2, 5) if high - low < 2.5 else (1,)
    found = [s * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for s in steps]
    return [v for v in found if low <= math.log10(v) <= high]
