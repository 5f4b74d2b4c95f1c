"""The processor time of an event that shoppers are told: from the committed event to the ledger.

Orders go out. Their events are relayed in groups of 1, 20 or 50, and the handler of messages runs.
The figures are milliseconds of CPU for each event, never the time of a clock: of this process with
the relay, of the handler alone, and of the database's process. Also shown are the statements.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.db import connection

from dispatch.orders import services as orders
from dispatch.orders.drafts import OrderDraft, ParcelDraft, PlaceDraft, ShopperDraft, WindowDraft
from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.models import Delivery, Event
from lastmile.core.relay import deliver_batch, relay_batch
from lastmile.core.tenancy import retailer_context
from notifications.models import ChannelAccount, Message
from notifications.selectors.accounts import fingerprint
from tenants.people.models import PolicySection
from tests.bench.database import bench_database
from tests.factories import make_hub

TELL: Final = "notifications.handlers.on_event"
GROUPS: Final = (1, 20, 50)
ORDERS: Final = 400  # for each size of a group
_WARM: Final = 20
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Wrong(AssertionError):
    """An event was not told exactly once."""


def run(count: int = ORDERS, groups: tuple[int, ...] = GROUPS) -> str:
    """Measure each size of a group; return the figures. Raises Wrong."""
    with bench_database(), retailer_context("t1"):
        _set_up()
        hub = make_hub().public_id
        _measure(_place(0, _WARM, hub), 1)
        parts = []
        for turn, size in enumerate(groups):
            first = _WARM + turn * count
            parts.append(f"{size} at once: {_measure(_place(first, count, hub), size)}")
    return "; ".join(parts)


def _set_up() -> None:
    ChannelAccount.objects.create(
        channel="sms", kind="null", source="own", is_on=True, on_at_machine=fingerprint()
    )
    values = {"quiet_from_minute": 0, "quiet_until_minute": 0}
    PolicySection.objects.create(section="notifications", values=values)


def _place(first: int, count: int, hub: str) -> list[int]:
    """Place orders and load them; their events up to then are not part of the figures."""
    now = clock.now()
    drafts = [
        OrderDraft(
            external_id=f"M{n:06d}",
            hub=hub,
            service_date=clock.local_date(now, "UTC"),
            shopper=ShopperDraft(name=f"Shopper {n}", phone=f"+3519{20_000_000 + n}"),
            place=PlaceDraft(text=f"Rua {n}", lat=38.72 - n % 150 * 1e-5, lon=-9.14),
            parcels=(ParcelDraft(weight_g=1000, volume_cm3=1000),),
            window=WindowDraft(
                opens_at=now - dt.timedelta(hours=1), closes_at=now + dt.timedelta(hours=10)
            ),
        )
        for n in range(first, first + count)
    ]
    pks = [one.order.pk for one in orders.place_orders(drafts, source="proof")]
    orders.mark_planned(orders=pks, plan="pln_proof")
    orders.mark_loaded(orders=pks)
    while relay_batch()[0]:
        pass
    Delivery.objects.update(state="done")
    return pks


def _measure(pks: list[int], size: int) -> str:
    """Let orders go out in groups; return the figures of one event."""
    own_s = handler_s = database_s = 0.0
    statements = 0
    for at in range(0, len(pks), size):
        group = pks[at : at + size]
        for pk in group:
            orders.mark_out(orders=[pk])
        Delivery.objects.exclude(state="done").update(state="done")  # of other handlers
        lane = Event.objects.filter(position=None).values_list("lane", flat=True)[0]
        began, database_began = time.process_time(), _database_s()
        with _counted() as count:
            relay_batch()
            relayed = time.process_time()
            while deliver_batch(TELL, lane):
                pass
        own_s += time.process_time() - began
        handler_s += time.process_time() - relayed
        database_s += _database_s() - database_began
        statements += count[0]
    messages = Message.objects.filter(order__in=pks, moment="out_for_delivery")
    if messages.count() != len(pks) or Order.objects.filter(pk__in=pks, messages=None).exists():
        raise Wrong(f"{messages.count()} messages for {len(pks)} events")
    n = len(pks)
    return (
        f"{own_s / n * 1000:.1f} ms with the relay, {handler_s / n * 1000:.1f} ms the handler, "
        f"{database_s / n * 1000:.1f} ms the database, {statements / n:.1f} statements"
    )


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Count the statements of a block."""
    count = [0]

    def counting(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        count[0] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counting):
        yield count


def _database_s() -> float:
    """Return the seconds of CPU that the database's process of this connection has used."""
    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
