"""Tests of the stored data of order events, key by key: old readers and rows rely on it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.orders import services
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.orders.actions import at, attempt
from tests.factories import make_hub, make_order, make_window


def stored(order: Order) -> list[tuple[str, dict[str, Any]]]:
    events = Event.objects.filter(subject=order.public_id).order_by("id")
    assert {event.version for event in events} == {1}
    return list(events.values_list("kind", "data"))


def test_the_stored_data_of_order_events_does_not_change(retailer: RetailerRef) -> None:
    hub = make_hub()
    order = make_order(window=make_window(9, 12))
    first = order.promise
    assert first is not None
    second = services.set_promise(
        order=order, draft=PromiseDraft(opens_at=at(14), closes_at=at(16), cause="dispatcher")
    )
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.mark_unplanned(orders=[order.pk], plan="pln_1")
    services.mark_planned(orders=[order.pk], plan="pln_2")
    services.mark_loaded(orders=[order.pk])
    services.mark_out(orders=[order.pk], shift="sft_1")
    tried = attempt(order, outcome="failed", reason="not_home")
    order.refresh_from_db()
    services.try_again(order=order, service_date=at(9).date() + dt.timedelta(days=1))
    services.change_order(order=order, service_s=240)
    services.cancel_order(order=order)
    day = at(9).date()
    assert stored(order) == [
        (
            "order.placed",
            {
                "hub": hub.public_id, "hub_choice": "nearest", "service_date": day.isoformat(),
                "state": "ready", "source": order.source,
            },
        ),
        ("order.promised", promised(first, "api", None, 9, 12)),
        ("order.promised", promised(second, "dispatcher", first.public_id, 14, 16)),
        ("order.planned", {"from": "ready", "plan": "pln_1"}),
        ("order.ready", {"from": "planned", "plan": "pln_1"}),
        ("order.planned", {"from": "ready", "plan": "pln_2"}),
        ("order.loaded", {"from": "planned", "shift": ""}),
        ("order.out", {"from": "loaded", "shift": "sft_1"}),
        (
            "attempt.recorded",
            {"attempt": tried.public_id, "outcome": "failed", "reason": "not_home", "stop": ""},
        ),
        ("order.failed", {"from": "out", "attempt": tried.public_id, "reason": "not_home"}),
        (
            "order.ready",
            {"from": "failed", "service_date": (day + dt.timedelta(days=1)).isoformat()},
        ),
        ("order.changed", {"changed": ["service_s"]}),
        ("order.cancelled", {"from": "ready", "cause": "dispatcher"}),
    ]  # fmt: skip


def promised(
    promise: Any, cause: str, supersedes: str | None, opens: int, closes: int
) -> dict[str, Any]:
    return {
        "promise": promise.public_id,
        "option": "window",
        "opens_at": at(opens).astimezone(dt.UTC).isoformat(),
        "closes_at": at(closes).astimezone(dt.UTC).isoformat(),
        "cause": cause,
        "supersedes": supersedes,
    }
