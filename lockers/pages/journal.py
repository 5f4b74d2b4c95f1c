"""The journal of a bank in words: each change, its cause, and who made it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core import formatting
from lockers.models import LockerChange
from lockers.pages import words
from tenants.people import selectors as people

_DEVICE = "ldv_"

WHAT = {
    "door": gettext_lazy("Door"),
    "bank": gettext_lazy("Bank"),
    "compartment": gettext_lazy("Compartment"),
    "connection": gettext_lazy("Connection"),
    "collect_by": gettext_lazy("Collect by"),
    "command": gettext_lazy("Command to open"),
    "codes": gettext_lazy("Codes"),
    "refund": gettext_lazy("Refund"),
    "courier_act": gettext_lazy("Courier"),
}
_CONNECTIONS = {
    "online": gettext_lazy("online"),
    "degraded": gettext_lazy("reports are missing"),
    "offline": gettext_lazy("offline"),
}
_RESERVATIONS: Mapping[str, Any] = words.RESERVATIONS
CAUSES = {
    "added": gettext_lazy("added by hand"),
    "api": gettext_lazy("by the API"),
    "blocked": gettext_lazy("taken out of use"),
    "unblocked": gettext_lazy("in use again"),
    "opened": gettext_lazy("opened"),
    "closed": gettext_lazy("closed"),
    "forced": gettext_lazy("opened without a code"),
    "left_open": gettext_lazy("left open"),
    "seen_empty": gettext_lazy("the cabinet saw it empty"),
    "seen_occupied": gettext_lazy("the cabinet saw something inside"),
    "sensor_faults": gettext_lazy("the sensor disagreed twice"),
    "parcel_gone": gettext_lazy("the parcel is no longer inside"),
    "reservation_unknown": gettext_lazy("a reservation that is not known"),
    "compartment_free": gettext_lazy("a compartment became free"),
    "compartment_in_use": gettext_lazy("the compartment is in use"),
    "by_hand": gettext_lazy("by hand"),
    "support": gettext_lazy("opened by support"),
    "rotated": gettext_lazy("new codes"),
    "delegated": gettext_lazy("another person collects"),
    "settled_inside": gettext_lazy("staff settled it: the parcel is inside"),
    "settled_take_out": gettext_lazy("staff settled it: a courier takes it out"),
    "settled_collected": gettext_lazy("staff settled it: the shopper has it"),
    "settled_lost": gettext_lazy("staff settled it: the parcel is lost"),
    "settled_not_ours": gettext_lazy("staff settled it: another parcel"),
    "complete": gettext_lazy("all parcels are there"),
    "confirmed": gettext_lazy("confirmed"),
    "deposited": gettext_lazy("deposited"),
    "dropped": gettext_lazy("dropped by a shopper"),
    "network": gettext_lazy("told by the network"),
    "deposit_after_end": gettext_lazy("deposited after its end"),
    "order_ended": gettext_lazy("the order had ended"),
    "order_cancelled": gettext_lazy("the order was cancelled"),
    "order_returned": gettext_lazy("the order was returned"),
    "order_delivered": gettext_lazy("the order was delivered"),
    "order_tried_again": gettext_lazy("the order is delivered again"),
    "shopper": gettext_lazy("given back by the shopper"),
    "superseded": gettext_lazy("the order got another promise"),
    "other_option": gettext_lazy("the shopper chose another option"),
    "two_boxes": gettext_lazy("reported in two compartments"),
    "two_parcels": gettext_lazy("two parcels in one compartment"),
    "edited": gettext_lazy("changed by hand"),
    "extended": gettext_lazy("more time to collect"),
    "heard": gettext_lazy("the cabinet reports again"),
    "heartbeats_missing": gettext_lazy("reports are missing"),
    "imported": gettext_lazy("imported"),
    "on_the_way": gettext_lazy("on its way"),
    "other_bank": gettext_lazy("moved to another bank"),
    "provisioned": gettext_lazy("a cabinet got its key"),
    "reserved": gettext_lazy("reserved"),
    "bank_refused": gettext_lazy("the bank takes no such parcels now"),
    "taken_out": gettext_lazy("taken out"),
    "courier_told": gettext_lazy("told by the courier"),
    "door_unknown": gettext_lazy("put in, compartment not known"),
    "only_courier_told": gettext_lazy("told by the courier only"),
    "courier_was_wrong": gettext_lazy("the cabinet saw another door than the courier"),
    "cabinet_saw": gettext_lazy("the cabinet saw it there"),
    "courier_misaligned": gettext_lazy("the courier: the door does not close or fit"),
    "courier_too_big": gettext_lazy("the courier: the parcel is too big"),
    "courier_broken": gettext_lazy("the courier: the door does not open"),
    "courier_occupied": gettext_lazy("the courier: something is inside already"),
    "time_over": gettext_lazy("the time is over"),
    "two_cabinets": gettext_lazy("two cabinets with one identity"),
}


_BOX_FIELDS = {
    "number": gettext_lazy("number"),
    "side": gettext_lazy("column"),
    "size_class": gettext_lazy("size class"),
    "width_mm": gettext_lazy("width"),
    "height_mm": gettext_lazy("height"),
    "depth_mm": gettext_lazy("depth"),
    "low": gettext_lazy("low door"),
    "cooled": gettext_lazy("cooled"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """A change as a line of the page."""

    change: LockerChange
    what: str
    before: str
    after: str
    cause: str
    by: str

    @property
    def is_late(self) -> bool:
        """True if we heard of it more than a minute after it happened."""
        return self.change.recorded_at - self.change.occurred_at > dt.timedelta(minutes=1)


def journal_lines(changes: Sequence[LockerChange]) -> list[JournalLine]:
    """Return the changes in words. Takes two statements, for the names of members and keys."""
    names = people.names_of({change.actor for change in changes})
    return [
        JournalLine(
            change=change,
            what=_what(change),
            before=_value(change, change.before),
            after=_value(change, change.after),
            cause=_cause(change),
            by=_actor(change.actor, names),
        )
        for change in changes
    ]


def _cause(change: LockerChange) -> str:
    known = words.REFUNDS if change.what == "refund" else CAUSES
    return str(known.get(change.cause, change.cause))


def _what(change: LockerChange) -> str:
    if change.what == "state":
        return _("Reservation") if change.reservation_id else _("Compartment")
    return str(WHAT.get(change.what, change.what))


def _value(change: LockerChange, value: str) -> str:
    """Return a stored value in words; a value without a word as it is."""
    if change.what == "door":
        return str(words.DOORS.get(value, value))
    if change.what == "connection":
        return str(_CONNECTIONS.get(value, value))
    if change.what == "bank" and value == "added":
        return _("Added")
    if change.what == "bank":
        return _fields(value, words.FIELDS)
    if change.what == "compartment" and not change.reservation_id:
        return _fields(value, _BOX_FIELDS)
    if change.what == "collect_by":
        return formatting.day_and_time(dt.datetime.fromisoformat(value)) if value else ""
    if change.what == "refund" and value:
        amount, _space, currency = value.partition(" ")
        return formatting.money(int(amount), currency)
    if change.what != "state":
        return value
    if change.reservation_id:
        return str(_RESERVATIONS.get(value, value))
    return str(words.BOXES[value][1]) if value in words.BOXES else _empty_or(value)


def _fields(value: str, known: Mapping[str, Any]) -> str:
    """Return the names of changed fields in words."""
    return ", ".join(str(known[name]) for name in value.split(", ") if name in known)


def _empty_or(value: str) -> str:
    return _("Empty") if value == "empty" else value


def _actor(actor: str, names: dict[str, str]) -> str:
    if actor == "system":
        return _("The system")
    if actor.startswith(_DEVICE):
        return _("The cabinet")
    return names.get(actor, actor)
