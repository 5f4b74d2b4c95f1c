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
from dispatch.live.states import URGENT, IncidentKind
from dispatch.live.words import ACTS, FLAGS, PROOFS, REASONS
from lastmile.core import formatting

Words = str | Lazy
K = IncidentKind

ORDER, BOARD, PHONES = "order", "board", "phones"  # pages where the next step is done


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
LINKS: Final[Mapping[str, Words]] = {
    ORDER: _("Open order"),
    BOARD: _("Open the board"),
    PHONES: _("Phones of the driver"),
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
    elif incident.kind == K.ORDER_NOT_ON_ROUTE and failed:
        to_do = _FAILED_OFF_ROUTE
    return ShownText(
        title=str(text.title),
        what=str(what) % _values(incident),
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
        "details": ", ".join(_details(params)) or gettext("not known"),
        "cause": _CAUSES.get(str(params.get("code", "")), gettext("It was not complete.")),
    }


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
