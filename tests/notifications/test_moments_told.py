"""Handlers of events write rows: each occasion writes the right message, once, or none at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone, translation

from dispatch.orders import services
from dispatch.orders.drafts import PromiseDraft, ShopperDraft
from dispatch.orders.models import Cause, Order
from dispatch.planning.services import note_unplanned_days
from lastmile.core.actor import acting_as
from lastmile.core.clock import zone as zone_info
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.switchboard import HANDLERS
from notifications.catalogue.moments import BY_KEY, event_kinds
from notifications.models import Message, MomentSetting
from notifications.rendering.render import render
from notifications.services.templates import set_moment
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.drain import drain
from tests.factories import make_hub, make_order, make_window
from tests.factories.orders import DAY, make_draft
from tests.notifications.making import switch_on
from tests.people import add_member

DAYS_AGO = DAY - dt.timedelta(days=3)


@pytest.fixture
def shop(retailer: RetailerRef, clock: SetClock) -> RetailerRef:
    """Return a retailer whose channels are on, three days before the day of the orders."""
    clock(at(12, day=DAYS_AGO))
    make_hub()
    switch_on("sms", "email")
    return retailer


def at(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def promise(order: Order, opens: int = 10, **terms: Any) -> None:
    window = make_window(opens, opens + 2)
    terms.setdefault("cause", Cause.SHOPPER)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, **terms)
    services.set_promise(order=order, draft=draft)


def waiting(order: Order) -> list[str]:
    rows = Message.objects.filter(order=order, state="waiting").order_by("pk")
    return list(rows.values_list("moment", flat=True))


def messages_written() -> list[tuple[str, str, str]]:
    """Return moment, state and reason of every message, oldest first."""
    return list(Message.objects.order_by("pk").values_list("moment", "state", "reason"))


def test_every_event_of_the_catalogue_is_handled() -> None:
    for kind in event_kinds():
        assert "notifications.handlers.on_event" in HANDLERS[kind], kind


def test_a_window_that_changes_within_a_minute_is_one_confirmation(shop: RetailerRef) -> None:
    order = make_order()
    promise(order)
    promise(order, 14)
    drain()
    assert waiting(order) == ["promise_confirmed", "day_before"]
    row = Message.objects.get(order=order, state="waiting", moment="promise_confirmed")
    result = render(row, row.order)
    assert result is not None
    assert "between 14:00 and 16:00" in result.text
    assert "10:00" not in result.text


def test_a_change_within_the_minute_that_is_handled_later_is_a_confirmation_too(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = make_order()
    promise(order)
    drain()
    promise(order, 14)
    drain()
    assert waiting(order) == ["promise_confirmed", "day_before"]
    clock(at(12, 2, day=DAYS_AGO))
    Message.objects.filter(moment="promise_confirmed", state="waiting").update(
        state="accepted", provider_id="SM1", accepted_at=at(12, 1, day=DAYS_AGO)
    )
    promise(order, 16)
    drain()
    assert waiting(order) == ["promise_changed", "day_before"]


def test_a_cancelled_order_tells_only_that(shop: RetailerRef) -> None:
    order = make_order()
    promise(order)
    drain()
    services.cancel_order(order=Order.objects.get(pk=order.pk), cause=Cause.SHOPPER)
    drain()
    assert waiting(order) == ["cancelled"]
    assert {reason for _m, state, reason in messages_written() if state == "skipped"} == {
        "superseded"
    }


def test_a_day_on_the_road_writes_its_messages(shop: RetailerRef, clock: SetClock) -> None:
    order = make_order()
    promise(order)
    drain()
    clock(at(9, 50))
    out(order)
    drain()
    assert waiting(order) == ["out_for_delivery"]
    clock(at(11, 30))
    attempt(Order.objects.get(pk=order.pk))
    drain()
    assert waiting(order) == ["delivered", "rating"]


def test_m09_an_import_of_history_writes_nothing(shop: RetailerRef, clock: SetClock) -> None:
    clock(at(12, day=DAY + dt.timedelta(days=30)))
    drafts = [make_draft(window=make_window()) for _n in range(5)]
    services.place_orders(drafts, source="import:imp_1")
    services.place_orders([make_draft() for _n in range(3)], source="import:imp_1")
    drain()
    assert Order.objects.count() == 8
    assert messages_written() == []


def test_m09_a_file_that_changes_nothing_writes_nothing(shop: RetailerRef) -> None:
    drafts = [make_draft(window=make_window()) for _n in range(3)]
    services.place_orders(drafts, source="import:imp_1")
    drain()
    before = messages_written()
    assert len(before) == 6, "a confirmation and a reminder for each"
    services.place_orders(drafts, source="import:imp_2")
    drain()
    assert messages_written() == before


@pytest.mark.parametrize(
    ("actor", "language", "zone"),
    [("shopper", "ar", "Asia/Tokyo"), ("mbr_1", "es", "UTC"), ("key_1", "en", "Pacific/Apia")],
)
def test_m10_who_did_it_does_not_change_a_byte(
    shop: RetailerRef, actor: str, language: str, zone: str
) -> None:
    order = make_order(shopper=ShopperDraft(name="Ana", phone="+351912345678", language="es"))
    promise(order)
    drain()
    with (
        acting_as(actor),
        translation.override(language),
        timezone.override(zone_info(zone)),
    ):
        promise(order, 14, cause=Cause.DISPATCHER)
        drain()
    row = Message.objects.filter(order=order, state="waiting").exclude(moment="day_before").get()
    assert (row.language, row.zone) == ("es", "Europe/Lisbon")
    result = render(row, row.order)
    assert result is not None
    shown = f"Su pedido de {shop.shop_name} llega el lunes, 23 de noviembre entre las 14:00 y las"
    assert shown in result.text.replace("lunes 23", "lunes, 23")


def test_a_moment_that_is_off_writes_nothing(shop: RetailerRef) -> None:
    for key in ("promise_confirmed", "day_before"):
        MomentSetting.objects.create(moment=key, is_on=False)
    promise(make_order())
    drain()
    assert messages_written() == []


def test_the_retailer_s_first_channel_is_taken(shop: RetailerRef) -> None:
    first, second = make_order(shopper=both("a")), make_order(shopper=both("b"))
    promise(first)
    drain()
    confirmed = Message.objects.get(order=first, moment="promise_confirmed")
    assert confirmed.channel == "sms"
    moment = BY_KEY["promise_confirmed"]
    set_moment(moment=moment, is_on=True, channels=["email", "sms"], version=0)
    promise(second)
    drain()
    assert Message.objects.get(order=second, moment=moment.key).channel == "email"


def both(name: str) -> ShopperDraft:
    return ShopperDraft(name=name, phone="+351912345678", email=f"{name}@example.org")


def test_dispatchers_are_told_of_a_day_without_a_plan(shop: RetailerRef, clock: SetClock) -> None:
    add_member(Role.DISPATCHER, language="es")
    make_order()
    clock(at(19, day=DAY - dt.timedelta(days=1)))
    note_unplanned_days()
    drain()
    row = Message.objects.get(moment="nothing_planned")
    assert (row.channel, row.language, row.state) == ("email", "es", "waiting")
    result = render(row, None)
    assert result is not None
    assert "no tiene ningún plan publicado para el lunes" in result.text
    assert "1 pedido lo espera" in result.text


def test_another_retailer_without_channels_writes_nothing(
    shop: RetailerRef, other: RetailerRef
) -> None:
    with retailer_context(other):
        make_hub()
        promise(make_order())
        drain()
        assert messages_written() == []
