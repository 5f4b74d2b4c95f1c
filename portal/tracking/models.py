"""The tables of the delivery page: ratings, and arrivals of shoppers at a curbside."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.orders.models import Order, Promise
from lastmile.core.bases import PublicIdField, Timestamped

LEAST_STARS, MOST_STARS = 1, 5
LONGEST_COMMENT = 1_000
LONGEST_CAR = 80
LONGEST_BAY = 20


class Rating(Timestamped):
    """The rating of a delivery by its shopper: 1 to 5 stars and a comment. One for each order.

    ``created_at`` is when it was first given; the shopper can change it for seven days.
    """

    public_id = PublicIdField("rat")
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="rating")
    stars = models.PositiveSmallIntegerField()
    comment = models.TextField(default="", blank=True)

    class Meta:
        ordering = ("-created_at", "-public_id")
        constraints = (
            models.CheckConstraint(
                name="rating_stars", condition=Q(stars__gte=LEAST_STARS, stars__lte=MOST_STARS)
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class CurbsideArrival(Timestamped):
    """A shopper's arrival at a curbside: on the way, then here, with bay and car.

    ``promise`` is the promise that the shopper comes for. Another promise needs a new arrival, so
    the row is cleared then. ``minutes`` is the shopper's own estimate.
    """

    public_id = PublicIdField("arv")
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="arrival")
    promise = models.ForeignKey(Promise, on_delete=models.PROTECT, related_name="+")
    on_the_way_at = models.DateTimeField(null=True)
    minutes = models.PositiveSmallIntegerField(null=True)
    here_at = models.DateTimeField(null=True)
    bay = models.CharField(max_length=LONGEST_BAY, default="", blank=True)
    car = models.CharField(max_length=LONGEST_CAR, default="", blank=True)

    class Meta:
        ordering = ("-created_at", "-public_id")
        constraints = (
            models.CheckConstraint(
                name="arrival_said_something",
                condition=Q(on_the_way_at__isnull=False) | Q(here_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.public_id
