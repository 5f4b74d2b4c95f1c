"""The pages that match the columns of a file and correct its refused rows."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.intake.models import ColumnMatch, ImportBatch, ImportFile
from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.console.test_imports import MAY_IMPORT, previewed, send
from tests.drain import drain
from tests.factories import make_hub
from tests.people import add_member, logged_in

ODD = (
    "Bestelling,Breedte,Lengte,Bezorgtijd tot,Franja\n"
    "B1,38.72,-9.14,x,09:00-12:00\n"
    "<b>B2</b>,38.73,-9.15,x,14:00-16:00\n"
)
FAULTY = (
    "order_id,name,lat,lon,date\nA1,Ana,38.72,-9.14,2026-12-01\n"
    'A2,"Rui <i>",138.73,-9.15,2026-12-01\n'
)


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    make_hub(name="Lisboa")
    return logged_in(retailer, add_member(Role.DISPATCHER))


def followed(browser: Client, address: str, data: dict[str, str]) -> str:
    """Send a form, run the job of the new preview, and return the address of its page."""
    answer = browser.post(address, data)
    assert answer.status_code == 302, answer.content.decode()
    drain()
    return str(answer["Location"])


def test_a_file_without_known_headings_is_matched_previewed_and_imported(desk: Client) -> None:
    where = previewed(desk, ODD, service_date="2026-12-01")
    assert f"{where}columns/" in desk.get(where).content.decode()
    page = desk.get(f"{where}columns/").content.decode()
    assert "Bestelling" in page
    assert "&lt;b&gt;B2&lt;/b&gt;" in page
    answers = {f"column-{n}": name for n, name in enumerate(("order_id", "lat", "lon", "-", ""))}
    refused = desk.post(f"{where}columns/", answers)
    assert refused.status_code == 422
    assert "Choose a column, or “Not used”." in refused.content.decode()
    again = followed(desk, f"{where}columns/", answers | {"column-4": "window"})
    shown = desk.get(again).content.decode()
    assert "2 orders would be new or changed" in shown
    assert "chosen for files with these headings" in shown
    desk.post(again, {"what": "import"})
    drain()
    assert Order.objects.count() == 2
    assert (
        "2 orders would be new"
        not in desk.get(previewed(desk, ODD, service_date="2026-12-01")).content.decode()
    )


def test_refused_rows_are_corrected_on_the_page(desk: Client) -> None:
    where = previewed(desk, FAULTY)
    page = desk.get(f"{where}correct/").content.decode()
    assert 'name="cell-3-2"' in page
    assert "Rui &lt;i&gt;" in page
    unchanged = desk.post(f"{where}correct/", {"cell-3-2": "138.73"})
    assert unchanged.status_code == 422
    assert "No cell was changed" in unchanged.content.decode()
    again = followed(desk, f"{where}correct/", {"cell-3-2": "38.73"})
    assert "2 orders would be new or changed" in desk.get(again).content.decode()


def test_what_was_typed_is_kept_when_the_form_is_refused(desk: Client) -> None:
    where = previewed(desk, FAULTY)
    page = desk.post(f"{where}correct/", {"cell-2-1": "Eva", "cell-3-2": "38.99"})
    assert page.status_code == 422  # row 2 was not refused
    assert 'value="38.99"' in page.content.decode()


@pytest.mark.parametrize("name", ["columns", "correct"])
def test_a_file_that_is_no_longer_stored_says_so(desk: Client, name: str) -> None:
    where = previewed(desk, FAULTY)
    ImportFile.objects.all().delete()
    answer = desk.get(f"{where}{name}/")
    assert answer.status_code == 409
    assert "no longer stored" in answer.content.decode()


@pytest.mark.parametrize("name", ["columns", "correct"])
def test_a_file_that_is_still_being_read_says_so(desk: Client, name: str) -> None:
    where = send(desk, "\xd0\xcf")["Location"]
    answer = desk.get(f"{where}{name}/")
    assert answer.status_code == 409
    assert "still being read" in answer.content.decode()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", ["columns", "correct"])
def test_only_who_may_import_sees_and_changes_columns_and_rows(
    retailer: RetailerRef, desk: Client, name: str, role: Role
) -> None:
    where = previewed(desk, FAULTY)
    browser = logged_in(retailer, add_member(role))
    expected = 200 if role in MAY_IMPORT else 403
    assert browser.get(f"{where}{name}/").status_code == expected
    if expected == 403:
        assert browser.post(f"{where}{name}/", {"cell-3-2": "38.73"}).status_code == 403
        assert ImportBatch.objects.count() == 1
        assert not ColumnMatch.objects.exists()


def test_the_form_of_columns_has_no_more_queries_with_more_rows(
    desk: Client, django_assert_max_num_queries: object
) -> None:
    rows = "".join(f"C{n},38.7,-9.1,2026-12-01,red\n" for n in range(600))
    where = previewed(desk, f"order_id,lat,lon,date,Colour\n{rows}")
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        assert desk.get(f"{where}columns/").status_code == 200
