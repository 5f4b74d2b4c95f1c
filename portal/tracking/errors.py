"""The errors of the delivery page."""

from __future__ import annotations

from lastmile.core.errors import Conflict


class NotRateable(Conflict):
    """The delivery cannot be rated: it has not been made, or its rating is final."""

    code = "not_rateable"


class NoCurbsidePickup(Conflict):
    """The order is not ready for a pickup at the curbside: option, state or time do not fit."""

    code = "no_curbside_pickup"
