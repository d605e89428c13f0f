"""Inline SVG, made on the server: no script, readable in ten years."""

from __future__ import annotations

from html import escape

from schemas.bins import edges


def bar(share: float, width: int = 240, height: int = 14, kind: str = "kept") -> str:
    """A horizontal bar for a share in [0, 1]."""
    w = max(0.0, min(1.0, share)) * width
    return (
        f'<svg class="bar" width="{width}" height="{height}" role="img" aria-label="{share:.1%}">'
        f'<rect class="track" width="{width}" height="{height}"/><rect class="{kind}" width="{w:.1f}" height="{height}"/></svg>'
    )


def funnel(steps: list[tuple[str, int, int, int]], width: int = 720, row: int = 34) -> str:
    """Stages as bars that shrink: (name, entered, kept, dead). Widths are in proportion to the first entered."""
    first = max([s[1] for s in steps] + [1])
    out = [f'<svg class="funnel" viewBox="0 0 {width} {row * len(steps) + 4}" role="img" aria-label="funnel">']
    for i, (name, entered, kept, dead) in enumerate(steps):
        y, full = i * row + 4, width - 240
        w_in, w_kept = full * entered / first, full * kept / first
        out.append(f'<text x="0" y="{y + 17}">{escape(name)}</text>')
        out.append(f'<rect class="dropped" x="70" y="{y}" width="{w_in:.1f}" height="{row - 10}"/>')
        out.append(f'<rect class="kept" x="70" y="{y}" width="{w_kept:.1f}" height="{row - 10}"/>')
        share = f" ({kept / entered:.1%})" if entered else ""
        note = f", {dead:,} dead" if dead else ""
        out.append(f'<text x="{80 + w_in:.1f}" y="{y + 17}">{kept:,} of {entered:,}{share}{note}</text>')
    return "".join([*out, "</svg>"])


def histogram(rows: list[dict], per_unit: int, limits: list[tuple[str, float]], width: int = 340, height: int = 110) -> str:
    """Kept over dropped per bin of `rollups`, with the limits drawn in as lines."""
    bins: dict[int, list[int]] = {}
    for r in rows:
        bins.setdefault(r["bin"], [0, 0])[0 if r["kept"] else 1] += r["n"]
    if not bins:
        return ""
    low, high = min(bins), max(bins)
    if low == high:
        high = low + 1
    top = max(a + b for a, b in bins.values())
    step = width / (high - low + 1)
    out = [f'<svg class="histogram" viewBox="0 0 {width} {height + 16}" role="img" aria-label="histogram">']
    for b, (kept, dropped) in sorted(bins.items()):
        x = (b - low) * step
        h_kept, h_all = height * kept / top, height * (kept + dropped) / top
        out.append(
            f'<rect class="dropped" x="{x:.1f}" y="{height - h_all:.1f}" width="{max(step - 0.4, 0.6):.1f}" height="{h_all - h_kept:.1f}"/>'
        )
        out.append(f'<rect class="kept" x="{x:.1f}" y="{height - h_kept:.1f}" width="{max(step - 0.4, 0.6):.1f}" height="{h_kept:.1f}"/>')
    for side, value in limits:
        x = _position(value, low, high, per_unit) * step
        if 0 <= x <= width:
            out.append(
                f'<line class="{"asked" if side == "asked" else "limit"}" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"><title>{side} {value:g}</title></line>'
            )
    left, right = edges(low, per_unit)[0], edges(high, per_unit)[1]
    out.append(f'<text x="0" y="{height + 13}">{left:.4g}</text><text x="{width}" y="{height + 13}" text-anchor="end">{right:.4g}</text>')
    return "".join([*out, "</svg>"])


def _position(value: float, low: int, high: int, per_unit: int) -> float:
    """Where a value lies on the axis, in bins from `low`."""
    for b in range(low, high + 1):
        a, z = edges(b, per_unit)
        if a <= value < z:
            return b - low + (value - a) / (z - a)
    return -1.0 if value < edges(low, per_unit)[0] else high - low + 1.0
