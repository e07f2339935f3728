"""Draw images/rooms.svg, the rooms of the package, from the layers that import-linter checks."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "images" / "rooms.svg"
WIDTH, ROW, GAP, LEFT = 720, 34, 8, 60


def layers() -> list[list[str]]:
    """Return the rooms of each layer, the highest first."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    (rooms,) = (contract for contract in contracts if contract["type"] == "layers")
    return [layer.split(" | ") for layer in rooms["layers"]]


def rooms_svg() -> str:
    """Return the picture, with a row for each layer and an arrow for the direction of imports."""
    rows = layers()
    height = GAP + len(rows) * (ROW + GAP)
    boxes = "".join(
        _box(name, LEFT + i * (WIDTH - LEFT) / len(row), GAP + n * (ROW + GAP), len(row))
        for n, row in enumerate(rows)
        for i, name in enumerate(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="14" text-anchor="middle">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#fff"/>\n'
        f'<path d="M40 {GAP}V{height - GAP}m-6 -10l6 10l6 -10" stroke="#555" fill="none"/>\n'
        f'<text transform="translate(24 {height / 2:g})rotate(-90)" fill="#555">imports</text>\n'
        f"{boxes}</svg>\n"
    )


def _box(name: str, left: float, top: float, of: int) -> str:
    width = (WIDTH - LEFT) / of - GAP
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{ROW}" rx="4" '
        'fill="#e8eaf6" stroke="#3f51b5"/>\n'
        f'<text x="{left + width / 2:g}" y="{top + ROW / 2 + 5:g}" fill="#1a237e">{name}</text>\n'
    )


if __name__ == "__main__":
    PICTURE.write_text(rooms_svg(), encoding="utf-8")
