"""The import pages: preview, import, refused rows, roles and hubs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dispatch.intake.models import ImportBatch, ImportFile
from dispatch.intake.selectors.rolls import invariants
from dispatch.intake.services import forget_files
from dispatch.orders.models import Order
from lastmile.core.models import Job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Role
from tests.drain import drain
from tests.factories import make_hub
from tests.people import add_member, logged_in

HOSTILE = "<script>alert(1)</script>"
GOOD = (
    "order_id,name,lat,lon,date,from,to,parcels,kg,Colour\n"
    "A1,Ana,38.72,-9.14,2026-12-01,09:00,12:00,2,4,red\n"
    "A2,Rui,38.73,-9.15,2026-12-01,,,1,1,blue\n"
    "=A3,Zé,91,0,2026-12-01,,,1,1,x\n"
)
MAY_IMPORT = {Role.OWNER, Role.MANAGER, Role.DISPATCHER}
MAY_SEE = {*MAY_IMPORT, Role.PICKER, Role.READONLY}


def send(browser: Client, text: str = GOOD, name: str = "orders.csv", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, text.encode(), content_type="text/csv")
    return browser.post("/console/imports/", {"file": file, "hub": "", "service_date": ""} | fields)


def previewed(browser: Client, text: str = GOOD, **fields: Any) -> str:
    """Upload a file, run the preview's job, and return the address of its page."""
    answer = send(browser, text, **fields)
    assert answer.status_code == 302, answer.content.decode()
    drain()
    return str(answer["Location"])


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    make_hub(name="Lisboa")
    return logged_in(retailer, add_member(Role.DISPATCHER))


def test_a_file_is_previewed_first_and_then_imported(desk: Client) -> None:
    where = previewed(desk)
    page = desk.get(where).content.decode()
    assert "Nothing has changed yet" in page
    assert "Colour" in page  # the unknown column is named
    assert "from -90 to 90" in page  # the error text
    assert Order.objects.count() == 0
    answer = desk.post(where, {"what": "import"})
    drain()
    assert set(Order.objects.values_list("external_id", flat=True)) == {"A1", "A2"}
    done = desk.get(answer["Location"]).content.decode()
    assert "2 orders were imported" in done
    assert "One row was refused" in done


def test_a_page_with_unknown_columns_does_not_report_success(desk: Client) -> None:
    fine = "order_id,lat,lon,date\nA1,38.72,-9.14,2026-12-01\n"
    assert "All rows were read without errors" in desk.get(previewed(desk, fine)).content.decode()
    odd = "order_id,lat,lon,date,Colour\nA1,38.72,-9.14,2026-12-01,red\n"
    page = desk.get(previewed(desk, odd)).content.decode()
    assert "All rows were read without errors" not in page
    assert "Colour" in page


def test_importing_a_preview_twice_imports_it_once(desk: Client) -> None:
    where = previewed(desk)
    first = desk.post(where, {"what": "import"})
    again = desk.post(where, {"what": "import"})
    assert first["Location"] == again["Location"]
    assert ImportBatch.objects.filter(dry_run=False).count() == 1


def test_the_map_shows_the_places_of_a_previews_orders(desk: Client) -> None:
    where = previewed(desk)
    map_data = desk.get(f"{where}map.json").json()
    assert [(s["lon"], s["lat"], s["state"]) for s in map_data["stops"]] == [
        (-9.14, 38.72, "ready"),
        (-9.15, 38.73, "ready"),
    ]
    assert [hub["name"] for hub in map_data["hubs"]] == ["Lisboa"]
    assert (
        "the only hub" not in desk.get(where).content.decode()
    )  # the hub is the nearest, and the page says so
    assert "the nearest" in desk.get(where).content.decode()


