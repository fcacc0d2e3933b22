"""SVG of a terminal screen and of bar charts: self-contained, with colors for light and dark mode."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Dict, List, Optional, Sequence, Tuple

import pyte
from pyte.screens import Char

CELL_WIDTH = 8.4
CELL_HEIGHT = 19
PADDING = 16
TITLE_BAR = 36

# Names of pyte, and the color in light and in dark mode.
_COLORS: Dict[str, Tuple[str, str]] = {
    "black": ("#24292f", "#8b949e"),
    "red": ("#b3212e", "#ff7b72"),
    "green": ("#116329", "#56d364"),
    "brown": ("#7d4e00", "#e3b341"),
    "blue": ("#0550ae", "#79c0ff"),
    "magenta": ("#6639ba", "#d2a8ff"),
    "cyan": ("#1b6b78", "#56d4dd"),
    "white": ("#57606a", "#c9d1d9"),
}
_BASE: Dict[str, Tuple[str, str]] = {
    "page": ("#f6f8fa", "#0d1117"),
    "bar": ("#eaeef2", "#161b22"),
    "edge": ("#d0d7de", "#30363d"),
    "text": ("#1f2328", "#e6edf3"),
    "soft": ("#57606a", "#8b949e"),
    "fill": ("#3448c5", "#7d8ff5"),
    "floor": ("#afb8c1", "#484f58"),
    "limit": ("#b3212e", "#ff7b72"),
}
_MONOSPACE = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans',Arial,sans-serif"


def _style(used: Sequence[str]) -> str:
    colors = {**_COLORS, **_BASE}
    light = ";".join(f"--{name}:{colors[name][0]}" for name in used)
    dark = ";".join(f"--{name}:{colors[name][1]}" for name in used)
    fills = "".join(f".{name}{{fill:var(--{name})}}" for name in used)
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{fills}"


def _document(width: float, height: float, title: str, description: str, style: str, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-labelledby="t d">'
    )
    lines = [head, f'<title id="t">{escape(title)}</title>', f'<desc id="d">{escape(description)}</desc>']
    return "\n".join([*lines, f"<style>{style}</style>", *body, "</svg>"]) + "\n"


# -- terminals


def terminal_svg(screen: pyte.Screen, title: str) -> str:
    """The used lines of a screen, in a window with a title."""
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    width = screen.columns * CELL_WIDTH + 2 * PADDING
    height = len(lines) * CELL_HEIGHT + TITLE_BAR + 2 * PADDING
    style = (
        _style([*_COLORS, "page", "bar", "edge", "text", "soft"])
        + f"text{{font:14px {_MONOSPACE};white-space:pre}}.b{{font-weight:700}}.u{{text-decoration:underline}}"
        + f".title{{font:13px {_SANS}}}"
    )
    body = [
        f'<rect class="page" x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="10" '
        'style="stroke:var(--edge)"/>',
        f'<path class="bar" d="M1 {TITLE_BAR}V10.5a9.5 9.5 0 0 1 9.5-9.5H{width - 10.5:g}a9.5 9.5 0 0 1 9.5 '
        f'9.5V{TITLE_BAR}z"/>',
        *(f'<circle cx="{18 + 20 * n}" cy="18" r="6" style="fill:var(--edge)"/>' for n in range(3)),
        f'<text class="title soft" x="{width / 2:g}" y="23" text-anchor="middle">{escape(title)}</text>',
    ]
    for row in range(len(lines)):
        body += _row(screen, row)
    return _document(width, height, title, "\n".join(lines), style, body)


def _row(screen: pyte.Screen, row: int) -> List[str]:
    """The text elements of one row: one for each run of cells with the same attributes, without blank runs."""
    cells = [(column, screen.buffer[row][column]) for column in range(screen.columns)]
    found = []
    for (name, bold, underlined), run in groupby(cells, lambda cell: _attributes(cell[1])):
        part = list(run)
        text = "".join(char.data for _, char in part)
        if not text.strip():
            continue
        # A browser's font may be wider than a cell: textLength keeps the columns aligned.
        left = len(text) - len(text.lstrip())
        text = text.strip()
        classes = " ".join(filter(None, [name, "b" if bold else "", "u" if underlined else ""]))
        x = PADDING + (part[0][0] + left) * CELL_WIDTH
        y = TITLE_BAR + PADDING + row * CELL_HEIGHT + 14
        found.append(
            f'<text class="{classes}" x="{x:g}" y="{y}" textLength="{len(text) * CELL_WIDTH:g}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(text, quote=False)}</text>'
        )
    return found


def _attributes(char: Char) -> Tuple[str, bool, bool]:
    name = char.fg.replace("bright", "") if char.fg.replace("bright", "") in _COLORS else "text"
    return name, char.bold, char.underscore


# -- charts


@dataclass(frozen=True)
class Bar:
    """One row of a chart. `ratio` is the measured value as a multiple of the floor; `limit` is the allowed multiple."""

    label: str
    ratio: float
    value: str
    limit: Optional[float] = None
    is_floor: bool = False


@dataclass(frozen=True)
class Chart:
    """A group of bars with one scale, and a thin line at the ratio 1."""

    title: str
    notes: Sequence[str]
    bars: Sequence[Bar]


_WIDTH = 860
_LABELS = 300
_VALUES = 170
_ROW = 26
_HEADING = 78


def charts_svg(charts: Sequence[Chart], title: str) -> str:
    """All charts below each other."""
    style = (
        _style(["page", "edge", "text", "soft", "fill", "floor", "limit"])
        + f"text{{font:13px {_SANS}}}.h{{font-weight:650;font-size:16px}}.n{{font-size:12px}}"
    )
    height = sum(_HEADING + _ROW * len(chart.bars) for chart in charts) + 2 * PADDING
    body = [
        f'<rect class="page" x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1}" rx="10" '
        'style="stroke:var(--edge)"/>'
    ]
    described = []
    top = PADDING
    for chart in charts:
        body += _chart(chart, top)
        top += _HEADING + _ROW * len(chart.bars)
        described += [chart.title, *(f"{bar.label}: {bar.value}" for bar in chart.bars)]
    return _document(_WIDTH, height, title, "\n".join(described), style, body)


def _chart(chart: Chart, top: int) -> List[str]:
    left = PADDING + 4
    found = [f'<text class="h text" x="{left}" y="{top + 20}">{escape(chart.title)}</text>']
    for number, note in enumerate(chart.notes):
        found.append(f'<text class="n soft" x="{left}" y="{top + 40 + 16 * number}">{escape(note)}</text>')
    scale = (_WIDTH - _LABELS - _VALUES) / max(max(bar.ratio, bar.limit or 0) for bar in chart.bars)
    first = top + _HEADING - 10
    found.append(
        f'<rect class="edge" x="{_LABELS + scale:.1f}" y="{first}" width="1" height="{_ROW * len(chart.bars)}"/>'
    )
    for number, bar in enumerate(chart.bars):
        found += _bar(bar, first + number * _ROW, scale)
    return found


def _bar(bar: Bar, y: int, scale: float) -> List[str]:
    label = escape(bar.label, quote=False)
    color = "floor" if bar.is_floor else "fill"
    found = [
        f'<text class="text" x="{_LABELS - 10}" y="{y + 17}" text-anchor="end">{label}</text>',
        f'<rect class="{color}" x="{_LABELS}" y="{y + 4}" width="{bar.ratio * scale:.1f}" height="18" rx="3"/>',
    ]
    if bar.limit:
        x = _LABELS + bar.limit * scale
        found.append(f'<rect class="limit" x="{x:.1f}" y="{y + 2}" width="2" height="22"/>')
    x = _LABELS + max(bar.ratio, bar.limit or 0) * scale + 8
    found.append(f'<text class="soft" x="{x:.1f}" y="{y + 17}">{escape(bar.value)}</text>')
    return found
