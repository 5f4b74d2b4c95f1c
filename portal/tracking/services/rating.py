"""Rates a delivery: 1 to 5 stars and a comment."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Direction, Order, Outcome
from dispatch.orders.services import lock_orders
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.events import record
from lastmile.core.formatting import number
from portal.tracking.errors import NotRateable
from portal.tracking.events import RATED, RatedFacts
from portal.tracking.models import LEAST_STARS, LONGEST_COMMENT, MOST_STARS, Rating

CHANGEABLE = dt.timedelta(days=7)


def is_rateable(order: Order) -> bool:
    """Return True if the order was delivered, or the goods of a return were picked up."""
    if order.direction != Direction.RETURN:
        return order.state == OrderState.DELIVERED
    picked_up = order.attempts.filter(outcome=Outcome.PICKED_UP).exists()
    return picked_up and order.state in {OrderState.LOADED, OrderState.RETURNED}


def is_changeable(rating: Rating | None) -> bool:
    """Return True if there is no rating yet, or its seven days have not passed."""
    return rating is None or clock.now() < rating.created_at + CHANGEABLE


@transaction.atomic
def rate_delivery(*, order: Order, stars: int, comment: str = "") -> Rating:
    """Rate a delivery, or change its rating. The same rating again changes nothing.

    Locks: the order. Records: delivery.rated. Raises: Invalid; NotRateable before the delivery, or
    seven days after the first rating.
    """
    comment = comment.strip()
    _check(stars, comment)
    (row,) = lock_orders([order.pk])
    if not is_rateable(row):
        raise NotRateable(
            _("You can rate a delivery as soon as you have your goods. Come back then.")
        )
    rating = Rating.objects.filter(order=row).first()
    if not is_changeable(rating):
        raise NotRateable(
            _("A rating can be changed for seven days, and these have passed. Contact the shop if "
              "something is wrong.")
        )  # fmt: skip
    if rating is not None and (rating.stars, rating.comment) == (stars, comment):
        return rating
    first = rating is None
    if rating is None:
        rating = Rating(order=row)
    rating.stars, rating.comment = stars, comment
    rating.save()
    facts = RatedFacts(rating=rating.public_id, stars=stars, first=first)
    record(RATED, facts, subject=row.public_id)
    return rating


def _check(stars: int, comment: str) -> None:
    problems = Problems()
    if not LEAST_STARS <= stars <= MOST_STARS:
        problems.add("/stars", _("Choose one to five stars."))
    if len(comment) > LONGEST_COMMENT or "\x00" in comment:
        problems.add(
            "/comment", _("Write at most %(most)s characters.") % {"most": number(LONGEST_COMMENT)}
        )
    problems.raise_if_any(_("Your rating was not saved. See below."))
