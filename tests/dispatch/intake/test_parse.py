"""The parser of order files: the values that it reads, and the codes of its faults."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.intake.parse import Conventions, Parsed, Row, parse_orders
from dispatch.intake.parse.columns import COLUMNS, recognise
from dispatch.intake.parse.faults import BadFile
from dispatch.intake.parse.tables import MAX_RATIO, neutral, write_csv
from dispatch.intake.parse.times import read_minute


def parse(text: str | bytes, max_rows: int = 100) -> Parsed[Row]:
    return parse_orders(text.encode() if isinstance(text, str) else text, max_rows=max_rows)


def codes(parsed: Parsed[Row]) -> list[tuple[int, str, str]]:
    return [(r.number, f.column, f.code) for r in parsed.refused for f in r.faults]


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_every_heading_belongs_to_one_column_only() -> None:
    seen: dict[str, str] = {}
    for column in COLUMNS:
        for heading in (column.name, *column.aliases):
            assert seen.setdefault(heading, column.name) == column.name, heading
            columns, unknown = recognise([heading.upper()])
            assert (columns, unknown) == ({0: column.name}, []), heading


def test_a_second_column_with_the_same_meaning_is_reported_as_unknown() -> None:
    columns, unknown = recognise(["order_id", "Ref", "lat", "colour"])
    assert columns == {0: "order_id", 2: "lat"}
    assert unknown == ["Ref", "colour"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_delimiter_and_encoding_reads_the_same(delimiter: str, encoding: str) -> None:
    text = delimiter.join(["order_id", "nombre", "lat", "lon"]) + "\r\n"
    text += delimiter.join(["A1", "Peña Muñoz", "-29.9", "-71.25"]) + "\r\n"
    row = parse(text.encode(encoding)).rows[0]
    assert (row.name, row.lat, row.lon) == ("Peña Muñoz", -29.9, -71.25)


def test_a_workbook_reads_like_the_csv_of_the_same_table() -> None:
    sheet = workbook(
        [
            ["Order No", "Lat", "Lng", "Fecha", "Desde", "Hasta", "Peso", "Bultos"],
            ["A1", -29.9, -71.25, dt.datetime(2026, 12, 1), dt.time(9), dt.time(12, 30), 6.5, 2],
            [1002, "-29,9", "-71,25", "01/12/2026", "9h00", "12:30", "6,5", "2"],
        ]
    )
    first, second = parse_orders(sheet, max_rows=9, conventions=Conventions(date_order="day")).rows
    assert first.external_id == "A1"
    assert second.external_id == "1002"
    assert (first.date, first.opens_minute, first.closes_minute) == (dt.date(2026, 12, 1), 540, 750)
    assert (second.date, second.opens_minute, second.closes_minute) == (first.date, 540, 750)
    assert [p.weight_g for p in first.parcels] == [3250, 3250]
    assert second.parcels == first.parcels


def test_a_row_is_refused_with_all_of_its_faults_at_once() -> None:
    parsed = parse("order_id,lat,lon,from,to,kg,date\n,91,,25:00,8,heavy,yesterday\n")
    assert codes(parsed) == [
        (2, "order_id", "missing"),
        (2, "lat", "out_of_range"),
        (2, "lon", "half_a_place"),
        (2, "window_from", "not_a_time"),
        (2, "date", "not_a_date"),
        (2, "weight_kg", "not_a_number"),
    ]
    assert parsed.rows == ()


def test_good_rows_are_accepted_next_to_refused_rows() -> None:
    parsed = parse("order_id,lat,lon\nA,1,2\nB,x,2\nC,3,4\n")
    assert [r.external_id for r in parsed.rows] == ["A", "C"]
    assert codes(parsed) == [(3, "lat", "not_a_number")]
    assert parsed.row_count == 3


def test_weight_and_volume_are_spread_over_the_parcels_and_add_up() -> None:
    row = parse("order_id,lat,lon,parcels,weight_kg,volume_l\nA,1,2,3,1,0.1\n").rows[0]
    assert [p.weight_g for p in row.parcels] == [333, 333, 334]
    assert sum(p.volume_cm3 for p in row.parcels) == 100


def test_rows_with_one_order_id_become_the_parcels_of_one_order() -> None:
    parsed = parse(
        "order_id,lat,lon,parcel_id,grams,service_s,from,to\n"
        "A,1,2,p1,100,30,8:00,12:00\nA,1,2,p2,50,20,9:00,13:00\nA,1,2,p3,1,,,\n"
    )
    (row,) = parsed.rows
    assert [(p.external_id, p.weight_g) for p in row.parcels] == [
        ("p1", 100),
        ("p2", 50),
        ("p3", 1),
    ]
    assert (row.service_s, row.opens_minute, row.closes_minute) == (50, 540, 720)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ("A,1,2,p1,,", "twice"),
        ("A,1,2,,,", "twice"),
        ("A,1,3,p2,,", "parcel_differs"),
        ("A,1,2,p2,13:00,14:00", "parcel_windows_apart"),
    ],
)
def test_a_repeated_order_id_is_refused_with_the_row_of_the_first(second: str, code: str) -> None:
    parsed = parse(f"order_id,lat,lon,parcel_id,from,to\nA,1,2,p1,8:00,12:00\n{second}\n")
    assert len(parsed.rows) == 1
    assert [f.code for f in parsed.refused[0].faults] == [code]
    assert parsed.refused[0].faults[0].params["row"] == 2


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("9", 540), ("09:30", 570), ("9.30", 570), ("9h30", 570), ("2:15 pm", 855),
        ("12 am", 0), ("12:00 PM", 720), ("24:00", 1440), ("2026-12-01T14:00", 840),
        ("8:00:00", 480),
        ("24:01", None), ("9:60", None), ("-1", None), ("13 pm", None), ("noon", None), ("", None),
    ],
)  # fmt: skip
def test_a_time_of_day_is_read_as_people_write_it(text: str, minute: int | None) -> None:
    assert read_minute(text) == minute


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.234,5", 1234.5), ("1,234.5", 1234.5), ("1 234,5", 1234.5), ("1234.5", 1234.5)],
)
def test_an_unambiguous_number_reads_the_same_in_every_convention(text: str, value: float) -> None:
    assert parse(f"order_id;lat;lon;kg\nA;1;2;{text}\n").rows[0].parcels[0].weight_g == value * 1000


def test_a_window_to_midnight_ends_the_day() -> None:
    row = parse("order_id,lat,lon,from,to\nA,1,2,20:00,0:00\n").rows[0]
    assert (row.opens_minute, row.closes_minute) == (1200, 1440)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"\xd0\xcf\x11\xe0rest", "old_excel"),
        (b"order_id\x00,lat", "not_text"),
        (b"PK\x03\x04 broken", "bad_workbook"),
        (b"name,lat,lon\nAna,1,2\n", "no_order_id"),
        (b"order_id,name\nA,Ana\n", "no_place"),
        (b"order_id,lat,lon\n", "no_rows"),
        (b"order_id,lat,lon\nA,1,2\nB,1,2\nC,1,2\n", "too_many_rows"),
        (b"order_id,lat,lon," + b"c," * 300 + b"\n", "too_many_columns"),
    ],
)
def test_a_file_without_an_order_table_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadFile) as refusal:
        parse_orders(data, max_rows=2)
    assert refusal.value.code == code


def test_a_zip_bomb_is_refused_before_it_unpacks() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (MAX_RATIO * 50_000 + 1))
    with pytest.raises(BadFile) as refusal:
        parse(out.getvalue())
    assert refusal.value.code == "workbook_too_large"


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_formula_text_is_written_safely_and_read_back_unchanged(cell: str) -> None:
    assert neutral(cell).startswith("'")
    file = "".join(write_csv(["order_id", "lat", "lon", "notes"], iter([["A", "1", "2", cell]])))
    assert parse(file).rows[0].notes == cell


def test_a_negative_number_is_written_unchanged() -> None:
    assert neutral("-29.9") == "-29.9"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_the_reader_survives_any_bytes(data: bytes) -> None:
    heading = b"order_id,lat,lon,from,to,kg,parcels,skills\n"
    try:
        parsed = parse_orders(heading + data, max_rows=50)
    except BadFile:
        return  # refused as a whole, with a code: any other exception fails the test
    assert parsed.row_count >= len(parsed.refused)


PLACED = "order_id,lat,lon,date,"


@pytest.mark.parametrize(
    ("heading", "cells", "refused"),
    [
        ("Termin", ["9-12", "14:00 - 18:00", "tarde"], [2, 3, 4]),
        ("Bloque horario del dia", ["14:00 - 18:00"], [2]),
        ("Deliver", ["9-12"], [2]),
        ("Plazo", ["hasta 12:00", "before 3 pm", "10-20"], [2, 3, 4]),
        ("Promised date and slot of delivery", ["2027-01-05 09:00"], [2]),
        ("Remarks", ["2027-01-05 09:00 - 12:00", "big", "red"], [2]),
        ("Size", ["9-12", "38-40"], []),
        ("Remarks", ["Tel. 512-345", "between 9:00 and 12:00", "fragile", "red"], [3]),
    ],
)
def test_no_cell_with_a_window_is_ignored(
    heading: str, cells: list[str], refused: list[int]
) -> None:
    rows = "".join(f"A{n},-29.9,-71.25,2027-01-05,{cell}\n" for n, cell in enumerate(cells))
    parsed = parse(f"{PLACED}{heading}\n{rows}")
    assert [row.number for row in parsed.refused] == refused
    assert {code for _row, _column, code in codes(parsed)} <= {"maybe_window", "not_a_window"}


@pytest.mark.parametrize(
    ("date", "opens", "closes", "faults"),
    [
        ("2027-01-05", "2027-01-05 09:00", "2027-01-05T12:00", []),
        ("5/1/2027", "2027-01-05 09:00", "12:00", []),
        ("2027-01-05", "1899-12-30 09:00", "1900-01-01T12:00", []),
        ("2027-01-05", "2027-01-06 09:00", "2027-01-06 12:00", ["window_from", "window_to"]),
        ("2027-01-05", "2027-01-05 22:00", "2027-01-06 23:00", ["window_to"]),
        ("", "2027-01-05 09:00", "12:00", ["window_from"]),
    ],
)
def test_a_time_with_another_date_is_refused(
    date: str, opens: str, closes: str, faults: list[str]
) -> None:
    text = f"{PLACED}from,to\nA1,-29.9,-71.25,{date},{opens},{closes}\n"
    parsed = parse_orders(text.encode(), max_rows=10, conventions=Conventions(date_order="day"))
    assert codes(parsed) == [(2, column, "time_of_other_day") for column in faults]
    if not faults:
        assert (parsed.rows[0].opens_minute, parsed.rows[0].closes_minute) == (540, 720)


@pytest.mark.parametrize(
    ("headings", "cells", "agrees"),
    [
        ("weight_g,weight_kg", "500,5", False),
        ("weight_g,weight_kg", "0,5", False),
        ("weight_g,weight_kg", "1234,1.2", True),
        ("volume_cm3,volume_l", "500,2", False),
        ("service_seconds,service_minutes", "30,5", False),
        ("service_seconds,service_minutes", "90,2", True),
    ],
)
def test_two_columns_for_one_quantity_must_match(headings: str, cells: str, agrees: bool) -> None:
    parsed = parse(f"{PLACED}{headings}\nA1,-29.9,-71.25,2027-01-05,{cells}\n")
    column = headings.partition(",")[0]
    assert codes(parsed) == ([] if agrees else [(2, column, "columns_differ")])


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#¡VALOR!", "#DIV/0!", "#NAME?"])
def test_a_spreadsheet_error_is_not_a_value(error: str) -> None:
    parsed = parse_orders(
        workbook([["order_id", "lat", "lon", "name", "skills"], ["A1", -29.9, -71.25, error, error],
                  ["A2", -29.9, -71.25, "#7 Ana", "fridge"]]),
        max_rows=10,
    )  # fmt: skip
    assert codes(parsed) == [(2, "name", "sheet_error"), (2, "skills", "sheet_error")]
    assert [row.name for row in parsed.rows] == ["#7 Ana"]
