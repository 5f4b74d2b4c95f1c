"""The board in words: what changed, how a plan was timed, what somebody did, which day it is."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from dispatch.planning.models import Plan
from dispatch.planning.selectors.changes import ChangeCounts


def news_said(found: ChangeCounts) -> list[str]:
    """Return what changed since a plan was made, a short phrase each; empty when nothing did."""
    said = (
        (found.came, ngettext_lazy("%(n)d new order", "%(n)d new orders", "n")),
        (
            found.gone,
            ngettext_lazy(
                "%(n)d order cancelled or moved to another day or hub",
                "%(n)d orders cancelled or moved to another day or hub",
                "n",
            ),
        ),
        (
            found.promised,
            ngettext_lazy(
                "%(n)d order with another time window or place",
                "%(n)d orders with another time window or place",
                "n",
            ),
        ),
        (
            found.shifts_gone,
            ngettext_lazy("%(n)d shift cancelled", "%(n)d shifts cancelled", "n"),
        ),
    )
    return [phrase % {"n": count} for count, phrase in said if count]


def travel_note(plan: Plan) -> str:
    """Return what a person must know of the ways and times; empty when all go over streets."""
    if plan.travel_source == "roads":
        if plan.travel_note == "some_uncovered":
            return _(
                "Some places are outside the loaded street network. Their times are estimated "
                "from straight lines."
            )
        return ""
    return {
        "no_network": _(
            "No street network is chosen for this hub, so times and distances are estimated from "
            "straight lines. Choose a network on the hub's page, then plan again."
        ),
        "unknown_network": _(
            "The hub's street network is not loaded on this server, so times and distances are "
            "estimated from straight lines. Ask the operator to build it."
        ),
    }.get(
        plan.travel_note,
        _(
            "The loaded street network does not cover these places, so times and distances are "
            "estimated from straight lines."
        ),
    )


def said_of_change(act: str) -> str:
    """Return what somebody did to a plan, as the rest of a sentence that begins with a name."""
    return {
        "move": _("moved an order"),
        "take_off": _("removed an order from its route"),
        "sequence": _("changed the sequence of a route"),
        "undo": _("undid an edit"),
        "published": _("published this plan"),
        "discarded": _("discarded this plan"),
    }.get(act, _("changed this plan"))


def date_said(date: dt.date, today: dt.date) -> str:
    """Return today, tomorrow, yesterday or nothing."""
    return {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}.get((date - today).days, "")
