"""Finds the values of a message's variables: from its order as it is now, and from its event.

Language and zone are those of the message, so they come from the order and never from the person
or the machine that caused the message. Each value is found only if a template uses it.

Text values come from outside and are cleaned (``wording.safe``), but not escaped. The links and the
code are not here: their marks are, and the sender puts them in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from django.db.models import Min
from django.urls import reverse

from dispatch.fleet.models import Hub
from dispatch.live.selectors.ranges import live_ranges
from dispatch.orders.models import Direction, Option, Order
from dispatch.orders.wording import clock_words, failure_reason, handover_line
from dispatch.planning.arrival import ArrivalRange
from dispatch.planning.selectors.arrival import planned_arrivals
from dispatch.planning.selectors.late import waits_for_dispatcher
from lastmile.core import clock, formatting
from lastmile.core.tenancy import current_retailer
from lockers.models import LockerReservation
from lockers.states import ReservationState
from notifications.catalogue.kinds import ChannelKey, Moment, Variable
from notifications.catalogue.moments import FOR_MEMBERS
from notifications.models import Contact
from notifications.rendering.rendered import CODE_MARK, LINK_MARK, OPT_OUT_MARK
from notifications.wording import safe
from notifications.wording.folding import plain_typography
from tenants.links import absolute

Value = str | int
#: The sign of a value that is empty, until the spaces around it are tidied.
EMPTY: Final = "\ue000"
CHANNEL_NAMES: Final[Mapping[str, str]] = {
    ChannelKey.SMS: "SMS",
    ChannelKey.WHATSAPP: "WhatsApp",
    ChannelKey.EMAIL: "E-mail",
    ChannelKey.PUSH: "Web push",
}
_BY_SHOPPER: Final = frozenset({"shopper", "choice"})


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The subject of a message: its moment, order, language, zone and the values of its event.

    The language and the zone must be active while values are found (``render.reading_as``).
    ``arrivals`` has the arrivals that were read ahead (``arrivals_of``).
    """

    moment: Moment
    channel: str
    language: str
    zone: str
    order: Order | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    contact: Contact | None = None
    is_one_way: bool = False  # the sender of the channel cannot receive replies
    arrivals: Mapping[int, ArrivalRange | None] = field(default_factory=dict)

    @cached_property
    def arrival(self) -> ArrivalRange | None:
        """The expected or planned arrival, if it is ahead and no dispatcher has to confirm it."""
        order = _order(self)
        if waits_for_dispatcher(order):
            return None
        known = self.arrivals if order.pk in self.arrivals else arrivals_of([order])
        arrival = known[order.pk]
        return arrival if arrival is not None and arrival.high_at > clock.now() else None


def arrivals_of(orders: Sequence[Order]) -> dict[int, ArrivalRange | None]:
    """Return the arrival at each order, by its primary key: expected on the way, else planned."""
    on_the_way = live_ranges(orders)
    planned = planned_arrivals([order for order in orders if order.pk not in on_the_way])
    return on_the_way | {pk: arrival for pk, (arrival, _is_replanned) in planned.items()}


def values_for(scene: Scene, names: Iterable[str]) -> dict[str, Value]:
    """Return the values of variables. An empty text is the sign ``EMPTY``.

    Raises
    ------
    KeyError
        A name is not a variable of the moment; templates are checked for that when they are saved.
    """
    return {name: _value(scene, name, scene.moment.variables[name]) for name in names}


def _value(scene: Scene, name: str, variable: Variable) -> Value:
    if isinstance(variable.example, int):
        return _number(scene, name, variable.example)
    value = str(_FINDERS[name](scene))
    if variable.choices:
        return value if value in variable.choices else variable.choices[0]
    if name in _MARKS:
        return value
    longest = len(str(variable.longest))
    text = value if name == "first_name" else safe.line(value, longest)
    if scene.channel == ChannelKey.SMS and name in _FORMATTED:
        text = plain_typography(text)
    elif scene.channel == ChannelKey.SMS and text != value and text.endswith("…"):
        text = f"{text[:-1]}..."
    return text or EMPTY


def _number(scene: Scene, name: str, default: int) -> int:
    value = scene.values.get(name)
    if name == "minutes" and value is None:
        return default
    return int(value or 0)


def _order(scene: Scene) -> Order:
    if scene.order is None:
        raise LookupError(f"The moment {scene.moment.key} needs an order.")
    return scene.order


def _shop(scene: Scene) -> str:
    retailer = current_retailer()
    return retailer.name if scene.moment.group in FOR_MEMBERS else retailer.shop_name


def _first_name(scene: Scene) -> str:
    return safe.name(_order(scene).shopper.name, 30)


