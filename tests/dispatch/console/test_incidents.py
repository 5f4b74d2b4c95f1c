"""The queue of incidents: the most urgent first, what to do next, and settling."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from dispatch.console.incident_words import TEXTS, text_of
from dispatch.live.models import Incident
from dispatch.live.services import settle_incident
from dispatch.live.states import IncidentKind
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.factories import make_driver, make_hub
from tests.factories.live import act, at, make_day, make_incident, make_phone, send
from tests.people import add_member, logged_in

PAGE = "/console/incidents/"
K = IncidentKind


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def ids(html: str) -> list[str]:
    """Return the ids of the incidents that a page shows, in its order."""
    return re.findall(r'id="(inc_[a-z0-9]+)"', html)


def settle(desk: Client, incident: Incident, how: str = "Found it", version: int = 1) -> object:
    name = f"{incident.public_id}-how"
    return desk.post(
        PAGE, {"incident": incident.public_id, "version": version, name: how}, follow=True
    )


def test_the_most_urgent_incident_comes_first(desk: Client, clock: SetClock) -> None:
    hub = make_hub()
    clock(at(8))
    old = make_incident(hub)
    clock(at(9))
    new = make_incident(hub, K.ORDER_NOT_ON_ROUTE)
    later = make_incident(hub, K.PARCEL_MISSING, due_at=at(15))
    sooner = make_incident(hub, K.VEHICLE_DEFECT, due_at=at(10))
    shown = desk.get(PAGE).content.decode()
    assert ids(shown) == [one.public_id for one in (sooner, later, old, new)]
    assert "4 incidents are open" in shown
    assert ", in 1 h" in shown, "the defect matters in an hour"
    clock(at(10, 20))
    assert ", 20 min ago" in desk.get(PAGE).content.decode()


def test_a_missing_parcel_says_what_to_whom_when_and_what_next(
    desk: Client, clock: SetClock
) -> None:
    shift, (order, *_rest) = make_day(2)
    assert shift.driver is not None
    clock(at(8, 10))
    phone = make_phone(shift.driver)
    send(phone, act("not_loaded", at(8, 5), orders=[order.public_id]))
    incident = Incident.objects.get()
    stop = order.stops.get()
    assert incident.due_at == stop.starts_at, "it matters when the van is at the door"
    shown = desk.get(PAGE).content.decode()
    for words in (
        "Parcel missing", order.external_id, order.shopper.name, shift.driver.name,
        shift.vehicle.name, "Look for it at the hub", "Matters at",
    ):  # fmt: skip
        assert words in shown, words
    assert f"/console/orders/{order.public_id}/" in shown


def test_a_defect_leads_to_the_route_on_the_board(desk: Client, clock: SetClock) -> None:
    shift, _orders = make_day(1)
    assert shift.driver is not None
    clock(at(8))
    phone = make_phone(shift.driver)
    send(phone, act("vehicle_checked", at(7, 55), ok=False, note="<i>Left mirror</i>"))
    route = shift.routes.get()
    assert Incident.objects.get().due_at == route.starts_at
    shown = desk.get(PAGE).content.decode()
    assert "&lt;i&gt;Left mirror" in shown
    assert f"?open={route.public_id}#{route.public_id}" in shown


def test_an_incident_is_settled_with_a_word_of_how(desk: Client, retailer: RetailerRef) -> None:
    incident = make_incident(make_hub())
    refused = desk.post(PAGE, {"incident": incident.public_id, "version": 1})
    assert refused.status_code == 422
    assert AuditEntry.objects.filter(act="incident.settle").count() == 0
    settle(desk, incident, how="The shopper <b>pays</b>")
    incident.refresh_from_db()
    assert (incident.state, incident.settled_how) == ("settled", "The shopper <b>pays</b>")
    assert ids(desk.get(PAGE).content.decode()) == []
    settled = desk.get(f"{PAGE}?state=settled").content.decode()
    assert ids(settled) == [incident.public_id]
    assert "The shopper &lt;b&gt;pays" in settled
    assert "A dispatcher" in settled
    assert AuditEntry.objects.filter(act="incident.settle").count() == 1


def test_who_settles_second_is_told_and_changes_nothing(
    desk: Client, retailer: RetailerRef
) -> None:
    incident = make_incident(make_hub())
    settle_incident(incident=incident, how="first")
    answer = settle(desk, incident, how="second")
    assert "Nothing was changed" in answer.content.decode()  # type: ignore[attr-defined]
    incident.refresh_from_db()
    assert (incident.settled_how, incident.version) == ("first", 2)


def test_open_incidents_are_counted_in_the_menu_and_on_the_home_page(
    desk: Client, retailer: RetailerRef
) -> None:
    hub = make_hub()
    assert 'id="count-incidents-list" hidden' in desk.get("/").content.decode()
    incident = make_incident(hub)
    make_incident(hub)
    home = desk.get("/").content.decode()
    assert "2 incidents are open." in home
    assert re.search(r'id="count-incidents-list">2<', home)
    settle(desk, incident)
    assert re.search(r'id="count-incidents-list">1<', desk.get(PAGE).content.decode())


def test_an_open_page_is_told_of_new_incidents(desk: Client) -> None:
    hub = make_hub()
    first = make_incident(hub)
    ask = {"newest": first.public_id, "hub": hub.public_id}
    htmx = {"HX-Request": "true"}
    assert f"newest={first.public_id}" in desk.get(f"{PAGE}?hub={hub.public_id}").content.decode()
    quiet = desk.get(f"{PAGE}news/", ask, headers=htmx).content.decode()
    assert "new incidents" not in quiet
    make_incident(make_hub())
    assert desk.get(f"{PAGE}news/", ask, headers=htmx).content.decode().count("new incidents") == 0
    make_incident(hub)
    news = desk.get(f"{PAGE}news/", ask, headers=htmx).content.decode()
    assert "There are new incidents." in news
    assert 'id="count-incidents-list" hx-swap-oob="true">3<' in " ".join(news.split())


def test_readers_settle_nothing_and_other_hubs_and_retailers_see_nothing(
    retailer: RetailerRef, other: RetailerRef, desk: Client
) -> None:
    incident = make_incident(make_hub(), driver=make_driver())
    elsewhere = make_hub()
    reader = logged_in(retailer, add_member(Role.READONLY))
    shown = reader.get(PAGE).content.decode()
    assert ids(shown) == [incident.public_id]
    assert "What was done?" not in shown
    assert "What was done?" in desk.get(PAGE).content.decode()
    assert reader.post(PAGE, {"incident": incident.public_id}).status_code == 403
    narrow = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[elsewhere.public_id]))
    assert ids(narrow.get(PAGE).content.decode()) == []
    assert 'id="count-incidents-list" hidden' in narrow.get(PAGE).content.decode()
    refused = narrow.post(PAGE, {"incident": incident.public_id, "version": 1})
    assert refused.status_code == 404
    with retailer_context(other.schema):
        make_incident(make_hub())
        stranger = logged_in(other, add_member(Role.OWNER))
        assert incident.public_id not in stranger.get(PAGE).content.decode()
        assert stranger.post(PAGE, {"incident": incident.public_id}).status_code == 404
    incident.refresh_from_db()
    assert incident.state == "open"


def test_the_queue_is_paged_and_filtered_by_hub(desk: Client, monkeypatch: object) -> None:
    first, second = make_hub(), make_hub()
    rows = [make_incident(hub) for hub in (first, first, first, second)]
    monkeypatch.setattr("dispatch.console.incidents.pages.PAGE", 2)  # type: ignore[attr-defined]
    seen: list[str] = []
    where = f"{PAGE}?hub={first.public_id}"
    while where:
        shown = desk.get(where).content.decode()
        seen += ids(shown)
        link = re.search(r'href="([^"]+)" rel="next"', shown)
        where = link[1].replace("&amp;", "&") if link else ""
    assert sorted(seen) == sorted(row.public_id for row in rows[:3])
    assert len(seen) == 3


def test_a_doubtful_proof_names_its_doubts(desk: Client) -> None:
    flags = {"act": "delivered", "flags": ["blurred", "doubled"]}
    make_incident(make_hub(), K.PROOF_DOUBTFUL, params=flags)
    make_incident(make_hub(), K.PROOF_MISSING, params={"act": "delivered", "missing": ["photo"]})
    shown = desk.get(PAGE).content.decode()
    assert "is in doubt: The photo is blurred, The same photo is the proof of another door" in shown
    assert "without a proof that it needs: Photo." in shown


@pytest.mark.parametrize("kind", list(IncidentKind))
@pytest.mark.parametrize("outcome", ["delivered", "failed", ""])
def test_every_kind_says_what_happened_and_what_to_do(
    retailer: RetailerRef, kind: IncidentKind, outcome: str
) -> None:
    params = {"act": outcome or "loaded", "outcome": outcome, "reason": "", "code": "too_old"}
    text = text_of(make_incident(make_hub(), kind, params=params))
    assert kind in TEXTS
    assert text.title
    assert text.to_do
    assert "%(" not in text.what
    bare = text_of(make_incident(make_hub(), kind, params=params, order=None))
    assert "None" not in bare.what
