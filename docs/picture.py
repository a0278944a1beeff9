"""Turns what a terminal shows into an SVG: `tmux capture-pane -e -p | python docs/picture.py > docs/images/x.svg`."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator

COLOURS = {31: "#f4707a", 32: "#7bc275", 33: "#e2b55f", 34: "#6aa9f0", 35: "#c792ea", 36: "#5fc4d0", 90: "#8b949e"}
PLAIN, GROUND = "#d6dbe1", "#161b22"
WIDTH, HEIGHT, MARGIN = 8.43, 19, 16
COLOUR_CODE = re.compile(r"\x1b\[([\d;]*)m")


def svg(screen: str) -> str:
    """Return the picture of a screen; its only escape sequences are those of colour."""
    lines = screen.rstrip().split("\n")
    columns = max(len(COLOUR_CODE.sub("", line)) for line in lines)
    width, height = columns * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + HEIGHT * number + 14}">{"".join(spans(line))}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>\n'
        f'<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14" fill="{PLAIN}" '
        f'xml:space="preserve">\n{rows}\n</g>\n</svg>\n'
    )


def spans(line: str) -> Iterator[str]:
    """Yield the pieces of a line, each in its colour and its own place, so that another font keeps the columns."""
    colour, bold, column = PLAIN, False, 0
    for index, piece in enumerate(COLOUR_CODE.split(line)):
        if index % 2:
            codes = [int(code or 0) for code in piece.split(";")]
            bold = (bold or 1 in codes) and 0 not in codes
            known = [COLOURS.get(code, PLAIN) for code in codes if code != 1]
            colour = known[-1] if known else colour
        elif piece:
            weight = ' font-weight="bold"' if bold else ""
            place, length = MARGIN + column * WIDTH, len(piece) * WIDTH
            yield f'<tspan x="{place:.1f}" textLength="{length:.1f}" fill="{colour}"{weight}>'
            yield f"{html.escape(piece)}</tspan>"
            column += len(piece)


if __name__ == "__main__":
    sys.stdout.write(svg(sys.stdin.read()))
