"""Texts of incidents: what happened, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.live.models import Incident
from dispatch.live.states import FORESEEN, URGENT, IncidentKind, Over
from dispatch.live.words import ACTS, FLAGS, PROOFS, REASONS
from lastmile.core import formatting
from lastmile.core.actor import SYSTEM

Words = str | Lazy
K = IncidentKind

# Pages where the next step is done.
ORDER, BOARD, PHONES, LOCKERS = "order", "board", "phones", "lockers"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentText:
    """The texts of a kind of incident.

    ``what`` is a sentence with ``%(…)s`` for driver, order, vehicle, outcome, act, cause and
    details.
    ``where`` names the page on which the next step is done.
    """

    title: Words
    what: Words
    to_do: Words
    where: str
    icon: str = "triangle-alert"


TEXTS: Final[Mapping[IncidentKind, IncidentText]] = {
    K.PARCEL_MISSING: IncidentText(
        title=_("Parcel missing"),
        what=_("A parcel of order %(order)s was not there when %(driver)s loaded %(vehicle)s."),
        to_do=_("Look for it at the hub. If it is not there, promise the shopper another time."),
        where=ORDER,
        icon="package-x",
    ),
    K.VEHICLE_DEFECT: IncidentText(
        title=_("Vehicle defect"),
        what=_("%(driver)s found a defect on %(vehicle)s."),
        to_do=_("Decide whether it may leave. If not, give its stops to other vehicles."),
        where=BOARD,
        icon="wrench",
    ),
    K.PREDICTED_LATE: IncidentText(
        title=_("Will be late"),
        what=_("%(driver)s is expected at order %(order)s at %(expected)s, %(minutes)s too late."),
        to_do=_("Give the stop to another vehicle, or tell the shopper the new time."),
        where=BOARD,
        icon="clock-alert",
    ),
    K.LONG_DWELL: IncidentText(
        title=_("Long stay at a stop"),
        what=_("%(driver)s has been at a stop for %(minutes)s. %(planned)s were planned."),
        to_do=_("Call the driver and ask what is wrong."),
        where=BOARD,
        icon="timer",
    ),
    K.SIGNAL_LOST: IncidentText(
        title=_("No signal"),
        what=_("Nothing has come from %(vehicle)s since %(sign)s, for %(minutes)s."),
        to_do=_("Call the driver and ask where the vehicle is."),
        where=BOARD,
        icon="map-pin-off",
    ),
    K.SHIFT_NOT_STARTED: IncidentText(
        title=_("Shift not started"),
        what=_("%(driver)s has not started. %(vehicle)s should have left at %(starts)s."),
        to_do=_("Call the driver. If nobody can drive, give the stops to other vehicles."),
        where=BOARD,
        icon="user-round",
    ),
    K.DELIVERED_AFTER_CANCEL: IncidentText(
        title=_("Delivered after cancellation"),
        what=_("%(driver)s handed over order %(order)s, which was cancelled before."),
        to_do=_("Ask the shopper to pay for the goods or to send them back."),
        where=ORDER,
    ),
    K.DONE_BY_OTHER_VEHICLE: IncidentText(
        title=_("Done by another vehicle"),
        what=_("%(driver)s reported “%(outcome)s” for order %(order)s, which is on another route."),
        to_do=_("Tell the driver of the other route that this stop is done."),
        where=ORDER,
        icon="truck",
    ),
    K.ORDER_NOT_ON_ROUTE: IncidentText(
        title=_("Not on the route"),
        what=_("%(driver)s reported “%(outcome)s” for order %(order)s, which is on no route."),
        to_do=_("Ask the driver whether the right goods went to the right door."),
        where=ORDER,
        icon="route",
    ),
    K.CORRECTED_TOO_LATE: IncidentText(
        title=_("Corrected too late"),
        what=_(
            "%(driver)s changed the outcome of order %(order)s to “%(outcome)s”, after the time "
            "for corrections."
        ),
        to_do=_("The first outcome still counts. Ask the driver which one is right."),
        where=ORDER,
        icon="history",
    ),
    K.PROOF_MISSING: IncidentText(
        title=_("Proof missing"),
        what=_("%(driver)s ended order %(order)s without a proof that it needs: %(details)s."),
        to_do=_("Ask the driver who took the goods and where, and settle it with the answer."),
        where=ORDER,
        icon="file-x",
    ),
    K.PROOF_DOUBTFUL: IncidentText(
        title=_("Proof in doubt"),
        what=_("The proof of order %(order)s from %(driver)s is in doubt: %(details)s."),
        to_do=_("Look at the proof. If it is wrong, ask the driver and then the shopper."),
        where=ORDER,
        icon="eye",
    ),
    K.NO_OTHER_OPTION: IncidentText(
        title=_("No other option"),
        what=_(
            "The visit of %(driver)s to order %(order)s failed, and nothing else can be offered "
            "to its shopper. The order is returned to the hub."
        ),
        to_do=_("Agree with the shopper what to do with the goods, or open more slots."),
        where=ORDER,
        icon="undo-2",
    ),
    K.LOCKER_DISPUTE: IncidentText(
        title=_("Locker: report does not match"),
        what=_(
            "The cabinet of %(bank)s reported a parcel that does not match its reservation, in "
            "compartment %(box)s."
        ),
        to_do=_("Find out where the parcel is, and settle the dispute on the page of the locker."),
        where=LOCKERS,
    ),
    K.LOCKER_FORCED: IncidentText(
        title=_("Locker: door forced"),
        what=_("Door %(box)s of %(bank)s opened without a code and without a command."),
        to_do=_("Send somebody to look at the door. The compartment gets no parcel until then."),
        where=LOCKERS,
    ),
    K.LOCKER_OFFLINE: IncidentText(
        title=_("Locker: no connection"),
        what=_("The cabinet of %(bank)s has not reported for more than ten minutes."),
        to_do=_("Check its power and its network. Parcels inside can still be collected."),
        where=LOCKERS,
    ),
    K.LOCKER_TWO_CABINETS: IncidentText(
        title=_("Locker: two cabinets, one identity"),
        what=_("Two cabinets sent different messages with the identity of %(bank)s."),
        to_do=_("Find out which one is yours, and provision it with a new token."),
        where=LOCKERS,
    ),
    K.LOCKER_REFUSED: IncidentText(
        title=_("Locker: refused by its network"),
        what=_("The network of %(bank)s does not take the parcel of order %(order)s."),
        to_do=_("Agree with the shopper on another place. Until then the order is not planned."),
        where=ORDER,
        icon="package-x",
    ),
    K.LOCKER_LEFT: IncidentText(
        title=_("Locker: no longer possible"),
        what=_(
            "Order %(order)s is for %(bank)s, which has closed, changed its hours or left its "
            "network."
        ),
        to_do=_("Move it to another locker on the page of its reservation, and tell the shopper."),
        where=ORDER,
    ),
    K.ACT_REFUSED: IncidentText(
        title=_("Refused from a phone"),
        what=_("The phone of %(driver)s sent “%(act)s”, which could not be used. %(cause)s"),
        to_do=_("Call the driver and ask what happened. Then correct the order here."),
        where=PHONES,
        icon="phone",
    ),
    K.ACT_FAILED: IncidentText(
        title=_("Kept without effect"),
        what=_("%(driver)s sent “%(act)s” for %(order)s. It is kept, but an error stopped it."),
        to_do=_("Correct the order by hand, and tell your support."),
        where=ORDER,
        icon="circle-x",
    ),
}
#: A visit that failed, and goods that were only loaded, need another next step.
_FAILED_ELSEWHERE = _("The stop stays on the other route. Ask where the goods are now.")
_FAILED_OFF_ROUTE = _("The order is as before. Ask where the goods are, then plan it again.")
_LOADED_WHAT = _("%(driver)s loaded order %(order)s, which is not on the route of %(vehicle)s.")
_LOADED_TO_DO = _("Have it taken off the vehicle, or add it to the route and publish the plan.")
_CAUSES: Final[Mapping[str, Words]] = {
    "too_old": _("It is older than 14 days."),
    "order_unknown": _("It names an order that does not exist here."),
    "outcome_wrong": _("A return is picked up; every other order is delivered."),
    "reason_unknown": _("The reason is missing or not known."),
    "kind_unknown": _("The app is newer than the server."),
    "time_missing": _("Its time is missing."),
}
_LEFT_WITH_DEFECT: Final = _(
    "%(driver)s left the hub with %(vehicle)s, although the check had found a defect."
)
_LEFT_TO_DO: Final = _("Call the driver. If it is not safe, give the stops to other vehicles.")
_NO_DOOR: Final = _(
    "%(driver)s left a parcel of order %(order)s at the hub, because its locker has no door for it."
)
_NO_DOOR_TO_DO: Final = _("Move it to another locker, or promise the shopper another time.")
#: What follows from a foreseen incident, by the end of the promise that breaks first.
_IT_FOLLOWS: Final = _(
    "If this goes on, order %(order)s misses its window, which ends at %(ends)s."
)
#: Why an incident was settled without a person.
OVER: Final[Mapping[str, Words]] = {
    Over.IN_TIME: _("It is expected in time again."),
    Over.VISITED: _("The stop is done, or no longer on the route."),
    Over.GONE_ON: _("The stay at the stop is over."),
    Over.SEEN: _("The vehicle was seen again."),
    Over.STARTED: _("The shift has started."),
    Over.PROOF_GIVEN: _("The driver gave the proof later."),
    Over.PARCEL_OUT: _("The cabinet reported that the parcel was taken out."),
    Over.ENDED: _("The shift is over, or its route was changed."),
}
LINKS: Final[Mapping[str, Words]] = {
    ORDER: _("Open order"),
    BOARD: _("Open the board"),
    PHONES: _("Phones of the driver"),
    LOCKERS: _("Open the page of the locker"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownText:
    """An incident in words."""

    title: str
    what: str
    to_do: str
    where: str
    icon: str
    tone: str


def due_text(incident: Incident, now: dt.datetime) -> str:
    """Return how far away the time is at which an incident matters: "in 29 min", or "… ago"."""
    if incident.due_at is None:
        return ""
    seconds = (incident.due_at - now).total_seconds()
    minutes = formatting.duration(max(60, round(abs(seconds) / 60) * 60))
    text = gettext("in %(time)s") if seconds > 0 else gettext("%(time)s ago")
    return text % {"time": minutes}


def title_of(kind: str) -> str:
    """Return the title of a kind of incident."""
    text = TEXTS.get(IncidentKind(kind)) if kind in set(IncidentKind) else None
    return str((text or _unknown(kind)).title)


def text_of(incident: Incident) -> ShownText:
    """Return what happened in an incident and what to do next, in the reader's language."""
    text = TEXTS.get(IncidentKind(incident.kind)) if incident.kind in set(IncidentKind) else None
    text = text or _unknown(incident.kind)
    what, to_do, where = text.what, text.to_do, text.where
    params = incident.params
    failed, loaded = params.get("outcome") == "failed", params.get("act") == "loaded"
    if incident.kind == K.DONE_BY_OTHER_VEHICLE and failed:
        to_do = _FAILED_ELSEWHERE
    elif incident.kind == K.ORDER_NOT_ON_ROUTE and loaded:
        what, to_do, where = _LOADED_WHAT, _LOADED_TO_DO, BOARD
    elif incident.kind == K.VEHICLE_DEFECT and params.get("left"):
        what, to_do = _LEFT_WITH_DEFECT, _LEFT_TO_DO
    elif incident.kind == K.PARCEL_MISSING and params.get("missing") == "no_door":
        what, to_do = _NO_DOOR, _NO_DOOR_TO_DO
    elif incident.kind == K.ORDER_NOT_ON_ROUTE and failed:
        to_do = _FAILED_OFF_ROUTE
    values = _values(incident)
    sentences = [str(what) % values]
    if incident.kind in FORESEEN and incident.order and "closes_at" in params:
        sentences.append(str(_IT_FOLLOWS) % values)
    return ShownText(
        title=str(text.title),
        what=" ".join(sentences),
        to_do=str(to_do),
        where=where,
        icon=text.icon,
        tone="late" if incident.kind in URGENT else "risk",
    )


