"""Dates, numbers and windows: the column decides their format, then the sender's convention."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from dispatch.intake.parse import Conventions, Parsed, Row, conventions_of, parse_orders
from dispatch.intake.parse.times import read_minute

USA = conventions_of(["US"], "en")
CHILE = conventions_of(["CL"], "es")
PLACE = "-29.9050,-71.2500"


def parse(heading: str, *rows: str, conventions: Conventions | None = None) -> Parsed[Row]:
    """Parse a CSV file; an order id and a place are put before the given columns."""
    lines = [f"order_id,lat,lon,{heading}"]
    lines += [f"R{n},{PLACE},{row}" for n, row in enumerate(rows, 1)]
    return parse_orders("\n".join(lines).encode(), max_rows=100, conventions=conventions)


def dates(*cells: str, conventions: Conventions | None = None) -> list[dt.date | str | None]:
    """Return the date of each cell of a column, or the code of its fault."""
    parsed = parse("date", *cells, conventions=conventions)
    values: dict[int, dt.date | str | None] = {row.number: row.date for row in parsed.rows}
    values |= {row.number: row.faults[0].code for row in parsed.refused}
    return [values[number] for number in sorted(values)]


def numbers(column: str, *cells: str, conventions: Conventions | None = None) -> list[int | str]:
    """Return the grams (or cm3) of each cell of a column, or the code of its fault."""
    parsed = parse(column, *(f'"{cell}"' for cell in cells), conventions=conventions)
    values: dict[int, int | str] = {
        row.number: sum(p.weight_g + p.volume_cm3 for p in row.parcels) for row in parsed.rows
    }
    values |= {row.number: row.faults[0].code for row in parsed.refused}
    return [values[number] for number in sorted(values)]


def windows(heading: str, *cells: str) -> list[tuple[int | None, int | None] | str]:
    """Return the window of each cell of a column, or the code of its fault."""
    parsed = parse(heading, *(f'"{cell}"' for cell in cells))
    values: dict[int, tuple[int | None, int | None] | str] = {
        row.number: (row.opens_minute, row.closes_minute) for row in parsed.rows
    }
    values |= {row.number: row.faults[0].code for row in parsed.refused}
    return [values[number] for number in sorted(values)]


def test_a_day_above_twelve_decides_the_date_format_of_its_column() -> None:
    expected = [dt.date(2026, 12, 31), dt.date(2026, 12, 1), dt.date(2027, 1, 2)]
    assert dates("12/31/2026", "12/01/2026", "1/2/2027 6:29:00") == expected
    assert dates("12/31/2026", "12/01/2026", "1/2/2027 6:29:00", conventions=CHILE) == expected
    assert dates("31/12/2026", "12/01/2026", conventions=USA) == [
        dt.date(2026, 12, 31),
        dt.date(2026, 1, 12),
    ]


def test_an_ambiguous_date_column_follows_the_convention_or_is_refused() -> None:
    assert dates("12/01/2026", conventions=USA) == [dt.date(2026, 12, 1)]
    assert dates("12/01/2026", "12.01.2026", conventions=CHILE) == [dt.date(2026, 1, 12)] * 2
    assert dates("12/01/2026") == ["ambiguous_date"]
    assert dates("12/01/2026", conventions=conventions_of(["US", "CL"], "en")) == ["ambiguous_date"]
    assert dates("12/12/2026", "2026-12-01", "2026/12/01") == [
        dt.date(2026, 12, 12),
        dt.date(2026, 12, 1),
        dt.date(2026, 12, 1),
    ]


def test_a_column_with_mixed_date_formats_refuses_ambiguous_dates() -> None:
    assert dates("31/12/2026", "12/31/2026", "01/02/2027", conventions=USA) == [
        dt.date(2026, 12, 31),
        dt.date(2026, 12, 31),
        "mixed_dates",
    ]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1-2-26", "two_digit_year"), ("31/12/26", "two_digit_year"), ("tomorrow", "not_a_date"),
        ("29/02/2026", "not_a_date"), ("2026-13-01", "not_a_date"), ("13/13/2026", "not_a_date"),
        ("01/12/0026", "year_outside"), ("2999-12-01", "year_outside"),
        ("1999-12-31", "year_outside"),
        ("٣/٤/2026", "not_a_date"), ("1/2/2026/3", "not_a_date"), ("01/12-2026", "not_a_date"),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_a_date_of_this_century_is_refused(cell: str, code: str) -> None:
    assert dates(cell, conventions=CHILE) == [code]


def test_an_ambiguous_date_names_both_readings() -> None:
    (refused,) = parse("date", "12/01/2026").refused
    assert dict(refused.faults[0].params) == {
        "value": "12/01/2026", "one": "2026-01-12", "other": "2026-12-01",
    }  # fmt: skip


def workbook(*rows: list[object]) -> Parsed[Row]:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return parse_orders(out.getvalue(), max_rows=100, conventions=CHILE)


def test_typed_dates_and_numbers_of_a_workbook_are_not_ambiguous() -> None:
    parsed = workbook(
        ["order_id", "lat", "lon", "date", "peso kg"],
        ["A", -29.905, -71.25, dt.datetime(2026, 12, 1), 1.25],
        ["B", -29.905, -71.25, dt.date(2026, 1, 12), 1.234],
        ["C", -29.905, -71.25, "31/12/2026", "1.234"],
    )
    assert [row.date for row in parsed.rows] == [
        dt.date(2026, 12, 1), dt.date(2026, 1, 12), dt.date(2026, 12, 31),
    ]  # fmt: skip
    assert [row.parcels[0].weight_g for row in parsed.rows] == [1250, 1234, 1_234_000]


def test_a_workbooks_number_reads_the_same_in_the_file_of_refused_rows() -> None:
    parsed = workbook(
        ["order_id", "lat", "lon", "kg", "parcels"], ["A", -29.905, -71.25, 1.234, 0.5]
    )
    (refused,) = parsed.refused
    line = ",".join(refused.cells[:4])
    again = parse_orders(f"order_id,lat,lon,kg\n{line}".encode(), max_rows=9, conventions=CHILE)
    assert again.rows[0].parcels[0].weight_g == 1234


def test_grams_are_whole_so_three_digits_after_a_sign_are_thousands() -> None:
    cells = ("1,800", "12,500", "1.800", "1,234,500", "1.234.500", "1 800", "1800", "1800.0")
    grams = [1800, 12500, 1800, 1_234_500, 1_234_500, 1800, 1800, 1800]
    for conventions in (None, USA, CHILE):
        assert numbers("weight_g", *cells[:-1], conventions=conventions) == grams[:-1]
        assert numbers("volume_cm3", *cells[:-1], conventions=conventions) == grams[:-1]
    assert numbers("weight_g", "1800.0", "750,0") == [1800, 750]


def test_a_fraction_of_a_gram_is_refused_or_rounded_with_a_warning() -> None:
    assert numbers("weight_g", "1.8", "0.500", "12,25") == ["not_whole"] * 3
    parsed = parse("weight_kg", "1.2345", "6.1")
    assert [row.parcels[0].weight_g for row in parsed.rows] == [1234, 6100]
    assert [[w.code for w in row.warnings] for row in parsed.rows] == [["rounded"], []]


def test_kilograms_follow_the_other_cells_of_their_column() -> None:
    assert numbers("peso kg", "1.250", "8,5") == [1_250_000, 8_500]
    assert numbers("peso kg", "1.250", "8.5") == [1_250, 8_500]
    assert numbers("peso kg", "1,250", "8.5", conventions=CHILE) == [1_250_000, 8_500]
    assert numbers("peso kg", "1.250", "1,000.5") == [1_250, 1_000_500]
    assert numbers("kg", "1,250", "8,5", "3.25") == ["ambiguous_number", 8_500, 3_250]


def test_a_column_of_ambiguous_kilograms_follows_the_convention_or_is_refused() -> None:
    assert numbers("peso kg", "1.250", conventions=CHILE) == [1_250_000]
    assert numbers("kg", "1.250", conventions=USA) == [1_250]
    assert numbers("kg", "1,250", conventions=USA) == [1_250_000]
    assert numbers("kg", "1.250") == ["ambiguous_number"]
    assert numbers("kg", "1.250", conventions=conventions_of(["PT"], "en")) == ["ambiguous_number"]
    assert numbers("kg", "0.250", "1234.5", "1.2500", ".5") == [250, 1_234_500, 1_250, 500]


@pytest.mark.parametrize(
    "cell", ["1 2", "1,23,456", "12,3456.7", "1e3", "1.234,567.8", "--1", "1..2", "1'80", "9" * 60]
)
def test_a_cell_that_is_not_a_number_is_refused(cell: str) -> None:
    assert numbers("kg", cell) == ["not_a_number"]


def test_coordinates_never_have_thousands() -> None:
    text = "order_id;lat;lon\nA;-29,905;-71,250\nB;-29.905;-71.250\n"
    rows = parse_orders(text.encode(), max_rows=9).rows
    assert [(row.lat, row.lon) for row in rows] == [(-29.905, -71.25)] * 2


def test_a_convention_is_certain_only_if_countries_and_language_agree() -> None:
    assert conventions_of(["US"], "en") == Conventions("month", ".")
    assert conventions_of(["CL"], "es") == Conventions("day", ",")
    assert conventions_of(["MX"], "es") == Conventions("day", ".")
    assert conventions_of(["PT"], "en") == Conventions("day", None)
    assert conventions_of(["CA"], "en") == Conventions(None, None)
    assert conventions_of([""], "en") == Conventions(None, None)
    assert conventions_of(["ES"], "en-US") == Conventions(None, None)


@pytest.mark.parametrize(
    "heading",
    [
        "Delivery Time", "time window", "Time Slot", "slot", "ventana horaria", "Franja", "horario",
        "Preferred delivery time", "Customer time slot", "Franja de entrega", "window_from",
        "Hora llegada",
    ],
)  # fmt: skip
def test_a_range_in_any_column_with_a_time_heading_is_the_window(heading: str) -> None:
    parsed = windows(heading, "09:00 - 12:00", "9-12", "14:00 to 18:00", "de 9 a 12")
    assert parsed == [(540, 720), (540, 720), (840, 1080), (540, 720)]
    assert parse(heading, "9-12").unknown_headings == ()


@pytest.mark.parametrize("heading", ["Delivery Time", "Some slot", "Franja de entrega"])
@pytest.mark.parametrize("cell", ["Morning", "2-5", "9-5", "14:00", "12:00 - 09:00", "12/09/2026"])
def test_an_unreadable_time_window_refuses_its_row(heading: str, cell: str) -> None:
    assert windows(heading, cell) == ["not_a_window"]


def test_a_cell_without_a_promise_is_not_a_window() -> None:
    assert windows("Delivery Time", "", "-", "Any time", "todo el día") == [(None, None)] * 4


@pytest.mark.parametrize("cell", ["09:00 - 12:00", "9:00 AM to 1 pm", "Time: 9:00-12:00", "14:30"])
def test_a_window_in_an_unknown_column_refuses_its_row(cell: str) -> None:
    assert windows("Attributes", cell) == ["maybe_window"]


@pytest.mark.parametrize("heading", ["Created at", "Paid time", "Order time", "Timezone"])
def test_columns_with_other_times_are_not_windows(heading: str) -> None:
    parsed = parse(heading, "2026-11-27 10:02:11 -03:00", "10:02")
    assert [(r.opens_minute, r.closes_minute) for r in parsed.rows] == [(None, None)] * 2
    assert parsed.unknown_headings == (heading,)


def test_an_open_window_next_to_another_time_is_refused() -> None:
    parsed = parse("from,Arrives no later", "09:00,12:00")
    assert [f.code for r in parsed.refused for f in r.faults] == ["maybe_window"]


def test_two_windows_of_one_row_must_agree() -> None:
    parsed = parse("from,to,slot", "09:00,12:00,9-12", "09:00,12:00,9-13", "9-12,13:00,")
    assert [row.opens_minute for row in parsed.rows] == [540]
    codes = [fault.code for row in parsed.refused for fault in row.faults]
    assert codes == ["windows_differ", "windows_differ"]


def test_a_slot_name_next_to_a_full_window_is_only_an_unknown_column() -> None:
    parsed = parse("from,to,Slot name", "09:00,12:00,Morning")
    assert (len(parsed.rows), parsed.unknown_headings) == (1, ("Slot name",))


@pytest.mark.parametrize(
    ("cell", "minute"),
    [
        ("9:00 a. m.", 540), ("12:30:00 p. m.", 750), ("9:00 a.\u00a0m.", 540),
        ("9:00\u202fAM", 540), ("09:00 hrs", 540), ("9 h", 540),
    ],
)  # fmt: skip
def test_spanish_times_of_day_are_read(cell: str, minute: int) -> None:
    assert read_minute(cell) == minute


def times_of(first: str, last: str) -> tuple[int | None, int | None] | str:
    text = f"order_id,lat,lon,date,from,to\nA,38.7,-9.1,2026-12-01,{first},{last}\n"
    parsed = parse_orders(text.encode(), max_rows=9)
    if parsed.refused:
        return parsed.refused[0].faults[0].code
    return parsed.rows[0].opens_minute, parsed.rows[0].closes_minute


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("22:00", "02:00", (1320, 1560)),
        ("11 pm", "1:15 am", (1380, 1515)),
        ("18:00", "06:00", (1080, 1800)),
        ("18:00", "24:00", (1080, 1440)),
        ("20:00", "00:00", (1200, 1440)),
        ("12:00", "09:00", "window_ends_first"),  # 21 hours: two cells may have been exchanged
        ("22", "2", "window_ends_first"),
        ("09:00", "09:00", "window_ends_first"),
    ],
)
def test_a_window_may_end_on_the_next_day_if_that_is_clear(
    first: str, last: str, expected: tuple[int, int] | str
) -> None:
    assert times_of(first, last) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("0.375", "0.5", (540, 720)),
        (".75", "0.833333333333333", (1080, 1200)),
        ("0.354166666666667", "0.5", (510, 720)),
        ("0900", "1330", (540, 810)),
        ("0.25", "0.5", "not_a_time"),  # 06:00, or 00:25
        ("0.3751", "0.5", "not_a_time"),  # no whole minute
        ("2500", "1330", "not_a_time"),
    ],
)
def test_a_time_as_a_spreadsheet_stores_it_is_read_if_it_is_clear(
    first: str, last: str, expected: tuple[int, int] | str
) -> None:
    assert times_of(first, last) == expected


def test_a_window_over_midnight_in_one_cell_is_one_of_both_days() -> None:
    text = "order_id,lat,lon,date,window\nA,38.7,-9.1,2026-12-01,22:00 - 02:00\n"
    (row,) = parse_orders(text.encode(), max_rows=9).rows
    assert (row.opens_minute, row.closes_minute) == (1320, 1560)
