"""InPost's words and what they mean for us: addresses, sizes, states of points and shipments, and errors.

Source: dokumentacja-inpost.atlassian.net, pages "Points", "Statuses", "Shipment sizes and
services", "Shipment cancellation", "API General Information"; developers.inpost.it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lockers.fitting import Size
from lockers.states import Rejection, ReservationState
from lockers.vendors.base import BoxSize, PointState, Room

S = ReservationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """The addresses of a country, and its time zone."""

    zone: str
    shipments: str
    points: str
    sandbox_shipments: str
    sandbox_points: str


COUNTRIES: Final[Mapping[str, Country]] = {
    "PL": Country(
        zone="Europe/Warsaw",
        shipments="https://api-shipx-pl.easypack24.net",
        points="https://api.inpost.pl",
        sandbox_shipments="https://sandbox-api-shipx-pl.easypack24.net",
        sandbox_points="https://sandbox-api-shipx-pl.easypack24.net",
    ),
    "IT": Country(
        zone="Europe/Rome",
        shipments="https://api-shipx-it.easypack24.net",
        points="https://api-it-local-points.easypack24.net",
        sandbox_shipments="https://stage-api-shipx-it.easypack24.net",
        sandbox_points="https://stage-api-it-points.easypack24.net",
    ),
}

#: The largest parcel of each size: 8, 19 and 41 x 38 x 64 cm, up to 25 kg.
SIZES: Final = (
    BoxSize(word="A", parcel=Size(width_mm=380, height_mm=80, depth_mm=640), most_weight_g=25_000),
    BoxSize(word="B", parcel=Size(width_mm=380, height_mm=190, depth_mm=640), most_weight_g=25_000),
    BoxSize(word="C", parcel=Size(width_mm=380, height_mm=410, depth_mm=640), most_weight_g=25_000),
)
#: Size -> the template that a shipment names.
TEMPLATES: Final[Mapping[str, str]] = {"A": "small", "B": "medium", "C": "large"}

POINT_STATES: Final[Mapping[str, PointState]] = {
    "Operating": PointState.OPEN,
    "NonOperating": PointState.CLOSED,
    "Disabled": PointState.LEFT,
}
LOCKER_TYPES: Final = frozenset({"parcel_locker", "parcel_locker_only", "parcel_locker_superpop"})
POINT_TYPES: Final = LOCKER_TYPES | {"pop", "pok"}
#: A point with one of these functions takes parcels for shoppers.
COLLECTING: Final = frozenset({"parcel", "parcel_collect"})
#: Degrees Celsius in ``supported_locker_temperatures`` that mean a cooled compartment.
COOL: Final = frozenset({"4"})
#: The documents that we read name no other word; each other one is unknown.
ROOM: Final[Mapping[str, Room]] = {"NO_DATA": Room.UNKNOWN}
WEEKDAYS: Final[Mapping[str, str]] = {
    "monday": "Mo", "tuesday": "Tu", "wednesday": "We", "thursday": "Th", "friday": "Fr",
    "saturday": "Sa", "sunday": "Su",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a shipment's status for a reservation.

    ``state`` None: it changes no reservation. ``attention``: the parcel does not go its usual
    way, and the documents do not say where it is, so staff look.
    """

    state: ReservationState | None = None
    reason: Rejection | None = None
    attention: bool = False


_ON_ITS_WAY = Meaning(S.AWAITING_DEPOSIT)
_NOT_BOUGHT = Meaning()
_READY = Meaning(S.READY)
_ELSEWHERE = Meaning(attention=True)
_EXPIRED = Meaning(S.COLLECT_EXPIRED)

