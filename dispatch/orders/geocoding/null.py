"""A null geocoder for tests and trials: it returns fixed answers and keeps the questions."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.orders.geocoding.base import Answer, SearchArea
from dispatch.roads.addresses import AddressParts


class NullGeocoder:
    """A geocoder with the same answers for every address; ``told`` lists the questions."""

    def __init__(self, answers: Sequence[Answer] = ()) -> None:
        self.answers = list(answers)
        self.told: list[AddressParts] = []

    def find(
        self, address: AddressParts, area: SearchArea, *, similar: bool = False
    ) -> list[Answer]:
        """Keep the question and return the fixed answers."""
        self.told.append(address)
        return list(self.answers)
