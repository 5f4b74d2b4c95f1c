"""Compares kept photos with each other, and tells staff about doubtful ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dispatch.live.models import Photo, Proof
from dispatch.live.proof import Flag, ProofKind
from dispatch.live.services.incidents import IncidentDraft, open_incident
from dispatch.live.services.proofs import lacking_of
from dispatch.live.states import IncidentKind, PhotoState
from lastmile.core.clock import now

#: Share of the bits of two fingerprints from which they are of the same photo. Chosen on drawn
#: scenes: different ones share at most 0.48; compressed, cropped or turned ones at least 0.53.
SAME_SHARE: Final = 0.5
#: In well lit photos, the share of the bits plus that of the details. Houses resemble each other in
#: light and shade alone. Chosen on 140 drawn house doors: different ones have at most 0.93 in 9,730
#: pairs; compressed, cropped or turned ones at least 1.03.
SAME_BY_DAY: Final = 0.98
#: The same in photos that are not well lit, where a lamp or a flash evens out the light. Chosen on
#: 400 doors in the light of a lamp or a flash: different ones have at most 1.44 in 100,000 pairs,
#: compressed, cropped or turned ones at least 1.43, and 99 of 100 at least 1.47.
SAME_AT_NIGHT: Final = 1.47
#: With fewer bits, a photo has too little to compare.
FEWEST_BITS: Final = 30
#: A photo with less contrast has a fingerprint of noise, so it is compared by its hash alone.
LEAST_CONTRAST: Final = 12.0
DARK: Final = 22.0
#: A photo with less light is compared by its details too. Chosen: a door by day has more.
LIT: Final = 100.0
#: Hexadecimal digits of the first half of a fingerprint, which is of light and shade.
HALF: Final = 61
#: Variance of the Laplacian under which a photo is blurred. Chosen on photos of 512 pixels.
LEAST_SHARP: Final = 35.0
#: Share of dark pixels that a signature has at least.
LEAST_INK: Final = 0.0008
COMPARED: Final = dt.timedelta(days=60)


def note_unreadable(photo: Photo) -> None:
    """Flag a photo that cannot be read.

    Locks: nothing. Records: incident.opened. Raises: nothing of its own.
    """
    _flag(photo, [Flag.UNREADABLE])


def note_measures(photo: Photo, measures: Mapping[str, Any]) -> None:
    """Flag a photo that is doubtful by its measures, or that is of another door too.

    Locks: nothing. Records: incident.opened. Raises: nothing of its own.
    """
    kinds = set(photo.proofs.filter(order__isnull=False).values_list("kind", flat=True))
    if not kinds:
        return  # it is of no door: a defect of a vehicle
    if ProofKind.PHOTO not in kinds:
        _flag(photo, [Flag.NO_INK] if measures["ink"] < LEAST_INK else [])
        return
    is_dark, is_flat = measures["brightness"] < DARK, measures["contrast"] < LEAST_CONTRAST
    flags = []
    if is_dark or is_flat:
        flags.append(Flag.TOO_DARK)
    elif measures["sharpness"] < LEAST_SHARP:
        flags.append(Flag.BLURRED)
    if not is_dark and not is_flat:
        Photo.objects.filter(pk=photo.pk).update(fingerprint=measures["fingerprints"][0])
    is_lit = measures["brightness"] >= LIT
    if _is_elsewhere(photo, [] if is_dark or is_flat else measures["fingerprints"], is_lit):
        flags.append(Flag.DOUBLED)
    _flag(photo, flags)


def _is_elsewhere(photo: Photo, fingerprints: Sequence[str], is_lit: bool) -> bool:
    """Return True if the same photo is the proof of another door."""
    orders = set(photo.proofs.values_list("order", flat=True))
    if len(orders) > 1:
        return True
    others = Proof.objects.filter(
        kind=ProofKind.PHOTO,
        photo__state=PhotoState.KEPT,
        happened_at__gte=now() - COMPARED,
    )
    others = others.exclude(order__in=orders).exclude(photo__fingerprint="")
    known = others.values_list("photo__fingerprint", flat=True).distinct()
    return any(is_same_picture(other, fingerprints, is_lit=is_lit) for other in known)


def is_same_picture(known: str, turns: Sequence[str], *, is_lit: bool = True) -> bool:
    """Return True if a photo, in one of its four turns, shows the same as a known one.

    Light and shade and the details count both: many doors resemble each other in one of them.
    """
    return any(_is_same(known, turn, is_lit) for turn in turns)


def _is_same(known: str, turn: str, is_lit: bool) -> bool:
    share = likeness(known[:HALF], turn[:HALF])
    if share < SAME_SHARE:
        return False
    return share + likeness(known[HALF:], turn[HALF:]) >= (SAME_BY_DAY if is_lit else SAME_AT_NIGHT)


def likeness(known: str, other: str) -> float:
    """Return the share of the bits of two fingerprints that both have; 0 with too few to tell."""
    one, two = int(known or "0", 16), int(other or "0", 16)
    either = (one | two).bit_count()
    return (one & two).bit_count() / either if either >= FEWEST_BITS else 0.0


def _flag(photo: Photo, flags: Sequence[Flag]) -> None:
    """Write flags to the proofs of a photo, and open the incident of each order."""
    if not flags:
        return
    rows = photo.proofs.select_related(
        "order__hub", "act__driver__hub", "act__device", "run__shift"
    )
    for proof in rows.order_by("pk"):
        proof.flags = [*proof.flags, *(str(flag) for flag in flags if flag not in proof.flags)]
        proof.save(update_fields=["flags"])
        if Flag.NO_INK not in flags:
            _open(proof, IncidentKind.PROOF_DOUBTFUL, flags=proof.flags)
        elif proof.order and ProofKind.SIGNATURE in lacking_of(proof.order, None, proof.run):
            _open(proof, IncidentKind.PROOF_MISSING, missing=[str(ProofKind.SIGNATURE)])


def _open(proof: Proof, kind: IncidentKind, **facts: object) -> None:
    act = proof.act
    order_hub = proof.order.hub if proof.order else None
    open_incident(
        draft=IncidentDraft(
            kind=kind,
            hub=order_hub or act.driver.hub,
            order=proof.order,
            shift=proof.run.shift if proof.run else None,
            driver=act.driver,
            device=act.device,
            params={"act": act.kind, **facts},
        )
    )