def test_the_refused_rows_are_downloaded_with_reasons_and_no_formula(desk: Client) -> None:
    where = previewed(desk)
    answer = desk.get(f"{where}refused.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][-1] == "why_refused"
    assert rows[1][0].lstrip("'") == "=A3"
    assert not rows[1][0].startswith("=")
    assert "out of range" in rows[1][-1]
    assert "attachment" in answer["Content-Disposition"]


def test_the_sample_file_can_be_imported_unchanged(desk: Client) -> None:
    sample = desk.get("/console/imports/sample.csv").content.decode("utf-8-sig")
    assert "+351912345678" in sample, "an example of the retailer's country"
    where = previewed(desk, sample)
    batch = ImportBatch.objects.get()
    assert (batch.refused_count, batch.created_count) == (0, 1), desk.get(where).content.decode()
    assert "+351912345678" in desk.get("/console/imports/").content.decode()


@pytest.mark.parametrize(
    ("name", "text", "words", "is_kept"),
    [
        ("orders.csv", "", "The file is empty", False),
        ("orders.csv", "colour\nred\n", "No column", True),  # a person can match its columns
        ("orders.csv", "order_id,lat,lon\n", "no rows", False),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_a_reason(
    desk: Client, name: str, text: str, words: str, *, is_kept: bool
) -> None:
    where = previewed(desk, text, name=name) if text else previewed(desk, text)
    page = desk.get(where).content.decode()
    assert "could not be imported" in page
    assert words in page
    assert "hx-trigger" not in page  # the page stops polling
    assert ImportFile.objects.exists() is is_kept
    assert ("columns/" in page) is is_kept


def test_an_import_whose_job_failed_shows_the_failure(desk: Client) -> None:
    where = send(desk)["Location"]
    assert 'hx-trigger="load' in desk.get(where).content.decode()
    Job.objects.update(
        state="failed",
        reason="crashed",
        detail="The worker ran out of memory.",
        finished_at="2026-11-22T00:00Z",
    )
    page = desk.get(where).content.decode()
    assert "The worker ran out of memory." in page
    assert "hx-trigger" not in page


def test_an_import_can_be_stopped_before_it_begins(desk: Client) -> None:
    where = send(desk)["Location"]
    desk.post(where, {"what": "stop"})
    drain()
    assert "This import was stopped." in desk.get(where).content.decode()
    assert "Stopped" in desk.get("/console/imports/").content.decode()
    assert Order.objects.count() == 0


def test_the_polling_fragment_contains_only_the_state(desk: Client) -> None:
    where = previewed(desk)
    fragment = desk.get(where, headers={"hx-request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<div id="import-state"')
    assert "<html" not in fragment


def test_hostile_text_in_a_file_is_escaped(desk: Client) -> None:
    head = "order_id,name,lat,lon," + HOSTILE
    text = f"{head}\n{HOSTILE},{HOSTILE},91,0,1\n"
    file = SimpleUploadedFile(f"{HOSTILE}.csv", text.encode())
    where = desk.post("/console/imports/", {"file": file})["Location"]
    drain()
    for path in (where, "/console/imports/"):
        page = desk.get(path).content.decode()
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in desk.get(where).content.decode()


@pytest.mark.parametrize("role", list(Role))
def test_only_roles_with_the_permission_import(retailer: RetailerRef, role: Role) -> None:
    make_hub()
    browser = logged_in(retailer, add_member(role))
    map_data = browser.get("/console/imports/")
    assert (map_data.status_code == 200) is (role in MAY_SEE)
    if role in MAY_SEE:
        assert ('type="file"' in map_data.content.decode()) is (role in MAY_IMPORT)
    answer = send(browser)
    assert answer.status_code == (302 if role in MAY_IMPORT else 403)
    assert ImportBatch.objects.exists() is (role in MAY_IMPORT)


def test_a_reader_cannot_import_a_preview(retailer: RetailerRef, desk: Client) -> None:
    where = previewed(desk)
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert "Import 2 orders" not in reader.get(where).content.decode()
    assert reader.post(where, {"what": "import"}).status_code == 403
    assert not ImportBatch.objects.filter(dry_run=False).exists()


def test_a_member_of_one_hub_imports_for_that_hub_only(retailer: RetailerRef) -> None:
    own, foreign = make_hub(name="Mine"), make_hub(name="Theirs")
    browser = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[own.public_id]))
    assert "Theirs" not in browser.get("/console/imports/").content.decode()
    for hub in ("", foreign.public_id):
        assert send(browser, hub=hub).status_code == 422
    assert not ImportBatch.objects.exists()
    where = previewed(browser, hub=own.public_id)
    other = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[foreign.public_id]))
    assert other.get(where).status_code == 404
    assert other.get(f"{where}refused.csv").status_code == 404
    assert other.get(f"{where}map.json").status_code == 404
    assert other.post(where, {"what": "import"}).status_code == 404
    browser.post(where, {"what": "import"})
    drain()
    assert {order.hub for order in Order.objects.all()} == {own}


def test_another_retailer_and_a_stranger_see_nothing(
    desk: Client, other: RetailerRef, client: Client
) -> None:
    where = previewed(desk)
    assert client.get(where).status_code == 302
    assert send(client).status_code == 302
    assert ImportBatch.objects.count() == 1
    with retailer_context(other):
        outsider = logged_in(other, add_member(Role.OWNER))
    assert outsider.get(where).status_code == 404
    assert "orders.csv" not in outsider.get("/console/imports/").content.decode()


def test_a_form_without_a_csrf_token_is_refused(retailer: RetailerRef) -> None:
    make_hub()
    browser = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    browser.cookies = logged_in(retailer, add_member(Role.OWNER)).cookies
    assert send(browser).status_code == 403
    assert not ImportBatch.objects.exists()


def test_the_file_of_a_preview_is_deleted_after_a_day(desk: Client) -> None:
    where = previewed(desk)
    assert forget_files() == 0
    ImportFile.objects.update(created_at="2026-01-01T00:00Z")
    assert forget_files() == 1
    page = desk.get(where).content.decode()
    assert "kept for one day" in page
    answer = desk.post(where, {"what": "import"})
    assert answer.status_code == 409
    assert "Choose it again" in answer.content.decode()


def test_the_file_of_a_preview_breaks_no_invariant(desk: Client) -> None:
    where = previewed(desk)
    desk.post(where, {"what": "import"})
    stopped = send(desk)["Location"]
    desk.post(stopped, {"what": "stop"})
    drain()
    ImportFile.objects.update(created_at="2026-01-01T00:00Z")
    assert set().union(*invariants().values()) == set()
    forget_files()
    assert set().union(*invariants().values()) == set()
