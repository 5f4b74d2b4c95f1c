"""Compares the points of a network with those that we know, and says which may take a parcel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lockers.fitting import Size, fits
from lockers.states import Capability, Rejection
from lockers.vendors.base import BoxSize, PointState, Room, VendorError, VendorPoint

#: A complete list that lacks more of the known points is a fault of the network, not news.
MOST_MISSING_PERCENT: Final = 20
#: Below this number of known points a small list is believed.
FEW: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The news of a list.

    - added: points that we do not have.
    - ended: points that do not take parcels any more: closed, left, or with an unknown state.
    - back: points that take parcels again.
    - missing: known points that a complete list does not have. They left the network.
    """

    added: tuple[VendorPoint, ...]
    ended: tuple[VendorPoint, ...]
    back: tuple[VendorPoint, ...]
    missing: tuple[str, ...]


def compare(
    known: Mapping[str, PointState],
    listed: Iterable[VendorPoint],
    *,
    is_complete: bool,
    unreadable: Collection[str] = (),
) -> Comparison:
    """Compare known points (id -> state) with a list; ``is_complete`` if it has all points.

    ``unreadable`` are ids of points that are in the list and could not be read. They are no news.

    Raises VendorError if a complete list has far fewer points than we know: an empty answer must
    not close a network.
    """
    by_id = {point.vendor_id: point for point in listed}
    in_network = {name for name, state in known.items() if state != PointState.LEFT}
    missing = in_network - by_id.keys() - set(unreadable) if is_complete else set()
    if len(in_network) >= FEW and len(missing) * 100 > len(in_network) * MOST_MISSING_PERCENT:
        raise VendorError(
            f"its list lacks {len(missing)} of {len(in_network)} known points",
            permanent=False,
            code="list_shrank",
        )
    news = [point for point in by_id.values() if point.vendor_id in known]
    return Comparison(
        added=tuple(point for point in by_id.values() if point.vendor_id not in known),
        ended=tuple(
            point
            for point in news
            if known[point.vendor_id] == PointState.OPEN and point.state != PointState.OPEN
        ),
        back=tuple(
            point
            for point in news
            if known[point.vendor_id] != PointState.OPEN and point.state == PointState.OPEN
        ),
        missing=tuple(sorted(missing)),
    )


def refusal_of(
    point: VendorPoint | None, parcel: Size, weight_g: int, *, low_door: bool = False
) -> Rejection | None:
    """Return why a point does not take a parcel now; None if it does.

    ``point`` is None if the network does not know it any more.
    """
    if point is None or point.state == PointState.LEFT:
        return Rejection.SITE_UNKNOWN
    if point.state != PointState.OPEN:
        return Rejection.SITE_OFFLINE
    if not point.takes_deliveries or (low_door and Capability.LOW_DOORS not in point.capabilities):
        return Rejection.CAPABILITY_MISSING
    fitting = sizes_for(point.sizes, parcel)
    if not fitting:
        return Rejection.DIMENSIONS_EXCEED
    carrying = [size for size in fitting if weight_g <= size.most_weight_g]
    if not carrying:
        return Rejection.WEIGHT_EXCEED
    if all(point.room.get(size.word) == Room.FULL for size in carrying):
        return Rejection.NO_CAPACITY
    return None


def sizes_for(sizes: Iterable[BoxSize], parcel: Size) -> list[BoxSize]:
    """Return the sizes that a parcel fits into, the smallest first.

    A network names the largest parcel of a size, so no clearance is added.
    """
    fitting = [size for size in sizes if fits(parcel, size.parcel, 0)]
    return sorted(fitting, key=lambda size: size.parcel.volume_mm3)
