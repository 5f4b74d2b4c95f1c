"""The geometry of small charts: the position of each mark, computed for the templates.

The templates under ``components/charts/`` draw these numbers. Each x is a percentage and each y is
in pixels, so text keeps its size at any width. A chart also has its rows as text, for the table
below it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lastmile.core import formatting

ROW = 28  # pixels per row of a bar chart or Gantt
FIELD = 160  # pixels of height of a line chart
LEFT, RIGHT = 24.0, 82.0  # per cent: names are to the left of LEFT, values to the right of a bar


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of a chart: x and width in per cent, y in pixels, its texts and its kind."""

    x: float
    width: float
    y: float = 0.0
    label: str = ""
    value: str = ""
    kind: str = ""

    @property
    def end(self) -> float:
        """The right end of the mark, in per cent."""
        return round(self.x + self.width, 2)

    @property
    def top(self) -> float:
        """The upper edge of a bar in its row, in pixels."""
        return self.y + 5

    @property
    def base(self) -> float:
        """The baseline of the mark's text, in pixels."""
        return self.y + 18


@dataclass(frozen=True, slots=True)
class Tick:
    """A position on an axis and its label."""

    at: float
    word: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The data with which a template draws one chart and its table."""

    height: float
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...] = ()
    target: float | None = None
    line: str = ""
    band: str = ""
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def with_axis(self) -> float:
        """The height including the labels of the axis, in pixels."""
        return self.height + 20

    @property
    def axis_base(self) -> float:
        """The baseline of the labels of the axis, in pixels."""
        return self.height + 16


def nice_step(span: float, most: int = 5) -> float:
    """Return the smallest step (1, 2 or 5 times a power of ten) for at most ``most`` parts."""
    if span < 1e-300:
        return 1.0
    raw = span / most
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= raw - 1e-12)


def plain(value: float) -> str:
    """Return a number without trailing zeros: ``12``, ``12.5``, ``0.25``."""
    return formatting.number(value, 2 if abs(value) < 100 else 0, trim=True)


def bars(rows: Sequence[tuple[str, float]], unit: str = "", target: float | None = None) -> Chart:
    """Return a chart of horizontal bars from zero. Raises ValueError for a negative value."""
    if any(value < 0 for _label, value in rows):
        raise ValueError("A bar chart starts at zero; draw negative values as a line.")
    most = max([value for _label, value in rows] + [target or 0.0], default=0.0) or 1.0
    width = RIGHT - LEFT
    marks = tuple(
        Mark(LEFT, round(value / most * width, 2), i * ROW, label, f"{plain(value)} {unit}".strip())
        for i, (label, value) in enumerate(rows)
    )
    return Chart(
        height=len(rows) * ROW,
        marks=marks,
        target=None if target is None else round(LEFT + target / most * width, 2),
        table=tuple((m.label, m.value) for m in marks),
    )


def line(
    points: Sequence[tuple[str, float]],
    unit: str = "",
    target: float | None = None,
    interval: Sequence[tuple[float, float]] = (),
) -> Chart:
    """Return a chart of a series over time, with its intervals as a band.

    The y axis starts at zero unless all values are far above zero.

    Parameters
    ----------
    points : sequence of (str, float)
        Label on the x axis, and value.
    target : float, optional
        A value that is drawn as a thin line.
    interval : sequence of (low, high), optional
        One interval per point, drawn as a band.
    """
    values = [v for _w, v in points] + [b for pair in interval for b in pair]
    values += [] if target is None else [target]
    if not values:
        return Chart(FIELD, ())
    low, high = min(values), max(values)
    if 0 <= low <= 0.6 * high or low == high:
        low = min(0.0, low)
    # If values differ by less than float precision, the step must not become zero.
    step = nice_step(max(high - low, 1e-9 * max(abs(low), abs(high))))
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    span = high - low if high > low else step
    across = max(len(points) - 1, 1)

    def x(i: int) -> float:
        return round(100 * i / across, 2)

    def y(value: float) -> float:
        return round(FIELD * (1 - (value - low) / span), 1)

    marks = tuple(
        Mark(x(i), 0, y(v), word, f"{plain(v)} {unit}".strip())
        for i, (word, v) in enumerate(points)
    )
    band = ""
    if interval:
        upper = [f"{x(i):.2f},{y(h):.1f}" for i, (_l, h) in enumerate(interval)]
        lower = [f"{x(i):.2f},{y(lo):.1f}" for i, (lo, _h) in enumerate(interval)]
        band = " ".join([*upper, *reversed(lower)])
    steps = round(span / step)
    return Chart(
        height=FIELD,
        marks=marks,
        ticks=tuple(Tick(y(low + k * step), plain(low + k * step)) for k in range(steps + 1)),
        target=None if target is None else y(target),
        line=" ".join(f"{m.x:.2f},{m.y:.1f}" for m in marks),
        band=band,
        table=tuple((m.label, m.value) for m in marks),
    )


def gantt(
    rows: Sequence[tuple[str, Sequence[tuple[int, int, str]]]], starts: int, ends: int
) -> Chart:
    """Return a chart with one row per name and spans between two minutes of the day.

    Each span is (from minute, to minute, kind); the kind is ``drive pause warn bad`` or empty.
    """
    length = max(ends - starts, 1)
    scale = (96 - LEFT) / length

    def x(minute: int) -> float:
        return round(LEFT + (minute - starts) * scale, 2)

    marks: list[Mark] = []
    table: list[tuple[str, ...]] = []
    for i, (label, spans) in enumerate(rows):
        marks.append(Mark(0, 0, i * ROW, label, kind="name"))
        for begin, end, kind in spans:
            a, b = max(begin, starts), min(end, ends)
            if b <= a:
                continue
            times = f"{hour(begin)}–{hour(end)}"
            marks.append(Mark(x(a), round((b - a) * scale, 2), i * ROW, "", times, kind))
            table.append((label, times, kind))
    step = 60 * max(1, math.ceil(length / 60 / 6))
    first = math.ceil(starts / step) * step
    ticks = tuple(Tick(x(minute), hour(minute)) for minute in range(first, ends + 1, step))
    return Chart(len(rows) * ROW, tuple(marks), ticks, table=tuple(table))


def heat(cells: Sequence[tuple[str, float]], unit: str = "") -> Chart:
    """Return a row of cells in five shades; each cell also shows its number."""
    most = max((value for _word, value in cells), default=0.0) or 1.0
    width = 100 / max(len(cells), 1)
    marks = tuple(
        Mark(i * width, width, 0, word, plain(value), str(min(4, math.ceil(4 * value / most))))
        for i, (word, value) in enumerate(cells)
    )
    return Chart(
        44, marks, table=tuple((m.label, f"{m.value} {unit}".strip()) for m in marks)
    )  # fmt: skip


def hour(minute: int) -> str:
    """Return minutes after midnight as ``08:30``. A minute of the next day starts at ``00:00``."""
    return formatting.time_of_minute(minute % 1440)
