"""Files as spreadsheets and people write them: titles, sheets, encodings, dates with names."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from dispatch.intake.parse import parse_orders
from dispatch.intake.parse.encodings import decode
from dispatch.intake.parse.faults import BadFile
from dispatch.intake.parse.headings import headings_of

HEADINGS = ["order_id", "name", "address", "postcode", "date"]
ROW = ["A-1", "Peña Núñez", "Calle José 12", "00123", "2026-12-01"]
SPANISH = (
    "order_id,name,address\nA-1,María Peña,Calle José Ibáñez 12\nA-2,O’Higgins,Av. España 3º\n"
)
GERMAN = "order_id,name,address\nA-1,Jörg Müller,Königstraße 5\nA-2,Ömer Äpfel,Überweg 1\n"
CHINESE = "order_id,name,address\nA-1,王小明,北京市朝阳区建国路88号\n"


def workbook(**sheets: list[list[object]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book


def read(book: openpyxl.Workbook) -> list[tuple[str, str]]:
    out = io.BytesIO()
    book.save(out)
    rows = parse_orders(out.getvalue(), max_rows=100).rows
    return [(row.external_id, row.postcode) for row in rows]


def date_of(cell: str) -> dt.date | str:
    text = f'order_id,address,date\nA,Elm 1,"{cell}"'
    parsed = parse_orders(text.encode(), max_rows=9)
    if parsed.refused:
        return parsed.refused[0].faults[0].code
    assert parsed.rows[0].date is not None
    return parsed.rows[0].date


UNKNOWN = "Ordernr;Waarheen;Wanneer\nA-1;Elm St 1, 2nd floor;1 Dec\nA-2;Oak St 4, Ede;2 Dec\n"


@pytest.mark.parametrize(
    "title",
    ["", "Export\n", "Sales, week 48, all shops\n", "Week 48;;\n", "\n\nExport\n\n"],
    ids=["none", "one cell", "commas", "empty cells", "empty lines"],
)
def test_a_title_above_headings_that_nobody_knows_is_no_heading(title: str) -> None:
    headings = [one.text for one in headings_of((title + UNKNOWN).encode(), {}).shown]
    assert headings == ["Ordernr", "Waarheen", "Wanneer"]


def test_a_title_above_the_headings_is_passed_over() -> None:
    text = "Orders of 1 December;;\n\nprinted;by Ana;\norder_id;name;address\nA-1;Ana;Elm 1"
    (row,) = parse_orders(text.encode(), max_rows=9).rows
    assert (row.number, row.external_id, row.address) == (5, "A-1", "Elm 1")
    assert read(workbook(Orders=[["Orders"], [], HEADINGS, ROW])) == [("A-1", "00123")]


def test_a_title_without_a_delimiter_does_not_hide_that_of_the_headings() -> None:
    text = "Orders, of Monday\nid;name;address;kg\nA-1;Ana;Elm 1;2,5"
    (row,) = parse_orders(text.encode(), max_rows=9).rows
    assert (row.external_id, row.address, row.parcels[0].weight_g) == ("A-1", "Elm 1", 2500)


def test_without_known_headings_the_first_row_is_named_in_the_refusal() -> None:
    with pytest.raises(BadFile) as refused:
        parse_orders(b"this,that\n1,2", max_rows=9)
    assert refused.value.params["headings"] == "this, that"


def test_the_sheet_with_the_headings_is_read_and_two_of_them_are_asked_about() -> None:
    cover: list[list[object]] = [["Acme"], ["Orders are on the next sheet"]]
    assert read(workbook(Cover=cover, Data=[HEADINGS, ROW])) == [("A-1", "00123")]
    with pytest.raises(BadFile) as refused:
        read(workbook(Monday=[HEADINGS, ROW], Tuesday=[HEADINGS, ROW]))
    assert (refused.value.code, refused.value.params) == (
        "several_sheets", {"sheets": "Monday, Tuesday"}
    )  # fmt: skip


def test_a_sheet_without_places_is_no_sheet_of_orders() -> None:
    drivers: list[list[object]] = [["Id", "Name", "Phone"], [7, "Rosa", "961234567"]]
    assert read(workbook(Orders=[HEADINGS, ROW], Drivers=drivers)) == [("A-1", "00123")]


def test_a_workbook_with_very_many_sheets_is_refused_with_the_remedy() -> None:
    with pytest.raises(BadFile) as refused:
        read(workbook(**{f"Day {n}": [HEADINGS, ROW] for n in range(21)}))
    assert (refused.value.code, refused.value.params) == ("too_many_sheets", {"most": 20})


def test_zeros_that_a_format_shows_belong_to_the_value() -> None:
    book = workbook(Orders=[HEADINGS, ["A-1", "Ana", "Elm 1", 123, dt.date(2026, 12, 1)]])
    book["Orders"]["D2"].number_format = "00000"
    assert read(book) == [("A-1", "00123")]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", [SPANISH, GERMAN])
def test_letters_of_windows_and_mac_are_read(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "text", ["box 30×20×10 cm", "3 m² at ½ price, ±2 €", "it’s O’Higgins’ – don’t"]
)
def test_signs_of_windows_alone_are_no_doubt(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize("text", ["María", "García y Díaz, Málaga", "Peña", "n. º 3, «aquí»"])
def test_a_name_of_a_mac_is_no_name_with_an_apostrophe(text: str) -> None:
    assert decode(text.encode("mac_roman")) == text


def test_chinese_letters_are_read() -> None:
    assert decode(CHINESE.encode("gb18030")) == CHINESE


def test_letters_that_fit_nowhere_are_refused() -> None:
    with pytest.raises(BadFile) as refused:
        decode(bytes([0x41, 0x81, 0xF0, 0x41, 0x0A]) * 20)
    assert refused.value.code == "unknown_encoding"


def test_a_date_with_the_name_of_its_month_is_read_in_seven_languages() -> None:
    day = dt.date(2026, 12, 1)
    for cell in (
        "1 Dec 2026", "Dec 1, 2026", "December 1st, 2026", "Tue, 1 Dec 2026", "1-dic-2026",
        "1 de diciembre de 2026", "martes, 1 de diciembre de 2026", "01/dez/2026",
        "1. Dezember 2026",
        "1er déc. 2026", "1 décembre 2026", "1 dicembre 2026", "20261201", "01-DEC-2026",
    ):  # fmt: skip
        assert date_of(cell) == day, cell


def test_what_is_no_date_in_one_way_only_is_refused() -> None:
    for cell, code in (
        ("46357", "serial_date"), ("46357.0", "serial_date"), ("1 Foo 2026", "not_a_date"),
        ("31 Feb 2026", "not_a_date"), ("Dec 2026", "not_a_date"), ("20261301", "not_a_date"),
        ("1 Dec 1926", "year_outside"), ("01/12/26", "two_digit_year"),
    ):  # fmt: skip
        assert date_of(cell) == code, cell
