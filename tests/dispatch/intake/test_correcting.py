"""A stored file is read again: with columns that a person matched, with corrected cells."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from dispatch.fleet.models import Hub
from dispatch.intake.models import ColumnMatch, ImportBatch, ImportFile
from dispatch.intake.parse import parse_orders
from dispatch.intake.parse.headings import headings_of
from dispatch.intake.parse.matching import key_of, labels
from dispatch.intake.services import (
    correct_rows,
    erase_person,
    forget_files,
    headings_in,
    import_previewed,
    match_columns,
    receive_file,
)
from dispatch.orders.models import Order
from lastmile.core.erasing import Person
from lastmile.core.errors import Conflict, Invalid
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef

ODD = (
    "Bestelling,Wie,Straat,Plaats,Bezorgvenster,Kleur\n"
    "B1,Ana,38.72,-9.14,09:00-12:00,rood\n"
    "B2,Rui,38.73,-9.15,14:00-16:00,blauw\n"
)
ODD_COLUMNS = {
    "bestelling": "order_id",
    "wie": "name",
    "straat": "lat",
    "plaats": "lon",
    "bezorgvenster": "window",
    "kleur": "",
}
FAULTY = (
    "order_id,name,lat,lon,date,from,to,kg\n"
    "A1,Ana,38.72,-9.14,12/25/2026,09:00,12:00,4\n"
    "A2,Rui,138.73,-9.15,12/05/2026,,,1\n"
    "A3,Zé,38.71,-9.15,,nine,,1\n"
)


@pytest.fixture
def hub(retailer: RetailerRef) -> Hub:
    return Hub.objects.create(name="Lisboa", lat=38.72, lon=-9.13, zone="Europe/Lisbon")


def done(batch: ImportBatch) -> ImportBatch:
    assert run_job(batch.job) == JobState.SUCCEEDED, Job.objects.get(public_id=batch.job).detail
    batch.refresh_from_db()
    return batch


def preview(text: str | bytes) -> ImportBatch:
    content = text if isinstance(text, bytes) else text.encode()
    day = dt.date(2026, 12, 1)
    return done(
        receive_file(content=content, filename="orders.csv", dry_run=True, service_date=day)
    )


# --- Headings ---------------------------------------------------------------------------------
def test_labels_of_equal_headings_differ() -> None:
    assert labels(["Date", "DATE ", "Dáte"]) == ["date", "date #2", "date #3"]


def test_a_choice_belongs_to_the_headings_in_any_order_and_to_no_others() -> None:
    assert key_of(["A b", "c"]) == key_of(["C", "a-b"])
    assert key_of(["a", "b"]) != key_of(["a", "b", "b"])
    assert key_of(["a b"]) != key_of(["a", "b"])
    assert key_of(["day", "x", "day"]) != key_of(["day", "day", "x"]), "which day is which?"
    assert key_of(["", "x"]) != key_of(["x", ""])


def test_each_heading_is_shown_with_its_first_different_values() -> None:
    rows = "".join(f"A{n},38.7,-9.1,{'x' * 90},{n % 2}\n" for n in range(9))
    one, lat, _lon, odd, flag = headings_of(
        f"order_id,lat,lon,Comentario X,Flag\n{rows}".encode(), {}
    ).shown
    assert (one.column, one.samples) == ("order_id", ("A0", "A1", "A2"))
    assert (lat.column, lat.samples) == ("lat", ("38.7",))
    assert (odd.column, odd.samples) == ("", ("x" * 60,))
    assert (flag.samples, flag.may_promise) == (("0", "1"), False)


@pytest.mark.parametrize(
    ("heading", "cell", "may_promise"),
    [
        ("Franja preferida", "x", True),  # its heading names a time of delivery
        ("Campo 7", "between 9:00 and 12:00", True),  # its values do
        ("Campo 7", "red", False),
        ("Paid at time", "2026-12-01 10:00", False),  # another time
    ],
)
def test_a_heading_that_may_hold_the_promise_has_to_be_answered(
    heading: str, cell: str, *, may_promise: bool
) -> None:
    text = f"order_id,lat,lon,{heading}\nA1,38.7,-9.1,{cell}\n"
    assert headings_of(text.encode(), {}).shown[3].may_promise is may_promise


# --- Matching ---------------------------------------------------------------------------------
def test_a_file_without_a_known_heading_is_read_after_a_person_matched_it(hub: Hub) -> None:
    first = preview(ODD)
    assert (first.state, first.problem_code) == ("failed", "no_order_id")
    again = done(match_columns(batch=first, columns=ODD_COLUMNS))
    assert (again.dry_run, again.created_count, again.refused_count) == (True, 2, 0)
    assert again.unknown_headings == []
    assert Order.objects.count() == 0
    done(import_previewed(preview=again))
    order = Order.objects.select_related("promise").get(external_id="B1")
    assert order.promise is not None
    assert order.promise.opens_at == dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)


def test_a_choice_is_used_for_each_later_file_with_the_same_headings(hub: Hub) -> None:
    done(match_columns(batch=preview(ODD), columns=ODD_COLUMNS))
    turned = "\n".join(",".join(reversed(line.split(","))) for line in ODD.splitlines())
    later = preview(turned.replace("B1", "C1").replace("B2", "C2"))
    assert (later.created_count, later.refused_count) == (2, 0), later.problem_code
    other = preview(ODD.replace("Kleur", "Maat"))
    assert other.problem_code == "no_order_id"


def test_a_choice_is_used_again_for_a_file_with_empty_columns_at_its_end(hub: Hub) -> None:
    wide = "\n".join(f"{line},," for line in ODD.splitlines())
    done(match_columns(batch=preview(wide), columns=ODD_COLUMNS))
    later = preview(wide.replace("B1", "C1").replace("B2", "C2"))
    assert (later.created_count, later.refused_count) == (2, 0), later.problem_code


def test_a_file_that_is_still_being_read_cannot_be_matched_or_corrected(hub: Hub) -> None:
    waiting = receive_file(content=b"\xd0\xcf\x11\xe0", filename="old.xls", dry_run=True)
    with pytest.raises(Conflict, match="still being read"):
        headings_in(waiting)
    with pytest.raises(Conflict, match="still being read"):
        match_columns(batch=waiting, columns={})
    with pytest.raises(Conflict, match="still being read"):
        correct_rows(batch=waiting, cells={2: {0: "x"}})


def test_an_import_uses_the_columns_of_its_preview_although_somebody_chose_again(hub: Hub) -> None:
    shown = done(match_columns(batch=preview(ODD), columns=ODD_COLUMNS))
    done(match_columns(batch=shown, columns={**ODD_COLUMNS, "wie": "notes"}))
    done(import_previewed(preview=shown))
    assert Order.objects.get(external_id="B1").shopper.name == "Ana"
    assert ColumnMatch.objects.get().columns["wie"] == "notes"


def test_a_column_that_is_not_used_refuses_no_row(hub: Hub) -> None:
    text = "order_id,lat,lon,Paquete X\nA1,38.72,-9.14,10:00-12:00\n"
    first = preview(text)
    assert first.refused_count == 1, "an unknown window is never ignored"
    columns = {"order id": "order_id", "lat": "lat", "lon": "lon", "paquete x": ""}
    again = done(match_columns(batch=first, columns=columns))
    assert (again.created_count, again.refused_count) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"kleur": None}, {"/kleur"}),  # a heading without an answer
        ({"kleur": "colour"}, {"/kleur"}),  # no such column
        ({"kleur": "name"}, {"/kleur", "/wie"}),  # two headings for one column
        ({"bestelling": ""}, set()),  # no order number
        ({"straat": "", "plaats": ""}, set()),  # no place
    ],
)
def test_a_choice_that_cannot_be_used_is_refused_and_not_remembered(
    hub: Hub, changes: dict[str, str | None], pointers: set[str]
) -> None:
    first = preview(ODD)
    columns = {k: v for k, v in (ODD_COLUMNS | changes).items() if v is not None}
    with pytest.raises(Invalid) as refused:
        match_columns(batch=first, columns=columns)
    assert {problem.pointer for problem in refused.value.errors} == pointers
    assert not ColumnMatch.objects.exists()
    assert ImportBatch.objects.count() == 1


# --- Corrections ------------------------------------------------------------------------------
def test_corrected_cells_are_read_with_the_formats_of_the_whole_file(hub: Hub) -> None:
    first = preview(FAULTY)
    assert first.refused_count == 2
    again = done(correct_rows(batch=first, cells={3: {2: "38.73"}}))
    assert (again.created_count, again.refused_count) == (2, 1)
    done(import_previewed(preview=again))
    day = Order.objects.get(external_id="A2").service_date
    assert day == dt.date(2026, 12, 5), "row 1 proves that the month comes first"


def test_an_import_with_refused_rows_can_be_corrected_and_leaves_the_others_alone(hub: Hub) -> None:
    imported = done(import_previewed(preview=preview(FAULTY)))
    assert (imported.created_count, imported.refused_count) == (1, 2)
    again = done(correct_rows(batch=imported, cells={3: {2: "38.73"}, 4: {5: "09:00", 6: "10:00"}}))
    after = done(import_previewed(preview=again))
    assert (after.created_count, after.unchanged_count, after.refused_count) == (2, 1, 0)
    assert not ImportFile.objects.filter(batch=after).exists(), "nothing is left to correct"


def test_corrections_add_up_over_several_previews(hub: Hub) -> None:
    one = done(correct_rows(batch=preview(FAULTY), cells={3: {2: "38.73"}}))
    two = done(correct_rows(batch=one, cells={4: {5: "09:00"}}))
    assert (two.created_count, two.refused_count) == (3, 0)


def test_a_cell_of_a_workbook_that_nobody_changed_keeps_its_number(hub: Hub) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (["order_id", "lat", "lon", "kg"], ["A1", 138.72, -9.14, 1.25]):
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    first = preview(content.getvalue())
    again = done(correct_rows(batch=first, cells={2: {1: "38.72", 3: "1.25"}}))
    done(import_previewed(preview=again))
    assert Order.objects.get().weight_g == 1250
    assert again.file.corrections == {"2": {"1": "38.72"}}


@pytest.mark.parametrize(
    "cells",
    [
        {3: {2: "138.73"}},
        {2: {1: "Eva"}},
        {3: {2: "\x00"}},
        {3: {500: "x"}},
        {3: {2: "9" * 10_001}},
    ],
    ids=["nothing differs", "row was not refused", "bad character", "no such cell", "too long"],
)
def test_corrections_that_cannot_be_used_are_refused(
    hub: Hub, cells: dict[int, dict[int, str]]
) -> None:
    first = preview(FAULTY)
    with pytest.raises(Invalid):
        correct_rows(batch=first, cells=cells)
    assert ImportBatch.objects.count() == 1


def test_a_file_that_is_no_longer_stored_cannot_be_read_again(hub: Hub) -> None:
    first = preview(FAULTY)
    ImportFile.objects.update(created_at=first.created_at - dt.timedelta(days=2))
    assert forget_files() == 1
    with pytest.raises(Conflict):
        correct_rows(batch=first, cells={3: {2: "38.73"}})
    with pytest.raises(Conflict):
        match_columns(batch=first, columns={})


def test_a_shopper_named_only_in_a_correction_is_erased_with_the_file(hub: Hub) -> None:
    again = done(correct_rows(batch=preview(FAULTY), cells={3: {1: "Filomena Quaresma"}}))
    assert ImportFile.objects.filter(batch=again).exists()
    erase_person(Person(shoppers=(), texts=("Filomena Quaresma",)))
    assert not ImportFile.objects.filter(batch=again).exists()


def test_corrections_for_rows_that_a_file_does_not_have_change_nothing() -> None:
    text = b"order_id,lat,lon\nA1,38.72,-9.14\n"
    parsed = parse_orders(text, max_rows=10, corrections={7: {0: "X"}})
    assert [row.external_id for row in parsed.rows] == ["A1"]
