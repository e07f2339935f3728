"""Curves as an SVG element in the colours of the page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

Points = Mapping[int, float]
"""Values by step."""

WIDTH, HEIGHT = 480, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 34
_COLORS = ("#3b6fd4", "#c4652d", "#3d8f5f", "#9656a2")
MOST_POINTS = 200


def curves(named: Mapping[str, Points], x: str, y: str) -> str:
    """Return a chart of up to four curves, with the names below it; empty without points.

    Args:
        named: the curves by their names.
        x: what the steps are.
        y: what the values are.
    """
    shown = {name: _thinned(points) for name, points in named.items() if len(points) > 1}
    shown = dict(list(shown.items())[: len(_COLORS)])
    if not shown:
        return ""
    steps = [step for points in shown.values() for step in points]
    values = [value for points in shown.values() for value in points.values()]
    (first, last), (low, high) = (min(steps), max(steps)), (min(values), max(values))
    across, up = max(last - first, 1), (high - low) or 1.0

    def place(step: float, value: float) -> tuple[float, float]:
        left = _LEFT + (step - first) / across * (WIDTH - _LEFT - _RIGHT)
        return left, HEIGHT - _BOTTOM - (value - low) / up * (HEIGHT - _TOP - _BOTTOM)

    parts = [_axes(x, y, (first, last), (low, high))]
    for color, (name, points) in zip(_COLORS, shown.items(), strict=False):
        path = " ".join("{:.1f},{:.1f}".format(*place(s, v)) for s, v in points.items())
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5">'
            f"<title>{escape(name)}</title></polyline>"
        )
    names = "&emsp;".join(
        f'<span style="color: {color}">&#9632;</span> {escape(name)}'
        for color, name in zip(_COLORS, shown, strict=False)
    )
    return (
        f'<div><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'style="max-width: 100%" font-size="11" fill="currentColor">'
        f"<title>{escape(y)}</title>{''.join(parts)}</svg><div>{names}</div></div>"
    )


def _thinned(points: Points) -> Points:
    """Return at most `MOST_POINTS` of the points, with the last one."""
    every = -(-len(points) // MOST_POINTS)
    kept = list(points.items())[::every]
    return dict([*kept, list(points.items())[-1]])


def _axes(x: str, y: str, steps: tuple[int, int], values: tuple[float, float]) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    lines = f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="currentColor"/>'
    return lines + "".join(
        f'<text x="{left}" y="{top}" text-anchor="{anchor}">{escape(text)}</text>'
        for left, top, anchor, text in (
            (_LEFT, bottom + 14, "middle", str(steps[0])),
            (right, bottom + 14, "end", str(steps[1])),
            ((_LEFT + right) / 2, bottom + 28, "middle", x),
            (_LEFT - 4, bottom, "end", f"{values[0]:.1f}"),
            (_LEFT - 4, _TOP + 8, "end", f"{values[1]:.1f}"),
            (_LEFT + 6, _TOP + 8, "start", y),
        )
    )
