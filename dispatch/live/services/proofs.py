"""Keeps the proofs of an act at a door, and tells staff what is missing or doubtful."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from dispatch.live.models import Photo, Proof, Run
from dispatch.live.policy import proof_policy
from dispatch.live.proof import PICTURES, VOID, Flag, ProofDraft, ProofKind, missing
from dispatch.live.selectors.proof import needed_of
from dispatch.live.services.context import Taking
from dispatch.live.services.custody import parcels_here
from dispatch.live.services.distance import metres_too_far
from dispatch.live.states import IncidentKind, PhotoState
from dispatch.orders.models import AccessKind, AccessNote, Order


def access_before(order: Order | None) -> AccessNote | None:
    """Return the access note of an order as it is before the order ends, when codes are deleted."""
    return None if order is None else getattr(order, "access", None)


def keep_proofs(taking: Taking, order: Order, access: AccessNote | None) -> bool:
    """Keep the proofs of a delivery. Missing or doubtful ones open an incident.

    ``access`` is the access note before the delivery. Return True if a photo has to be checked
    still, or staff has to look at a proof.

    Locks: nothing. Records: incident.opened. Raises: nothing of its own.
    """
    draft = taking.draft
    place_flags = [] if metres_too_far(draft, order) is None else [Flag.FAR]
    doubts: set[str] = set(place_flags)
    rows = []
    for number, proof in enumerate(_each_once(draft.proofs), 1):
        flags = [*place_flags, *_flags(proof, access)]
        photo, is_new = _photo_of(proof)
        is_doubled = not is_new and _is_of_another_door(proof, order)
        if proof.kind == ProofKind.PHOTO and is_doubled:
            flags.append(Flag.DOUBLED)
        doubts.update(flags)
        rows.append(_row(taking, order, number, proof, flags=flags, photo=photo))
    Proof.objects.bulk_create(rows)
    lacking = lacking_of(order, access, taking.run, these=draft.proofs)
    if lacking:
        taking.open(IncidentKind.PROOF_MISSING, order=order, missing=lacking)
    if doubts:
        taking.open(IncidentKind.PROOF_DOUBTFUL, order=order, flags=sorted(doubts))
    waits = {PhotoState.EXPECTED, PhotoState.RECEIVED}
    return bool(doubts) or any(row.photo is not None and row.photo.state in waits for row in rows)


def keep_photos(taking: Taking) -> None:
    """Keep the photos of an act that is about no order, such as a defect of the vehicle.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    Proof.objects.bulk_create(
        _row(taking, None, number, proof, flags=[], photo=_photo_of(proof)[0])
        for number, proof in enumerate(_each_once(taking.draft.proofs), 1)
    )


def lacking_of(
    order: Order, access: AccessNote | None, run: Run | None, *, these: Sequence[ProofDraft] = ()
) -> list[str]:
    """Return the kinds of proof that a delivery needs and that no act of its run has given.

    The proofs of an earlier visit say nothing about this one, and a picture without content
    proves nothing. ``these`` are some of this one; if they are enough, the others are not read.
    A scan is given when each parcel with a barcode that was in the vehicle is scanned.
    """
    wanted = needed_of(order, access, proof_policy())
    lacking = _lacking(wanted, these, order, run)
    if not lacking:
        return []
    rows = Proof.objects.filter(order=order, run=run).values_list("kind", "flags", "parcels")
    proofs = [
        ProofDraft(kind=ProofKind(kind), parcels=parcels)
        for kind, flags, parcels in rows
        if not VOID & set(flags)
    ]
    return _lacking(wanted, proofs, order, run)


def _lacking(
    wanted: Sequence[ProofKind], proofs: Sequence[ProofDraft], order: Order, run: Run | None
) -> list[str]:
    lacking = missing(wanted, proofs)
    if ProofKind.SCAN not in wanted or ProofKind.SCAN in lacking:
        return lacking
    scans = {parcel for proof in proofs for parcel in proof.parcels}
    unscanned = {
        parcel.public_id
        for parcel in order.parcels.all()
        if parcel.barcode and parcel.public_id not in scans
    }
    if unscanned and unscanned & {one.public_id for one in parcels_here(order, run, scans)}:
        lacking.append(str(ProofKind.SCAN))
    return lacking


def _photo_of(proof: ProofDraft) -> tuple[Photo | None, bool]:
    """Return the photo that a proof names, and True if nothing named it before."""
    if proof.kind not in PICTURES:
        return None, False
    known = Photo.objects.defer("content").filter(sha256=proof.sha256)
    photo = known.first()
    if photo is not None:
        return photo, False
    # Another connection may add it at the same moment; then its row is taken.
    (added,) = Photo.objects.bulk_create(
        [Photo(sha256=proof.sha256, size_bytes=proof.size_bytes)],
        update_conflicts=True,
        unique_fields=["sha256"],
        update_fields=["sha256"],
    )
    return added, True


def _row(
    taking: Taking,
    order: Order | None,
    number: int,
    proof: ProofDraft,
    *,
    flags: Sequence[str],
    photo: Photo | None,
) -> Proof:
    return Proof(
        act=taking.act,
        number=number,
        order=order,
        run=taking.run,
        kind=proof.kind,
        photo=photo,
        how=proof.how,
        name=proof.text or None if proof.kind == ProofKind.NAME else None,
        parcels=list(proof.parcels),
        flags=[str(flag) for flag in flags],
        happened_at=taking.act.happened_at,
    )


def _each_once(proofs: Sequence[ProofDraft]) -> list[ProofDraft]:
    return list(dict.fromkeys(proofs))


def _is_of_another_door(proof: ProofDraft, order: Order) -> bool:
    rows = Proof.objects.filter(kind=ProofKind.PHOTO, photo__sha256=proof.sha256)
    return rows.exclude(order=order).filter(order__isnull=False).exists()


def _flags(proof: ProofDraft, access: AccessNote | None) -> list[Flag]:
    if proof.kind == ProofKind.AGE and proof.how == "fail":
        return [Flag.AGE_FAILED]
    is_coded = access is not None and access.kind == AccessKind.PIN and bool(access.code)
    if proof.kind != ProofKind.PIN or access is None or not is_coded:
        return []
    right = hmac.compare_digest(str(access.code).strip().encode(), proof.text.encode())
    return [] if right else [Flag.WRONG_PIN]
