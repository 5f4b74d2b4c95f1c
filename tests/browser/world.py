"""Makes the data of the browser tests: a hub in Lisbon, vans, orders and a published plan.

The data come from a seed, so that screenshots can be compared. No street network is loaded, so
travel times are for straight lines, and the pages say so.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from dispatch.fleet.models import Driver, Hub, Shift
from dispatch.intake.services import receive_file
from dispatch.live.services import make_login_link, take_login_link
from dispatch.live.states import IncidentKind
from dispatch.orders.drafts import (
    AttemptDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    PromiseDraft,
    ShopperDraft,
    WindowDraft,
)
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Cause, Option, Order
from dispatch.orders.services import mark_planned, place_orders, record_attempt, set_promise
from dispatch.planning.models import Plan
from dispatch.planning.selectors.lists import routes_of
from dispatch.planning.services import publish_plan, reconcile_day, request_plan
from lastmile.core import clock
from lastmile.core.jobs import job_by_id
from lastmile.core.models import JobState
from lastmile.core.runner import run_job
from notifications.models import Message
from portal.choice import services as choice
from portal.choice.models import Caller
from portal.choice.selectors import offers_of
from tenants.people.models import Member
from tenants.permissions import Role
from tests.drain import drain
from tests.factories.fleet import LAT, LON, make_driver, make_hub, make_shift, make_vehicle
from tests.factories.fleet import make_zone as draw_zone
from tests.factories.live import make_incident
from tests.factories.messages import make_account, make_call, make_contact, make_message
from tests.factories.orders import make_draft
from tests.factories.slots import make_hold, make_slot, make_template
from tests.people import add_member

_PHONE = "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari/537.36"
_FIRST = ("Ana", "Bruno", "Carla", "Duarte", "Elisa", "Filipe", "Graça", "Hugo", "Inês", "Jorge")
_LAST = ("Almeida", "Barros", "Costa", "Duarte", "Esteves", "Faria", "Gomes", "Henriques")
_STREETS = ("Rua Augusta", "Rua da Prata", "Avenida da Liberdade", "Rua Garrett", "Rua do Ouro")
_FLEET = (("Van", "van", "diesel", 3), ("Electric van", "e_van", "electric", 1))
# Two good rows, one without a place, one with a time window that ends before it begins.
_FILE = b"""order_id,name,address,lat,lon,date,from,to
M-1,Rui Costa,Rua Augusta 10,38.7100,-9.1370,,,
M-2,Eva Gomes,Rua Garrett 73,38.7106,-9.1421,,10:00,13:00
M-3,Nuno Faria,,,,,,
M-4,Olga Reis,Rua do Ouro 5,38.7090,-9.1385,,15:00,11:00
"""


@dataclass(frozen=True, slots=True)
class World:
    """The ids for the addresses of pages, and the e-mail of a member for each role."""

    names: dict[str, str]
    emails: dict[str, str]


def make_day(*, orders: int = 36, seconds: int = 1) -> World:
    """Make a day in the current retailer and publish its plan."""
    rng = random.Random(7)
    hub = make_hub(name="Alcântara")
    draw_zone(hub=hub, name="Lisboa")
    date = clock.local_date(clock.now(), hub.zone) + dt.timedelta(days=1)
    _shifts(hub, date)
    drafts = [_draft(hub, date, n, rng) for n in range(orders)]
    placed = place_orders([*drafts, _unplaced_order(hub, date)], source="test")
    assert all(one.status == "placed" for one in placed), [one.problem for one in placed]
    first, unplaced = placed[0].order, placed[-1].order
    assert first is not None
    assert unplaced is not None
    plan = _plan(hub, date, seconds)
    members = {str(role): add_member(role, email=f"{role}@first.example") for role in Role}
    _give_names(members)
    preview = receive_file(content=_FILE, filename="monday.csv", dry_run=True)
    drain()
    shoppers = _shoppers(hub, date, rng)
    choosing = make_choices(hub, date, rng)
    failed = _messages(first)
    later = date + dt.timedelta(days=60)  # the template opens no slot that the tests would see
    template = make_template(hub=hub, name="Weekdays", starts_on=later)
    slot = make_slot(hub=hub, option="curbside", service_date=date, capacity_orders=3)
    make_hold(slot=slot)
    return World(
        names={
            "date": str(date),
            "hub": hub.public_id,
            "order": first.public_id,
            "unplaced": unplaced.public_id,
            "import": preview.public_id,
            "plan": plan.public_id,
            "route": routes_of(plan)[0].public_id,
            "driver": _driver_with_a_phone(hub).public_id,
            "slot": slot.public_id,
            "template": template.public_id,
            "message": failed.public_id,
            "member": members[str(Role.DISPATCHER)].public_id,
            "shopper": shopper_secret(first),
            **{name: shopper_secret(order) for name, order in shoppers.items()},
            **choosing,
        },
        emails={role: member.email for role, member in members.items()},
    )


def _give_names(members: dict[str, Member]) -> None:
    for name, member in zip(_FIRST, members.values(), strict=False):
        Member.objects.filter(pk=member.pk).update(name=f"{name} {_LAST[0]}")


def _shifts(hub: Hub, date: dt.date) -> None:
    starts_at = dt.datetime.combine(date, dt.time(8), tzinfo=ZoneInfo(hub.zone))
    for word, profile, energy, count in _FLEET:
        for n in range(1, count + 1):
            vehicle = make_vehicle(hub=hub, name=f"{word} {n}", profile=profile, energy=energy,
                                   parcels=14)  # fmt: skip
            driver = make_driver(hub=hub, name=f"{_FIRST[n + len(word) % 5]} {_LAST[n]}")
            make_shift(vehicle=vehicle, driver=driver, starts_at=starts_at)


def _driver_with_a_phone(hub: Hub) -> Driver:
    """Return a driver of the hub whose phone is logged in."""
    driver = Driver.objects.filter(hub=hub).order_by("pk")[0]
    take_login_link(secret=make_login_link(driver=driver).secret, agent=_PHONE)
    shift = Shift.objects.filter(driver=driver).order_by("pk").first()
    make_incident(hub, IncidentKind.VEHICLE_DEFECT, order=None, driver=driver, shift=shift)
    return driver


def _shoppers(hub: Hub, date: dt.date, rng: random.Random) -> dict[str, Order]:
    """Make a delivered order of yesterday and one that its shopper picks up at the curbside now."""
    yesterday = date - dt.timedelta(days=2)
    drafts = [_draft(hub, yesterday, 2_000, rng), _draft(hub, date, 2_001, rng)]
    delivered, pickup = (one.order for one in place_orders(drafts, source="test"))
    assert delivered is not None
    assert pickup is not None
    mark_planned(orders=[delivered.pk], plan="")
    arrived_at = dt.datetime.combine(yesterday, dt.time(10, 42), tzinfo=ZoneInfo(hub.zone))
    attempt = AttemptDraft(
        outcome="delivered", arrived_at=arrived_at, departed_at=arrived_at + dt.timedelta(minutes=3)
    )
    record_attempt(order=delivered, draft=attempt)
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    window = PromiseDraft(
        opens_at=now, closes_at=now + dt.timedelta(hours=2), cause=Cause.CHOICE,
        option=Option.CURBSIDE, price_minor=0, currency="EUR",
    )  # fmt: skip
    set_promise(order=pickup, draft=window)
    return {"delivered": delivered, "pickup": pickup}


def _messages(order: Order) -> Message:
    """Make the messages of an order: one arrived, one did not, one waits; return the failed one."""
    make_account("sms", is_on=False)
    contact = make_contact("+351912345678")
    to_ana = {"contact": contact, "zone": "Europe/Lisbon"}
    at = clock.now().replace(minute=0, second=0, microsecond=0)
    confirmed = at - dt.timedelta(hours=5)
    make_message(
        order, moment="promise_confirmed", made_at=confirmed, accepted_at=confirmed,
        ended_at=confirmed, segments=1, price_micros=7_500, currency="EUR", **to_ana,
        text="Verdura: we bring your order tomorrow between 9:00 and 12:00. ⟦link⟧",
    )  # fmt: skip
    make_message(
        order, moment="choose_reminder", state="skipped", reason="opted_out", channel="email",
        made_at=confirmed, text="",
    )  # fmt: skip
    failed = make_message(
        order, state="failed", reason="undelivered", made_at=at, ended_at=at, **to_ana,
        text="Verdura: your order is on its way and arrives between 10:10 and 10:40. ⟦link⟧",
    )  # fmt: skip
    make_call(failed, code="30003", words="Unreachable destination handset")
    make_message(
        order, moment="day_before", state="waiting", text="",
        send_at=at + dt.timedelta(hours=8), not_after=at + dt.timedelta(hours=12), **to_ana,
    )  # fmt: skip
    return failed


def make_choices(hub: Hub, date: dt.date, rng: random.Random) -> dict[str, str]:
    """Make slots on three days after ``date``, and two orders whose shoppers choose among them.

    The second one holds a time. Return the names for the addresses of their pages.
    """
    days = [date + dt.timedelta(days=n) for n in (1, 2, 3)]
    for day in days:
        _shifts(hub, day)
        for opens, surcharge in ((9, 0), (11, 0), (14, 0), (17, 150), (19, 300)):
            make_slot(
                hub=hub, service_date=day, opens=opens * 60, closes=opens * 60 + 120,
                base_minor=390, surcharge_minor=surcharge, capacity_orders=0 if opens == 11 else 6,
            )  # fmt: skip
        make_slot(
            hub=hub, service_date=day, opens=960, closes=1080, option="curbside", base_minor=0
        )
    drafts = [replace(_draft(hub, days[0], 3_000 + n, rng), window=None) for n in range(8)]
    placed = [one.order for one in place_orders(drafts, source="test")]
    for day in days:
        reconcile_day(hub=hub, service_date=day)
    drain()
    names = {}
    for name, order in (("choosing", placed[0]), ("holding", placed[1])):
        assert order is not None
        answer = choice.ask_for_order(order=order, caller=Caller.SHOPPER)
        asker = choice.Asker(caller=Caller.SHOPPER, principal=order.public_id)
        session = choice.open_session(answer=answer, asker=asker)
        names |= {name: shopper_secret(order), f"{name}-session": session.public_id}
        if name == "holding":
            best = offers_of(session)[0].offer
            choice.take_offer(session=session, offer=best)
    return names


def _unplaced_order(hub: Hub, date: dt.date) -> OrderDraft:
    """Return an order whose address cannot be found, so that it needs a pin."""
    return make_draft(
        external_id="L-1000",
        hub=hub.public_id,
        service_date=date,
        shopper=ShopperDraft(name="Zita Lopes"),
        place=PlaceDraft(text="Beco sem nome 3, Lisboa"),
    )


def _draft(hub: Hub, date: dt.date, number: int, rng: random.Random) -> OrderDraft:
    midnight = dt.datetime.combine(date, dt.time(), tzinfo=ZoneInfo(hub.zone))
    opens, hours = rng.choice(((9, 3), (10, 4), (9, 6), (12, 3)))
    window = WindowDraft(
        opens_at=midnight + dt.timedelta(hours=opens),
        closes_at=midnight + dt.timedelta(hours=opens + hours),
    )
    street = f"{rng.choice(_STREETS)} {rng.randint(1, 180)}, Lisboa"
    place = PlaceDraft(text=street, lat=LAT + rng.gauss(0.01, 0.012), lon=LON + rng.gauss(0, 0.018))
    parcel = ParcelDraft(weight_g=rng.randint(400, 9_000), volume_cm3=rng.randint(2, 40) * 1_000)
    return make_draft(
        external_id=f"L-{1001 + number}",
        hub=hub.public_id,
        service_date=date,
        shopper=ShopperDraft(name=f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"),
        place=place,
        window=window if number % 3 else None,
        parcels=(parcel,),
    )


def _plan(hub: Hub, date: dt.date, seconds: int) -> Plan:
    job = request_plan(hub=hub, service_date=date, seconds=seconds)
    ended = run_job(job.public_id)
    assert ended == JobState.SUCCEEDED, job_by_id(job.public_id).detail
    return publish_plan(plan=Plan.objects.get(hub=hub, service_date=date))