def _unknown(kind: str) -> IncidentText:
    """Return the texts of a kind that has none of its own: its name, and the order to look at."""
    return IncidentText(
        title=kind.replace("_", " ").capitalize(),
        what=_("%(driver)s, order %(order)s"),
        to_do=_("Look at the order and decide what to do."),
        where=ORDER,
    )


def _values(incident: Incident) -> dict[str, object]:
    params, order = incident.params, incident.order
    act, outcome = str(params.get("act", "")), str(params.get("outcome", ""))
    happened = ACTS.get(outcome) or ACTS.get(act) or outcome or act
    reason = REASONS.get(str(params.get("reason", "")))
    return {
        "driver": incident.driver.name if incident.driver else gettext("A driver"),
        "order": (order.external_id or order.public_id) if order else gettext("no order"),
        "vehicle": incident.shift.vehicle.name if incident.shift else gettext("the vehicle"),
        "outcome": f"{happened}: {reason}" if reason else happened,
        "act": ACTS.get(act) or act or gettext("something"),
        "minutes": formatting.duration(60 * max(1, _whole(params.get("minutes")))),
        "planned": formatting.duration(60 * max(1, _whole(params.get("planned_minutes")))),
        "expected": _time(params.get("expected_at")),
        "sign": _time(params.get("sign_at")),
        "starts": _time(params.get("starts_at")),
        "ends": _time(params.get("closes_at")),
        "bank": str(params.get("bank_name") or params.get("bank", "")),
        "box": str(params.get("box", "")),
        "details": ", ".join(_details(params)) or gettext("not known"),
        "cause": _CAUSES.get(str(params.get("code", "")), gettext("It was not complete.")),
    }


def settled_text(incident: Incident) -> str:
    """Return how an incident was settled: the words of staff, or why the system settled it."""
    if incident.settled_by == SYSTEM and incident.settled_how in OVER:
        return str(OVER[incident.settled_how])
    return incident.settled_how


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _time(value: object) -> str:
    """Return a stored instant as a time in the active time zone; "" without one."""
    return formatting.time(dt.datetime.fromisoformat(value)) if isinstance(value, str) else ""


def _details(params: Mapping[str, object]) -> list[str]:
    """Return the words for the proofs that are missing, and for the doubts about a proof."""
    tables: tuple[tuple[str, Mapping[str, Words]], ...] = (("missing", PROOFS), ("flags", FLAGS))
    return [
        str(words.get(str(code), code))
        for name, words in tables
        for code in _listed(params.get(name))
    ]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
