"""Reads the custody of parcels: each step from the hub to the door, and how it is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from dispatch.fleet.models import Hub
from dispatch.live import words
from dispatch.live.models import CustodyStep
from dispatch.live.states import CustodyProof
from dispatch.orders.models import Order, Parcel

_CUSTODY: Final = Prefetch("custody", CustodyStep.objects.order_by("at", "id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyLine:
    """A step in words. ``is_scanned`` is True if the parcel itself was scanned."""

    kind: str
    words: str
    at: dt.datetime
    place: str
    is_scanned: bool
    driver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelCustody:
    """A parcel of an order with its steps: the ``number``-th of ``total`` parcels."""

    number: int
    total: int
    name: str
    steps: Sequence[CustodyLine]


def read_custody(parcels: Iterable[Parcel]) -> None:
    """Read the custody of parcels that are in memory, in one query."""
    prefetch_related_objects(list(parcels), _CUSTODY)


def with_custody(rows: QuerySet[Parcel]) -> QuerySet[Parcel]:
    """Return parcels with their custody, read in one more query."""
    return rows.prefetch_related(_CUSTODY)


def custody_of(order: Order) -> list[ParcelCustody]:
    """Return the custody of an order's parcels; an empty list before the first step."""
    steps: dict[int, list[CustodyLine]] = {}
    rows = CustodyStep.objects.select_related("act__driver").filter(parcel__order=order)
    entries = list(rows.order_by("at", "id"))
    names = dict(
        Hub.objects.filter(public_id__in={step.place for step in entries}).values_list(
            "public_id", "name"
        )
    )
    for step in entries:
        line = CustodyLine(
            kind=step.kind,
            words=str(words.CUSTODY[step.kind]),
            at=step.at,
            place=names.get(step.place, ""),
            is_scanned=step.by == CustodyProof.SCAN,
            driver=step.act.driver.name,
        )
        steps.setdefault(step.parcel_id, []).append(line)
    parcels = list(order.parcels.order_by("pk")) if entries else []
    return [
        ParcelCustody(
            number=number,
            total=len(parcels),
            name=parcel.external_id or parcel.barcode,
            steps=steps.get(parcel.pk, []),
        )
        for number, parcel in enumerate(parcels, 1)
    ]
