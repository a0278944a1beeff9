"""Table: text in aligned columns; on a terminal its last column is cut to what fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from crude_link.notifiers.look import Colour, Look, one_line, shortened, width_of

_GAP = "  "
#: Below this the last column is not cut: a wrapped line tells more than three letters of a reason.
_LEAST = 12
#: So many rows say how wide the columns of a long table are.
_SAMPLE = 1000


class Cell(NamedTuple):
    """One field of a table; a tuple, because a list of runs has very many of them."""

    text: str
    colour: Colour | None = None
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """The title of a column; numbers stand at its right."""

    title: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; a column in which no row has anything is left out."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell | str]]

    def lines(self, look: Look) -> list[str]:
        """Return the table as lines for a stream of this look."""
        rows = [[_clean(cell) for cell in row] for row in self.rows]
        kept = [at for at in range(len(self.columns)) if any(row[at].text for row in rows)]
        if not kept:
            return []
        columns = [self.columns[at] for at in kept]
        grid = [[Cell(column.title, "dark_grey") for column in columns], *([row[at] for at in kept] for row in rows)]
        widths = [max(width_of(row[at].text) for row in grid) for at in range(len(kept))]
        widths[-1] = _last_width(widths, look.width)
        return [_line(row, columns, widths, look) for row in grid]


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[Cell | str]], look: Look) -> Iterator[str]:
    """Yield the lines of a table that may be very long: its first rows say how wide the columns are."""
    left = iter(rows)
    first = [[_clean(cell) for cell in row] for row in islice(left, _SAMPLE)]
    if len(first) < _SAMPLE:
        yield from Table(columns, first).lines(look)
        return
    head = [Cell(column.title, "dark_grey") for column in columns]
    widths = [max(width_of(row[at].text) for row in [head, *first]) for at in range(len(columns))]
    widths[-1] = _last_width(widths, look.width) if look.width is not None else 0
    for row in chain([head], first, ([_clean(cell) for cell in each] for each in left)):
        yield _line(row, columns, widths, look)


def _clean(cell: Cell | str) -> Cell:
    if isinstance(cell, str):
        return Cell(one_line(cell))
    text = one_line(cell.text)
    return cell if text == cell.text else Cell(text, cell.colour, cell.bold)


def _last_width(widths: Sequence[int], screen: int | None) -> int:
    if screen is None:
        return widths[-1]
    left = screen - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    return min(widths[-1], max(left, _LEAST))


def _line(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], look: Look) -> str:
    parts: list[str] = []
    for cell, column, width in zip(row, columns, widths, strict=True):
        text = cell.text
        blanks = width - width_of(text)
        if blanks < 0 and look.width is not None and len(parts) == len(columns) - 1:
            text, blanks = shortened(text, width), 0
        painted = look.paint(text, cell.colour, bold=cell.bold) if look.colours else text
        parts.append(" " * blanks + painted if column.right else painted + " " * blanks)
    return look.spell(_GAP.join(parts).rstrip())