def _order_number(scene: Scene) -> str:
    return _order(scene).external_id or ""


def _day(scene: Scene) -> str:
    stored = scene.values.get("day")
    if stored:
        return formatting.named_day(dt.date.fromisoformat(str(stored)))
    order = _order(scene)
    if order.promise is not None and not _is_over(order):
        date = clock.local_date(order.promise.opens_at, scene.zone)
        return formatting.named_day(date)
    return formatting.named_day(order.service_date) if order.service_date else ""


def _is_over(order: Order) -> bool:
    """Return True if the promised window is past, as after a failed attempt."""
    return order.promise is not None and order.promise.closes_at <= clock.now()


def _window_from(scene: Scene) -> str:
    promise = _order(scene).promise
    return clock_words(promise.opens_at) if promise is not None else ""


def _window_to(scene: Scene) -> str:
    promise = _order(scene).promise
    return clock_words(promise.closes_at) if promise is not None else ""


def _planned_from(scene: Scene) -> str:
    return clock_words(scene.arrival.low_at) if scene.arrival is not None else ""


def _planned_to(scene: Scene) -> str:
    return clock_words(scene.arrival.high_at) if scene.arrival is not None else ""


def _times(scene: Scene) -> str:
    order = _order(scene)
    if "planned_from" in scene.moment.variables and scene.arrival is not None:
        return "planned"
    return "window" if order.promise is not None and not _is_over(order) else "none"


def _way(scene: Scene) -> str:
    order = _order(scene)
    if order.direction == Direction.RETURN:
        return "return"
    if order.promise is None or order.promise.to_door:
        return "delivery"
    return "locker" if order.promise.option == Option.LOCKER else "collect"


def _collect_by(scene: Scene) -> str:
    """Return until when the parcels of an order wait in their lockers."""
    states = [ReservationState.READY, ReservationState.COLLECT_EXPIRED]
    rows = LockerReservation.objects.filter(order=_order(scene), state__in=states)
    until = rows.aggregate(until=Min("collect_by"))["until"]
    return formatting.day_and_time(until)


def _reason(scene: Scene) -> str:
    attempt = _order(scene).attempts.order_by("-number").first()
    return failure_reason(str(attempt.reason) if attempt else "")


def _price(scene: Scene) -> str:
    promise = _order(scene).promise
    if promise is None or promise.price_minor is None:
        return ""
    return formatting.money(promise.price_minor, promise.currency)


def _page(scene: Scene) -> str:
    """Return the address of the console's page that a message to staff is about."""
    values = scene.values
    key = scene.moment.key
    if key == "import_ended":
        return absolute(reverse("imports:import", args=[values["import"]]))
    if key == "nothing_planned":
        date = dt.date.fromisoformat(str(values["day"]))
        return absolute(reverse("console:board-day", args=[values["hub"], date]))
    return absolute(reverse("home:start"))


def _hub(scene: Scene) -> str:
    hub = Hub.objects.filter(public_id=str(scene.values.get("hub"))).first()
    return hub.name if hub is not None else ""


_FINDERS: Final[Mapping[str, Callable[[Scene], object]]] = {
    "shop": _shop,
    "first_name": _first_name,
    "number": _order_number,
    "link": lambda scene: LINK_MARK,
    "opt_out_link": lambda scene: OPT_OUT_MARK,
    "code": lambda scene: CODE_MARK,
    "day": _day,
    "window_from": _window_from,
    "window_to": _window_to,
    "planned_from": _planned_from,
    "planned_to": _planned_to,
    "collect_by": _collect_by,
    "place": lambda scene: handover_line(_order(scene)),
    "times": _times,
    "way": _way,
    "status": lambda scene: "requested" if waits_for_dispatcher(_order(scene)) else "promised",
    "reason": _reason,
    "price": _price,
    "cause": lambda scene: "shopper" if str(scene.values.get("cause")) in _BY_SHOPPER else "shop",
    "page": _page,
    "hub": _hub,
    "channel": lambda scene: CHANNEL_NAMES.get(str(scene.values.get("channel")), ""),
    "scope": lambda scene: scene.values.get("scope", ""),
    "result": lambda scene: scene.values.get("result", ""),
}
#: Variables whose value is a mark or a link, which must stay exactly as it is.
_MARKS: Final = frozenset({"link", "code", "opt_out_link", "page"})
#: Variables that we format: their typography may be plain, because it means the same.
_FORMATTED: Final = frozenset(
    {
        *("day", "window_from", "window_to", "planned_from", "planned_to", "collect_by"),
        *("price", "reason"),
    }
)
