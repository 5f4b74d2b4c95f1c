"""Counts how many people an import would write to, and on which channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Min

from dispatch.intake.models import ImportBatch
from dispatch.orders.models import Order, Shopper
from dispatch.planning.models import Plan
from dispatch.planning.selectors.late import waits_for_dispatcher
from dispatch.slots.models import Slot
from dispatch.slots.states import SlotState
from lastmile.core import clock
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ContactKind
from notifications.catalogue.moments import BY_KEY
from notifications.selectors.ledger import channels_on
from notifications.selectors.moments import moment_in_use

#: What happens to orders of a file -> the moment that tells it.
MOMENTS: Final[Mapping[str, str]] = {
    "new_window": "promise_confirmed",
    "changed_window": "promise_superseded",
    "without_window": "choose_invitation",
}
#: The contacts of a shopper, as an import counts them -> the kinds of contacts.
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "phone": frozenset({ContactKind.PHONE}),
    "email": frozenset({ContactKind.EMAIL}),
    "both": frozenset({ContactKind.PHONE, ContactKind.EMAIL}),
    "neither": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldTell:
    """The people that an import writes to at most, by channel and by moment.

    ``unreachable`` people have no contact for a channel that is on. ``history`` orders are over.
    ``silent`` are moments that are switched off.
    """

    people: int = 0
    messages: int = 0
    by_channel: Mapping[str, int] = field(default_factory=dict)
    by_moment: Mapping[str, int] = field(default_factory=dict)
    unreachable: int = 0
    history: int = 0
    silent: tuple[str, ...] = ()


def would_tell(batch: ImportBatch) -> WouldTell:
    """Return whom an import writes to: at most, because opt-outs and caps are asked at the send."""
    on = frozenset(channels_on())
    chains = {what: _chain(moment, on) for what, moment in MOMENTS.items()}
    return count_people(batch.to_tell, chains)


def would_confirm(plan: Plan) -> WouldTell:
    """Return whom the publication of a draft writes to: those who only have a requested window.

    Other shoppers of a plan are told by moments of their own, such as the one of its departure.
    """
    counts: dict[str, dict[str, int]] = {}
    first = Plan.objects.filter(hub=plan.hub, service_date=plan.service_date)
    since = first.aggregate(at=Min("published_at"))["at"]
    if since is not None:
        rows = Order.objects.filter(stops__plan=plan, promise__made_at__gte=since)
        for order in rows.select_related("shopper", "promise", "hub", "place"):
            if waits_for_dispatcher(order):
                one = counts.setdefault(_contacts(order.shopper), {"orders": 0, "people": 0})
                one["orders"] += 1
                one["people"] += 1
    on = frozenset(channels_on())
    chains = {what: _chain(moment, on) for what, moment in MOMENTS.items()}
    return count_people({"new_window": counts}, chains)


def _contacts(shopper: Shopper) -> str:
    """Return the contacts of a shopper, as an import counts them."""
    if shopper.phone and shopper.email:
        return "both"
    return "phone" if shopper.phone else "email" if shopper.email else "neither"


def _chain(moment: str, on: frozenset[str]) -> list[str] | None:
    """Return the channels of a moment that are on; None if the moment is not told at all."""
    used = moment_in_use(BY_KEY[moment])
    if used is None or (moment == "choose_invitation" and not _has_slots()):
        return None
    return [channel for channel in used.channels if channel in on]


def _has_slots() -> bool:
    """Return True if there is any slot to choose."""
    slots = Slot.objects.filter(state=SlotState.OPEN, book_until_at__gt=clock.now())
    return slots.exists()


def count_people(
    counts: Mapping[str, Any], chains: Mapping[str, Sequence[str] | None]
) -> WouldTell:
    """Return the people by channel, from the counts of an import and the channels of its moments.

    Each person is written to on the first channel of the moment for which there is a contact.
    """
    channels: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    people = unreachable = 0
    silent = []
    for what, moment in MOMENTS.items():
        concerned, chain = counts.get(what, {}), chains[what]
        if concerned and chain is None:
            silent.append(moment)
            continue
        for contacts, number in concerned.items():
            channel = _first(chain or (), _KINDS[contacts])
            if channel is None:
                unreachable += number["people"]
                continue
            people += number["people"]
            channels[channel] += number["people"]
            moments[moment] += number["orders"]
    return WouldTell(
        people=people,
        messages=sum(moments.values()),
        by_channel=dict(channels.most_common()),
        by_moment=dict(moments.most_common()),
        unreachable=unreachable,
        history=counts.get("history", 0),
        silent=tuple(silent),
    )


def _first(chain: Sequence[str], kinds: frozenset[str]) -> str | None:
    """Return the first channel of a chain that writes to one of the kinds of contacts."""
    return next((channel for channel in chain if CONTACT_OF_CHANNEL[channel] in kinds), None)
