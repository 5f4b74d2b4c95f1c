"""The event handlers of networks: a hold at a point of a network is made there too."""

from __future__ import annotations

from lastmile.core.events import DomainEvent
from lockers.models import LockerAccount, LockerReservation
from lockers.services.vendor_following import ask_network, ask_to_cancel
from lockers.services.vendor_points import add_places
from lockers.states import ENDED, HELD, ReservationState


def on_reservation_changed(event: DomainEvent) -> None:
    """Make a held reservation at its network, or cancel there what ended here."""
    rows = LockerReservation.objects.select_related("bank")
    row = rows.filter(public_id=event.subject, bank__kind="vendor").first()
    if row is None:
        return
    if ReservationState(row.state) in HELD:
        ask_network(reservation=row)
    elif ReservationState(row.state) in ENDED:
        ask_to_cancel(reservation=row)


def on_points_imported(event: DomainEvent) -> None:
    """Give new points of networks their places, so that parcels can be reserved there."""
    for account in LockerAccount.objects.order_by("pk"):
        while add_places(vendor=account.vendor):
            continue
