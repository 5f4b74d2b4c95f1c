"""Proof at the door: the shapes that a phone sends, what a delivery needs, and the flags. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MOST_PROOFS: Final = 20
LONGEST_NAME: Final = 120
LONGEST_PIN: Final = 64
LARGEST_PHOTO: Final = 8 * 1024 * 1024
SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PARCEL: Final = re.compile(r"prc_[0-9a-z]{1,24}")


class ProofKind(StrEnum):
    """The kind of a proof at the door."""

    PHOTO = "photo"
    SIGNATURE = "signature"
    NAME = "name"
    PIN = "pin"
    SCAN = "scan"
    AGE = "age"


PICTURES: Final = frozenset({ProofKind.PHOTO, ProofKind.SIGNATURE})
#: How a name was given (name), or what the check said (pin, age).
HOW: Final[Mapping[ProofKind, frozenset[str]]] = {
    ProofKind.NAME: frozenset({"typed", "shopper", "neighbour", "other"}),
    ProofKind.AGE: frozenset({"pass", "fail"}),
}


class Flag(StrEnum):
    """A doubt about a proof."""

    FAR = "far"
    DOUBLED = "doubled"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    NO_INK = "no_ink"
    UNREADABLE = "unreadable"
    WRONG_PIN = "wrong_pin"
    AGE_FAILED = "age_failed"


#: A picture with one of these shows nothing, so the proof counts as not given.
VOID: Final = frozenset({Flag.NO_INK, Flag.UNREADABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofDraft:
    """A proof as a phone sent it. ``sha256`` and ``size_bytes`` are of the picture's bytes.

    ``text`` is the name of the receiver or the PIN that the driver typed. ``parcels`` are public
    ids of scanned parcels.
    """

    kind: ProofKind
    sha256: str = ""
    size_bytes: int = 0
    text: str = ""
    how: str = ""
    parcels: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRules:
    """The rules of a retailer: which deliveries need which proof beside what the order demands.

    ``dear_minor`` is the value from which a delivery in person is signed; 0 never.
    """

    photo_if_contactless: bool
    name_if_attended: bool
    scan: bool
    dear_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """The facts of an order that decide about its proof.

    ``access`` is the kind of its access note. ``to_bank`` means that the goods are put into a bank
    of lockers, where nobody receives them.
    """

    is_return: bool
    handover: str
    access: str
    least_age: int
    signature: bool
    value_minor: int
    has_barcodes: bool
    to_bank: bool = False


def needed(order: Handing, rules: ProofRules) -> tuple[ProofKind, ...]:
    """Return the proofs that a delivery needs, in the order in which the driver gives them."""
    if order.is_return:
        return (ProofKind.SCAN,) if rules.scan and order.has_barcodes else ()
    is_left = order.handover == "contactless" or order.access in {"safe_place", "lockbox"}
    if order.to_bank:
        in_person = {ProofKind.AGE: bool(order.least_age), ProofKind.SIGNATURE: order.signature}
        scanned = {ProofKind.SCAN: rules.scan and order.has_barcodes}
        return tuple(kind for kind, is_wanted in (scanned | in_person).items() if is_wanted)
    is_dear = 0 < rules.dear_minor <= order.value_minor
    wanted = {
        ProofKind.SCAN: rules.scan and order.has_barcodes,
        ProofKind.AGE: bool(order.least_age),
        ProofKind.PIN: order.access == "pin",
        ProofKind.PHOTO: is_left and rules.photo_if_contactless,
        ProofKind.NAME: not is_left and rules.name_if_attended,
        ProofKind.SIGNATURE: order.signature or (is_dear and not is_left),
    }
    return tuple(kind for kind, is_wanted in wanted.items() if is_wanted)


def missing(wanted: Iterable[ProofKind], proofs: Iterable[ProofDraft]) -> list[str]:
    """Return the kinds of proof that a delivery needs and that were not given.

    A name counts as a signature, for a person who cannot draw one.
    """
    kinds = {proof.kind for proof in proofs}
    if ProofKind.NAME in kinds:
        kinds.add(ProofKind.SIGNATURE)
    return [str(kind) for kind in wanted if kind not in kinds]


def read_proofs(sent: object) -> tuple[ProofDraft, ...]:
    """Return the proofs in a JSON value of a phone. One that cannot be read counts as not given."""
    items = sent if isinstance(sent, list) else []
    read = (_read(item) for item in items[:MOST_PROOFS])
    return tuple(proof for proof in read if proof is not None)


def _read(item: object) -> ProofDraft | None:
    if not isinstance(item, Mapping) or item.get("kind") not in set(ProofKind):
        return None
    kind = ProofKind(item["kind"])
    how = item.get("how") if item.get("how") in HOW.get(kind, ()) else ""
    if kind in PICTURES:
        return _picture(kind, item)
    if kind == ProofKind.SCAN:
        parcels = _parcels(item.get("parcels"))
        return ProofDraft(kind=kind, parcels=parcels) if parcels else None
    if kind == ProofKind.AGE:
        return ProofDraft(kind=kind, how=how) if how else None
    most = LONGEST_NAME if kind == ProofKind.NAME else LONGEST_PIN
    text = item.get("text") if isinstance(item.get("text"), str) else ""
    text = "".join(sign for sign in str(text) if sign.isprintable()).strip()[:most]
    return ProofDraft(kind=kind, text=text, how=how or "") if text or how == "shopper" else None


def _picture(kind: ProofKind, item: Mapping[str, Any]) -> ProofDraft | None:
    sha256, size = item.get("sha256"), item.get("size")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        return None
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= LARGEST_PHOTO:
        return None
    return ProofDraft(kind=kind, sha256=sha256, size_bytes=size)


def _parcels(sent: object) -> tuple[str, ...]:
    entries = sent if isinstance(sent, list) else []
    parcels = {one for one in entries[:500] if isinstance(one, str) and _PARCEL.fullmatch(one)}
    return tuple(sorted(parcels))
