"""Reads what a delivery needs as proof, what was given, and the photos that the caller may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from dispatch.live import words
from dispatch.live.events import PROOF_CHECKED
from dispatch.live.models import Incident, Photo, Proof, Run, VisitProgress
from dispatch.live.policy import ProofPolicy
from dispatch.live.proof import VOID, Handing, ProofKind, ProofRules, needed
from dispatch.live.states import IncidentKind, IncidentState, PhotoState
from dispatch.orders.events import MOVED
from dispatch.orders.models import AccessNote, Direction, Order, Outcome
from dispatch.orders.states import OrderState
from lastmile.core import money, storage
from lastmile.core.models import Event
from lastmile.core.postgres.prepared import prepared_cursor

_DELIVERED: Final = MOVED[OrderState.DELIVERED.value].name


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofLine:
    """A proof of an order in words. ``photo`` is the id of a picture that can be shown, or ""."""

    kind: str
    kind_words: str
    at: dt.datetime
    driver: str
    how_words: str
    name: str
    photo: str
    waits: bool
    parcels: Sequence[str]
    flags: Sequence[str]


def needed_of(order: Order, access: AccessNote | None, rules: ProofPolicy) -> list[ProofKind]:
    """Return the proofs that the delivery of an order needs."""
    promise = order.promise
    dear = rules.signature_from_value
    return list(
        needed(
            Handing(
                is_return=order.direction == Direction.RETURN,
                handover=(promise.handover if promise else "") or order.handover,
                access=access.kind if access else "",
                least_age=order.least_age,
                signature=order.signature,
                value_minor=order.value_minor or 0,
                has_barcodes=any(parcel.barcode for parcel in order.parcels.all()),
                to_bank=promise is not None and promise.to_bank,
            ),
            ProofRules(
                photo_if_contactless=rules.photo_if_contactless,
                name_if_attended=rules.name_if_attended,
                scan=rules.scan,
                dear_minor=dear * 10 ** money.exponent(order.currency) if order.currency else 0,
            ),
        )
    )


def proofs_of(order: Order) -> list[ProofLine]:
    """Return the proofs of an order, in the order in which they were given."""
    rows = Proof.objects.select_related("photo", "act__driver").filter(order=order)
    rows = rows.defer("photo__content")
    return [_line(row) for row in rows.order_by("happened_at", "act_id", "number")]


def given_of(run: Run) -> dict[int, list[str]]:
    """Return the kinds of proof that were given on a run, by pk of the order.

    A picture that turned out to show nothing is not given, so the driver is asked for it again.
    """
    by_order: dict[int, list[str]] = {}
    rows = Proof.objects.filter(run=run, order__isnull=False).order_by("order", "kind", "pk")
    for order, kind, flags in rows.values_list("order", "kind", "flags"):
        kinds = by_order.setdefault(order, [])
        if kind not in kinds and not VOID & set(flags):
            kinds.append(kind)
    return by_order


def photos_of_act(act: int) -> QuerySet[Photo]:
    """Return the photos of an act that is about no order and that can be shown."""
    rows = Photo.objects.filter(proofs__act=act, proofs__order__isnull=True)
    return rows.filter(state=PhotoState.KEPT).distinct()


def _line(row: Proof) -> ProofLine:
    photo = row.photo
    return ProofLine(
        kind=row.kind,
        kind_words=str(words.PROOFS[row.kind]),
        at=row.happened_at,
        driver=row.act.driver.name,
        how_words=str(words.PROOF_HOW.get(row.how, "")),
        name=row.name or "",
        photo=photo.public_id if photo and photo.state == PhotoState.KEPT else "",
        waits=photo is not None and photo.state in {PhotoState.EXPECTED, PhotoState.RECEIVED},
        parcels=row.parcels,
        flags=[str(words.FLAGS[flag]) for flag in row.flags if flag in words.FLAGS],
    )


def is_proof_open(order: Order) -> bool:
    """Return True while a photo of an order is not checked, or staff has to look at its proof."""
    waits = Proof.objects.filter(
        order=order, photo__state__in=[PhotoState.EXPECTED, PhotoState.RECEIVED]
    )
    doubts = Incident.objects.filter(
        order=order, kind=IncidentKind.PROOF_DOUBTFUL, state=IncidentState.OPEN
    )
    return waits.exists() or doubts.exists()


def is_delivery_unchecked(order: Order) -> bool:
    """Return True while a delivery is reported and nobody may be told, because of its proof."""
    if order.state != OrderState.DELIVERED or not is_proof_open(order):
        return False
    return is_check_missing(order)


def is_check_missing(order: Order) -> bool:
    """Return True if nothing has said yet that the proof of the last delivery is checked."""
    ends = Event.objects.filter(subject=order.public_id, kind__in=[_DELIVERED, PROOF_CHECKED.name])
    return ends.order_by("-pk").values_list("kind", flat=True).first() == _DELIVERED


def photos_of(order: Order) -> QuerySet[Photo]:
    """Return the photos of an order that can be shown."""
    return Photo.objects.filter(proofs__order=order, state=PhotoState.KEPT).distinct()


def photos_for_shopper(order: Order) -> QuerySet[Photo]:
    """Return the photos of a delivery that its shopper may see: those without any doubt.

    There are none before the proof is checked. A photo with a flag may be of another door, and one
    of an earlier visit shows no delivery.
    """
    if order.state != OrderState.DELIVERED or is_delivery_unchecked(order):
        return Photo.objects.none()
    done = VisitProgress.objects.filter(order=order).exclude(outcome__in=["", Outcome.FAILED])
    last = done.order_by("-departed_at", "-pk").values("run")[:1]
    sure = Proof.objects.filter(order=order, run__in=last, kind=ProofKind.PHOTO, flags=[])
    return photos_of(order).filter(pk__in=sure.values("photo")).order_by("pk")


def content_of(photo: Photo) -> bytes | None:
    """Return the bytes of a kept photo, or None if they are gone."""
    return storage.read(photo.kept_name) if photo.kept_name else None


def photo_of_phone(sha256: str, driver: int, *, lock: bool = False) -> Photo | None:
    """Return the photo with this hash if an act of the driver names it, without its bytes.

    With ``lock`` its row is locked. Phones ask for each photo, so the ORM does not build it.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_OF_PHONE_LOCKED if lock else _OF_PHONE, [sha256, driver])
        row = cursor.fetchone()
    return None if row is None else Photo.from_db(connection.alias, _PROGRESS, row)


# In the order of the model, as from_db needs them.
_PROGRESS: Final = ("id", "public_id", "sha256", "size_bytes", "received_bytes", "state")
_OF_PHONE: Final = f"""
    SELECT {", ".join(_PROGRESS)}
      FROM live_photo
     WHERE sha256 = %s AND EXISTS (
           SELECT FROM live_proof JOIN live_driveract ON live_driveract.id = live_proof.act_id
            WHERE live_proof.photo_id = live_photo.id AND live_driveract.driver_id = %s::bigint)
"""  # noqa: S608  names of columns only
_OF_PHONE_LOCKED: Final = f"{_OF_PHONE} FOR NO KEY UPDATE OF live_photo"
