"""The Null vendor: it keeps what it was told and reaches no network.

A demo or sandbox uses it: its orders have invented numbers that may belong to somebody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from lockers.states import Rejection, ReservationState
from lockers.vendors.base import (
    Availability,
    Features,
    PointPage,
    PointState,
    VendorCall,
    VendorError,
    VendorPoint,
    VendorRequest,
    VendorStatus,
)

PREFIX: Final = "null-"


class NullVendor:
    """A network without points; every reservation succeeds."""

    def __init__(self, *points: VendorPoint) -> None:
        self.told: list[Any] = []
        self._points = {point.vendor_id: point for point in points}
        self._kept: dict[str, VendorStatus] = {}

    def features(self) -> Features:
        """Return that it can do everything but sign."""
        return Features(counts=False, holds=True, cancels=True, own_codes=True, signs=False)

    def points(self, since: dt.date | None = None) -> Iterator[PointPage]:
        """Return one page with the points that it was made with."""
        points = tuple(self._points.values())
        yield PointPage(number=1, pages=1, total=len(points), points=points)

    def point(self, vendor_id: str) -> VendorPoint | None:
        """Return a point that it was made with."""
        return self._points.get(vendor_id)

    def availability(self, vendor_id: str) -> Availability:
        """Return the state of a point; one that it does not have left the network."""
        point = self._points.get(vendor_id)
        return Availability(state=point.state if point else PointState.LEFT)

    def reserve(self, request: VendorRequest) -> VendorStatus:
        """Keep a reservation. The same reference again is the same reservation."""
        self.told.append(request)
        return self._kept.setdefault(request.reference, _confirmed(_id_of(request.reference)))

    def find(self, reference: str, since: dt.datetime) -> VendorStatus | None:
        """Return a reservation by its reference."""
        return self._kept.get(reference)

    def cancel(self, vendor_id: str) -> VendorStatus:
        """Cancel a reservation. Raises VendorError for an id of another network."""
        self.told.append(vendor_id)
        self.status(vendor_id)
        ended = VendorStatus(
            vendor_id=vendor_id, word="cancelled", state=ReservationState.CANCELLED
        )
        for reference, status in self._kept.items():
            if status.vendor_id == vendor_id:
                self._kept[reference] = ended
        return ended

    def status(self, vendor_id: str) -> VendorStatus:
        """Return the state of a reservation. Raises VendorError for an id of another network.

        Each call of a demo has a new Null vendor, so one that it does not keep is confirmed.
        """
        for status in self._kept.values():
            if status.vendor_id == vendor_id:
                return status
        if vendor_id.startswith(PREFIX):
            return _confirmed(vendor_id)
        raise VendorError(
            "it has no such reservation",
            permanent=True,
            reason=Rejection.PROVIDER_ERROR,
            code="not_known",
        )

    def parse(self, body: bytes) -> VendorCall:
        """Raise ValueError: no network calls us for it."""
        raise ValueError("the Null vendor has no calls")


def _id_of(reference: str) -> str:
    return f"{PREFIX}{reference}"[:64]


def _confirmed(vendor_id: str) -> VendorStatus:
    return VendorStatus(
        vendor_id=vendor_id, word="confirmed", state=ReservationState.AWAITING_DEPOSIT
    )
