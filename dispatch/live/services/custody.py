"""Writes the custody of parcels, as the acts of drivers say it. The journal stays the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

from dispatch.live.acts import ActKind
from dispatch.live.models import CustodyStep, DriverAct, Run
from dispatch.live.proof import ProofKind
from dispatch.live.services.context import Taking
from dispatch.live.states import CustodyKind, CustodyProof, Result
from dispatch.orders.models import Order, Outcome, Parcel

K = CustodyKind
_ENDED: Final[Mapping[str, CustodyKind]] = {
    Outcome.DELIVERED: K.HANDED_OVER,
    Outcome.PICKED_UP: K.PICKED_UP,
    Outcome.FAILED: K.KEPT,
}
#: A parcel with one of these as its last step is in the vehicle.
ABOARD: Final = frozenset({K.LOADED, K.PICKED_UP, K.KEPT})


def note_loading(taking: Taking) -> None:
    """Write that parcels were loaded, or were not there to load.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    data = taking.draft.data
    rows = Parcel.objects.filter(public_id__in=data.get("parcels", []))
    rows = rows | Parcel.objects.filter(order__public_id__in=data.get("orders", []))
    kind = K.LOADED if taking.draft.kind == ActKind.LOADED else K.MISSING
    place = taking.shift.hub.public_id if taking.shift else taking.device.driver.hub.public_id
    _write(taking, rows.distinct(), kind=kind, place=place, scans=set(data.get("scans", [])))


def note_door(taking: Taking, order: Order) -> None:
    """Write what happened to the parcels of an order at its door, if the outcome counts.

    A parcel that was missing at loading stays missing.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    draft = taking.draft
    if not taking.act.data.get("counts", True):
        return
    scans = _scans(taking)
    kind = _ENDED[draft.outcome]
    here = parcels_here(order, taking.run, scans)
    _write(taking, here, kind=kind, place=order.public_id, scans=scans)


def note_bank(taking: Taking, order: Order) -> None:
    """Write that parcels were put into a locker, or taken out of one: handed to the bank, or back.

    Without named parcels it is all of the order, once its last parcel is deposited.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    kinds = {ActKind.DEPOSITED: K.HANDED_OVER, ActKind.TAKEN_OUT: K.PICKED_UP}
    kind = kinds.get(taking.draft.kind)
    named, scans = taking.draft.data.get("parcels", []), _scans(taking)
    if kind is None:
        return
    rows = order.parcels.filter(public_id__in=named) if named else order.parcels.all()
    if named or taking.draft.outcome or kind == K.PICKED_UP:
        _write(taking, rows, kind=kind, place=order.public_id, scans=scans)


def _scans(taking: Taking) -> set[str]:
    """Return the parcels that an act says were scanned."""
    scans = set(taking.draft.data.get("scans", []))
    for proof in taking.draft.proofs:
        if proof.kind == ProofKind.SCAN:
            scans.update(proof.parcels)
    return scans


def parcels_here(order: Order, run: Run | None, scans: Set[str]) -> list[Parcel]:
    """Return the parcels of an order that were in the vehicle.

    A parcel that was missing at loading was not, unless it was scanned since. If the driver was
    at the door although all were missing, they had been in the vehicle after all.
    """
    parcels = list(order.parcels.all())
    if run is None:
        return parcels
    steps = CustodyStep.objects.filter(act__run=run, parcel__in=parcels).order_by("at", "id")
    last = dict(steps.values_list("parcel", "kind"))  # the later one stays
    here = [
        parcel
        for parcel in parcels
        if last.get(parcel.pk) != K.MISSING or parcel.public_id in scans
    ]
    return here or parcels


def note_back(taking: Taking) -> None:
    """Write that what is still in the vehicle is back at the hub.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    if taking.run is not None:
        steps = CustodyStep.objects.filter(act__run=taking.run)
        _refresh_back(taking.run, set(steps.values_list("parcel", flat=True)))


def _write(
    taking: Taking, rows: Iterable[Parcel], *, kind: CustodyKind, place: str, scans: set[str]
) -> None:
    parcels = list(rows)
    at = taking.act.happened_at
    steps = [
        CustodyStep(
            parcel=parcel,
            act=taking.act,
            kind=kind,
            at=at,
            place=place,
            by=CustodyProof.SCAN if parcel.public_id in scans else CustodyProof.LIST,
        )
        for parcel in parcels
    ]
    CustodyStep.objects.bulk_create(steps, ignore_conflicts=True)
    if taking.run is not None and taking.run.back_at is not None:
        _refresh_back(taking.run, {parcel.pk for parcel in parcels})


def _refresh_back(run: Run, parcels: set[int]) -> None:
    """Write which parcels came back: those that were in the vehicle when it was back at the hub.

    An act from before that may arrive later, so this looks at all steps again.
    """
    backs = DriverAct.objects.filter(run=run, kind=ActKind.BACK_AT_HUB)
    act = backs.exclude(result=Result.REJECTED).order_by("-happened_at", "-id").first()
    steps = CustodyStep.objects.filter(act__run=run, parcel__in=parcels)
    steps.filter(kind=K.BROUGHT_BACK).delete()
    if act is None:
        return
    before = steps.filter(at__lte=act.happened_at).order_by("at", "id")
    last = dict(before.values_list("parcel", "kind"))  # the later one stays
    CustodyStep.objects.bulk_create(
        CustodyStep(
            parcel_id=parcel,
            act=act,
            kind=K.BROUGHT_BACK,
            at=act.happened_at,
            place=run.shift.hub.public_id,
            by=CustodyProof.LIST,
        )
        for parcel, kind in last.items()
        if kind in ABOARD
    )
