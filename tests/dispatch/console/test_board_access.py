"""Access to the board: roles, hubs, another retailer, and a person who is not signed in."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.planning.models import Plan
from lastmile.core.models import Event, Job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Role
from tests.databases import client_of
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub
from tests.factories.orders import DAY
from tests.people import add_member, logged_in

HTMX = {"HX-Request": "true"}
READERS = (Role.OWNER, Role.MANAGER, Role.DISPATCHER, Role.PICKER, Role.READONLY)


def reading(draft: Plan) -> list[str]:
    """Return every read-only address of the board."""
    route, order = draft.routes.all()[0], draft.stops.all()[0].order
    day, own_hub = f"/console/{draft.hub.public_id}/{DAY}/", f"/console/plans/{draft.public_id}/"
    return [
        day,
        f"{day}body/",
        f"{own_hub}map.json",
        f"{own_hub}stops.csv",
        f"{own_hub}routes/{route.public_id}/",
        f"{own_hub}orders/{order.public_id}/",
        f"/console/routes/{route.public_id}/manifest/",
        f"/console/routes/{route.public_id}/stops.csv",
        f"/console/jobs/{draft.job}/",
    ]


def acts(draft: Plan) -> list[tuple[str, dict[str, str]]]:
    """Return a valid request for every edit of the board."""
    stop = draft.stops.select_related("order", "route__shift")[0]
    own_hub = f"/console/plans/{draft.public_id}/"
    order = {"order": stop.order.public_id, "version": "1"}
    return [
        (f"{own_hub}move/", {**order, "shift": stop.route.shift.public_id, "position": "2"}),
        (f"{own_hub}step/", {**order, "by": "1"}),
        (f"{own_hub}take-off/", order),
        (f"{own_hub}undo/", {"version": "1"}),
        (f"{own_hub}publish/", {"version": "1"}),
        (f"{own_hub}discard/", {"version": "1"}),
        (f"{own_hub}revise/", {}),
        (f"/console/{draft.hub.public_id}/{DAY}/plan/", {"seconds": "1"}),
        (f"/console/jobs/{draft.job}/cancel/", {}),
    ]


def test_every_role_except_driver_can_read_the_board(retailer: RetailerRef) -> None:
    draft = plan(day_of(3))
    for role in READERS:
        browser = logged_in(retailer, add_member(role))
        for address in reading(draft):
            assert browser.get(address).status_code == 200, (role, address)
    driver = logged_in(retailer, add_member(Role.DRIVER))
    for address in reading(draft):
        assert driver.get(address).status_code == 403, address


@pytest.mark.parametrize("role", [Role.PICKER, Role.READONLY, Role.DRIVER])
def test_a_read_only_member_changes_nothing(retailer: RetailerRef, role: Role) -> None:
    draft = plan(day_of(3))
    browser = logged_in(retailer, add_member(role))
    before = (Event.objects.count(), Job.objects.count())
    for address, body in acts(draft):
        assert browser.post(address, body, headers=HTMX).status_code == 403, address
    assert (Event.objects.count(), Job.objects.count()) == before
    html = browser.get(reading(draft)[0]).content.decode()
    assert "Publish" not in html
    assert 'data-step="-1"' not in html


def unknown_to(browser: Client, draft: Plan) -> None:
    """Assert that a browser cannot see or change a plan, nor notice that the plan exists."""
    before = Event.objects.count()
    for address in reading(draft):
        assert browser.get(address).status_code == 404, address
    for address, body in acts(draft):
        assert browser.post(address, body, headers=HTMX).status_code == 404, address
    assert Event.objects.count() == before
    draft.refresh_from_db()
    assert (draft.version, draft.status) == (1, "draft")


def test_a_member_of_another_hub_finds_nothing(retailer: RetailerRef) -> None:
    draft, elsewhere = plan(day_of(3)), make_hub()
    unknown_to(logged_in(retailer, add_member(Role.MANAGER, hubs=[elsewhere.public_id])), draft)


def test_the_other_retailer_finds_nothing(retailer: RetailerRef, other: RetailerRef) -> None:
    draft = plan(day_of(3))
    with retailer_context(other):
        browser = logged_in(other, add_member(Role.OWNER))
    unknown_to(browser, draft)


def test_a_stranger_is_redirected_to_sign_in(retailer: RetailerRef) -> None:
    draft = plan(day_of(3))
    stranger = client_of(retailer)
    for address in reading(draft):
        answer = stranger.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/login/")
    before = Event.objects.count()
    for address, body in acts(draft):
        assert stranger.post(address, body, headers=HTMX)["HX-Redirect"] == "/login/", address
    assert Event.objects.count() == before


def test_edits_need_a_csrf_token(retailer: RetailerRef) -> None:
    draft = plan(day_of(3))
    browser = logged_in(retailer, add_member(Role.OWNER))
    careful = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    careful.cookies = browser.cookies
    for address, body in acts(draft):
        assert careful.post(address, body).status_code == 403, address


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("move/", {"order": "\x00", "shift": "\x00", "position": "1", "version": "1"}),
        ("move/", {"order": "ord_x", "shift": "sft_x", "position": "-1", "version": "1"}),
        ("move/", {"order": "ord_x", "shift": "sft_x", "position": "9" * 30, "version": "1"}),
        ("move/", {"order": "ord_x", "shift": "sft_x", "position": "²", "version": "1"}),
        ("step/", {"order": "ord_x", "by": "7", "version": "1"}),
        ("take-off/", {"order": "ord_x"}),
        ("undo/", {"version": "nothing"}),
    ],
)
def test_malformed_edits_are_refused_with_a_message(
    retailer: RetailerRef, verb: str, body: dict[str, str]
) -> None:
    draft = plan(day_of(3))
    browser = logged_in(retailer, add_member(Role.OWNER))
    before = Event.objects.count()
    answer = browser.post(f"/console/plans/{draft.public_id}/{verb}", body, headers=HTMX)
    assert answer.status_code == 422
    assert answer["HX-Reswap"] == "none"
    assert "toast" in answer["HX-Trigger"]
    assert Event.objects.count() == before
