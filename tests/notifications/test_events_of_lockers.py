"""Events of lockers that belong to no order: a partner may reserve for its own parcels."""

from __future__ import annotations

from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from notifications.handlers import on_events
from notifications.models import Message
from tests.dispatch.conftest import SetClock
from tests.factories.live import at
from tests.factories.lockers import make_bank, make_reservation, make_station, pin_of
from tests.notifications.making import switch_on


def test_a_parcel_without_an_order_tells_nobody_and_stops_no_other_message(
    retailer: RetailerRef, clock: SetClock
) -> None:
    switch_on("sms")
    clock(at(8))
    bank = make_bank(2)
    row = make_reservation(bank, parcel_ref="partner-1")
    station = make_station(retailer, bank)
    station.deposit(pin_of(row, "courier"))
    assert station.cabinet.sync()
    events = list(Event.objects.filter(kind__startswith="locker.").order_by("pk"))
    assert "locker.parcel.ready" in {event.kind for event in events}
    on_events(events)
    assert not Message.objects.filter(moment__startswith="locker_").exists()
