"""Texts of the board: changes since a plan was made, travel times, edits by others, days."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from dispatch.planning.models import Plan
from dispatch.planning.selectors.changes import ChangeCounts


def change_texts(counts: ChangeCounts) -> list[str]:
    """Return a short phrase for each kind of change since a plan was made."""
    phrases = (
        (counts.came, ngettext_lazy("%(n)d new order", "%(n)d new orders", "n")),
        (
            counts.gone,
            ngettext_lazy(
                "%(n)d order cancelled or moved to another day or hub",
                "%(n)d orders cancelled or moved to another day or hub",
                "n",
            ),
        ),
        (
            counts.promised,
            ngettext_lazy(
                "%(n)d order with another time window or place",
                "%(n)d orders with another time window or place",
                "n",
            ),
        ),
        (
            counts.shifts_gone,
            ngettext_lazy("%(n)d shift cancelled", "%(n)d shifts cancelled", "n"),
        ),
    )
    return [phrase % {"n": count} for count, phrase in phrases if count]


def travel_note(plan: Plan) -> str:
    """Return a warning about estimated travel times; empty if all times follow the streets."""
    if plan.travel_source == "roads":
        if plan.travel_note == "some_uncovered":
            return _(
                "Some places are outside the loaded street network. Their times are estimated "
                "from straight lines."
            )
        if plan.travel_note == "engine_failed":
            return _(
                "The routing service did not answer, so times and distances are those of the "
                "embedded street network. Plan again when the service runs."
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


def act_text(act: str) -> str:
    """Return the text of a change of a plan, to follow the name of the person who made it."""
    return {
        "move": _("moved an order"),
        "take_off": _("removed an order from its route"),
        "sequence": _("changed the sequence of a route"),
        "undo": _("undid an edit"),
        "published": _("published this plan"),
        "discarded": _("discarded this plan"),
    }.get(act, _("changed this plan"))


def relative_day(date: dt.date, today: dt.date) -> str:
    """Return the word for today, tomorrow or yesterday; empty for any other date."""
    return {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}.get((date - today).days, "")