#: Every status of the public list. A status without a line is unknown.
STATUSES: Final[Mapping[str, Meaning]] = {
    # The label is not bought yet. InPost may still refuse the parcel.
    "created": _NOT_BOUGHT,
    "offers_prepared": _NOT_BOUGHT,
    "offer_selected": _NOT_BOUGHT,
    # Bought, and on its way to the point.
    "confirmed": _ON_ITS_WAY,
    "dispatched_by_sender": _ON_ITS_WAY,
    "dispatched_by_sender_to_pok": _ON_ITS_WAY,
    "collected_from_sender": _ON_ITS_WAY,
    "taken_by_courier": _ON_ITS_WAY,
    "taken_by_courier_from_pok": _ON_ITS_WAY,
    "adopted_at_source_branch": _ON_ITS_WAY,
    "sent_from_source_branch": _ON_ITS_WAY,
    "adopted_at_sorting_center": _ON_ITS_WAY,
    "sent_from_sorting_center": _ON_ITS_WAY,
    "adopted_at_target_branch": _ON_ITS_WAY,
    "out_for_delivery": _ON_ITS_WAY,
    "delay_in_delivery": _ON_ITS_WAY,
    # At the point.
    "ready_to_pickup": _READY,
    "pickup_reminder_sent": _READY,
    "delivered": Meaning(S.COLLECTED),
    "pickup_time_expired": _EXPIRED,
    # Ended.
    "returned_to_sender": Meaning(S.RETURNED),
    "canceled": Meaning(S.CANCELLED),
    "missing": Meaning(S.LOST, attention=True),
    # Not the usual way. Where the parcel is then is not documented.
    "oversized": Meaning(reason=Rejection.DIMENSIONS_EXCEED, attention=True),
    "avizo": _ELSEWHERE,
    "claimed": _ELSEWHERE,
    "other": _ELSEWHERE,
    "readdressed": _ELSEWHERE,
    "redirect_to_box": _ELSEWHERE,
    "canceled_redirect_to_box": _ELSEWHERE,
    "rejected_by_receiver": _ELSEWHERE,
    "return_pickup_confirmation_to_sender": _ELSEWHERE,
    "out_for_delivery_to_address": _ELSEWHERE,
    "pickup_reminder_sent_address": _ELSEWHERE,
    "ready_to_pickup_from_branch": _ELSEWHERE,
    "ready_to_pickup_from_pok": _ELSEWHERE,
    "ready_to_pickup_from_pok_registered": _ELSEWHERE,
    "undelivered": _ELSEWHERE,
    "undelivered_wrong_address": _ELSEWHERE,
    "undelivered_incomplete_address": _ELSEWHERE,
    "undelivered_unknown_receiver": _ELSEWHERE,
    "undelivered_cod_cash_receiver": _ELSEWHERE,
    "undelivered_no_mailbox": _ELSEWHERE,
    "undelivered_not_live_address": _ELSEWHERE,
    "undelivered_lack_of_access_letterbox": _ELSEWHERE,
    # The parcel waits for a while in another locker or at a counter, up to 2 km away.
    "stack_in_box_machine": _ELSEWHERE,
    "stack_in_customer_service_point": _ELSEWHERE,
    "unstack_from_box_machine": _ELSEWHERE,
    "unstack_from_customer_service_point": _ELSEWHERE,
    "courier_avizo_in_customer_service_point": _ELSEWHERE,
    "taken_by_courier_from_customer_service_point": _ELSEWHERE,
    "stack_parcel_pickup_time_expired": _ELSEWHERE,
    "stack_parcel_in_box_machine_pickup_time_expired": _ELSEWHERE,
}
#: Statuses in which a shipment can be cancelled.
CANCELLABLE: Final = frozenset({"created", "offers_prepared", "offer_selected"})
CANCELLED: Final = "canceled"

#: The part of ``details`` that a refused shipment names -> our reason. The first one counts.
REASONS: Final[Mapping[str, Rejection]] = {
    "target_point": Rejection.SITE_UNKNOWN,
    "dimensions": Rejection.DIMENSIONS_EXCEED,
    "template": Rejection.DIMENSIONS_EXCEED,
    "weight": Rejection.WEIGHT_EXCEED,
}
#: Errors after which the same call may succeed.
TEMPORARY: Final = frozenset({"token_expired", "resource_locked"})
#: Errors of the account: no reservation succeeds until somebody corrects it.
ACCOUNT: Final = frozenset(
    {"unauthorized", "token_invalid", "forbidden", "access_forbidden", "debt_collection"}
)

#: Events of a call to us -> the status that they tell; None: the call says it.
EVENTS: Final[Mapping[str, str | None]] = {
    "shipment_confirmed": "confirmed",
    "shipment_status_changed": None,
    "offers_prepared": "offers_prepared",
}
