"""Charts show their values correctly: bars start at zero, axes have round steps, marks fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.core import charts

AMOUNTS = st.floats(0, 1e7, allow_nan=False)


@given(st.lists(st.tuples(st.text(max_size=8), AMOUNTS), min_size=1, max_size=30))
def test_bars_are_in_proportion_and_fit_the_chart(rows: list[tuple[str, float]]) -> None:
    chart = charts.bars(rows)
    assert all(m.x == charts.LEFT and m.end <= charts.RIGHT + 0.01 for m in chart.marks)
    most = max(value for _label, value in rows)
    if most > 0:
        for (_label, value), mark in zip(rows, chart.marks, strict=True):
            share = value / most * (charts.RIGHT - charts.LEFT)
            assert mark.width == pytest.approx(share, abs=0.01)
    assert [row[0] for row in chart.table] == [label for label, _value in rows]


def test_a_bar_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="zero"):
        charts.bars([("a", -1.0)])


def test_a_target_beyond_the_longest_bar_fits_the_chart() -> None:
    chart = charts.bars([("a", 10.0)], target=40.0)
    assert chart.target == charts.RIGHT
    assert chart.marks[0].width == pytest.approx((charts.RIGHT - charts.LEFT) / 4, abs=0.01)


@given(st.floats(1e-6, 1e9))
def test_steps_of_an_axis_are_round_and_few(span: float) -> None:
    step = charts.nice_step(span)
    assert span / step <= 5 + 1e-9
    assert float(f"{step:.0e}"[0]) in {1, 2, 5}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_a_series_fits_the_chart(values: list[float]) -> None:
    chart = charts.line([(str(i), v) for i, v in enumerate(values)])
    assert all(-0.1 <= m.y <= charts.FIELD + 0.1 and 0 <= m.x <= 100 for m in chart.marks)
    assert chart.ticks[0].at == pytest.approx(charts.FIELD)
    assert chart.ticks[-1].at == pytest.approx(0, abs=0.1)


def test_a_series_near_zero_starts_at_zero_and_one_far_from_it_does_not() -> None:
    assert charts.line([("a", 1.0), ("b", 9.0)]).ticks[0].word == "0"
    assert charts.line([("a", 90.0), ("b", 95.0)]).ticks[0].word == "90"


def test_an_interval_is_drawn_as_a_closed_band() -> None:
    chart = charts.line([("a", 2.0), ("b", 3.0)], interval=[(1.0, 3.0), (2.0, 4.0)])
    assert len(chart.band.split()) == 4


def test_spans_are_drawn_within_the_day_but_labelled_in_full() -> None:
    chart = charts.gantt([("Ana", [(400, 500, ""), (0, 100, "pause")])], 480, 960)
    bars = [m for m in chart.marks if m.kind != "name"]
    assert len(bars) == 1
    assert bars[0].x == charts.LEFT
    assert chart.table == (("Ana", "06:40–08:20", ""),)
    assert all(charts.LEFT <= t.at <= 100 for t in chart.ticks)


def test_the_greatest_cell_is_the_darkest_and_zero_is_blank() -> None:
    cells = charts.heat([("08", 0.0), ("09", 1.0), ("10", 4.0)])
    assert [m.kind for m in cells.marks] == ["0", "1", "4"]


def test_an_empty_chart_has_no_marks() -> None:
    assert charts.bars([]).marks == ()
    assert charts.line([]).marks == ()
    assert charts.heat([]).marks == ()
