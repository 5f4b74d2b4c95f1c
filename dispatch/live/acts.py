"""The shapes of drivers' acts, and the checks of what a phone sent. PURE.

An act is read from JSON into an ``ActDraft``, or into a ``BadAct`` that says what is wrong. A
state of an order or a plan never makes an act wrong.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from dispatch.live.phone_time import read_phone_time
from dispatch.live.proof import ProofDraft, ProofKind, read_proofs

LONGEST_NOTE: Final = 1_000
MOST_IDS: Final = 500


class ActKind(StrEnum):
    """The kind of a driver's act."""

    SHIFT_STARTED = "shift_started"
    VEHICLE_CHECKED = "vehicle_checked"
    LOADED = "loaded"
    NOT_LOADED = "not_loaded"
    LEFT_HUB = "left_hub"
    ARRIVED = "arrived"
    DELIVERED = "delivered"
    PICKED_UP = "picked_up"
    FAILED = "failed"
    DEPOSITED = "deposited"
    BANK_FAULT = "bank_fault"
    TAKEN_OUT = "taken_out"
    CORRECTED = "corrected"
    PROOF_ADDED = "proof_added"
    NOTE = "note"
    CODE_LOOKED = "code_looked"
    BREAK_STARTED = "break_started"
    BREAK_ENDED = "break_ended"
    PLAN_CONFIRMED = "plan_confirmed"
    BACK_AT_HUB = "back_at_hub"
    SHIFT_ENDED = "shift_ended"


K = ActKind
#: Acts that end a visit; ``corrected`` does it with the outcome in its data.
#: The last parcel of an order that is deposited at a bank ends its visit too.
ENDING: Final = frozenset({K.DELIVERED, K.PICKED_UP, K.FAILED, K.CORRECTED, K.DEPOSITED})
#: Acts at a bank of lockers. Its owner reacts to them; the stop itself is done here.
AT_BANK: Final = frozenset({K.DEPOSITED, K.BANK_FAULT, K.TAKEN_OUT})
#: Acts at a stop. They prove that the vehicle has left the hub.
AT_DOOR: Final = frozenset({K.ARRIVED, K.DELIVERED, K.PICKED_UP, K.FAILED}) | AT_BANK
#: Acts that a driver can do at home. All others prove that the shift began.
NOT_AT_WORK: Final = frozenset(
    {K.PLAN_CONFIRMED, K.NOTE, K.CODE_LOOKED, K.CORRECTED, K.PROOF_ADDED}
)
HANDED_OVER: Final = frozenset({"delivered", "picked_up"})
OUTCOMES: Final = HANDED_OVER | {"failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActDraft:
    """An act as a phone sent it, after the check of its shape.

    Parameters
    ----------
    client_id, kind
        The id that the phone gave to the act, and what the driver did.
    at : datetime
        When, by the clock of the phone.
    order, shift : str
        Public ids; "" without one. Without a shift the server finds it.
    outcome, reason : str
        For acts that end a visit: delivered, picked_up or failed, and why it failed.
    data : Mapping
        Further ids, numbers and words of lists: handover, name_kind, scans, parcels and so on.
    note : str
        Free text.
    """

    client_id: UUID
    kind: ActKind
    at: dt.datetime
    order: str = ""
    shift: str = ""
    outcome: str = ""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    proofs: tuple[ProofDraft, ...] = ()
    lat: float | None = None
    lon: float | None = None
    accuracy_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadAct:
    """An act that is malformed: its id, its kind if that is known, and what is wrong.

    An act without a readable UUID gets one from its content, so that a repetition is the same.
    """

    client_id: UUID
    kind: str
    code: str
    sent_id: str = ""
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActResult:
    """The answer to one act.

    Parameters
    ----------
    id : str
        The id that the phone sent.
    status : str
        stored, duplicate or rejected. After any of them the phone deletes the act.
    problem : Mapping, optional
        {code, detail} of a rejected act.
    incident : str, optional
        Public id of the incident that the act opened.
    """

    id: str
    status: str
    problem: Mapping[str, str] | None = None
    incident: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the answer as it is sent to the phone."""
        problem = None if self.problem is None else dict(self.problem)
        return {
            "id": self.id, "status": self.status, "problem": problem, "incident": self.incident
        }  # fmt: skip


class _Malformed(Exception):
    """The act is malformed; the argument is the code of the problem."""


def read_act(item: object, *, reasons: Iterable[str]) -> ActDraft | BadAct:
    """Return the act in a JSON value that a phone sent, or what is wrong with it.

    ``reasons`` are the words that a failed visit may have. Members that are not known are kept
    out, so that newer phones can talk to an older server.
    """
    sent = item if isinstance(item, Mapping) else {}
    sent_id, kind = str(sent.get("id", ""))[:64], str(sent.get("kind", ""))[:24]
    client_id = _uuid(sent.get("id"))
    try:
        if not isinstance(item, Mapping):
            raise _Malformed("not_an_object")
        if client_id is None:
            raise _Malformed("id_missing")
        return _draft(item, client_id, frozenset(reasons))
    except _Malformed as fault:
        return BadAct(
            client_id=client_id or _content_id(item),
            kind=kind.replace("\x00", ""),
            code=str(fault),
            sent_id=sent_id,
            at=read_phone_time(sent.get("at")),
        )


def _draft(item: Mapping[str, Any], client_id: UUID, reasons: frozenset[str]) -> ActDraft:
    at = read_phone_time(item.get("at"))
    kind_sent = item.get("kind")
    if not isinstance(kind_sent, str) or kind_sent not in set(ActKind):
        raise _Malformed("kind_unknown")
    if at is None:
        raise _Malformed("time_missing")
    kind = ActKind(kind_sent)
    outcome, reason = _outcome(kind, item, reasons)
    lat, lon, accuracy_m = _position(item)
    values = {name: read(item.get(name)) for name, read in _DATA.items() if name in item}
    if kind == K.NOT_LOADED:
        _name_missing(item, values)
    return ActDraft(
        client_id=client_id,
        kind=kind,
        at=at,
        order=_needed(kind, _id(item.get("order"), "ord")),
        shift=_id(item.get("shift"), "sft"),
        outcome=outcome,
        reason=reason,
        data=_checked(kind, {name: value for name, value in values.items() if value is not None}),
        note=_note(item),
        proofs=_proofs(kind, outcome, item.get("proofs")),
        lat=lat,
        lon=lon,
        accuracy_m=accuracy_m,
    )


_WITH_ORDER = AT_DOOR | {K.CORRECTED, K.PROOF_ADDED, K.NOTE, K.CODE_LOOKED}


def _proofs(kind: ActKind, outcome: str, sent: object) -> tuple[ProofDraft, ...]:
    """Return the proofs of an act; a defect of the vehicle can have photos."""
    if outcome in HANDED_OVER or kind == K.DEPOSITED:
        return read_proofs(sent)
    if kind == K.VEHICLE_CHECKED:
        return tuple(proof for proof in read_proofs(sent) if proof.kind == ProofKind.PHOTO)
    if kind != K.PROOF_ADDED:
        return ()
    proofs = read_proofs(sent)
    if not proofs:
        raise _Malformed("proofs_missing")
    return proofs


def _needed(kind: ActKind, order: str) -> str:
    if kind in _WITH_ORDER and not order:
        raise _Malformed("order_missing")
    return order


def _outcome(kind: ActKind, item: Mapping[str, Any], reasons: frozenset[str]) -> tuple[str, str]:
    if kind in AT_BANK:
        return ("deposited" if kind == K.DEPOSITED and item.get("last") is True else ""), ""
    if kind not in ENDING:
        return "", ""
    outcome = str(item.get("outcome", "")) if kind == K.CORRECTED else str(kind)
    if outcome not in OUTCOMES:
        raise _Malformed("outcome_unknown")
    reason = item.get("reason") or ""
    if outcome != "failed":
        return outcome, ""
    if not isinstance(reason, str) or reason not in reasons:
        raise _Malformed("reason_unknown")
    return outcome, reason


def _name_missing(item: Mapping[str, Any], values: dict[str, Any]) -> None:
    """Add a single parcel or order that was not loaded to the lists, and the reason.

    Beside a parcel, the order only says whose parcel it is.
    """
    parcel, order = _id(item.get("parcel"), "prc"), _id(item.get("order"), "ord")
    if parcel:
        values["parcels"] = sorted({*values.get("parcels", []), parcel})
    elif order and not values.get("parcels"):
        values["orders"] = sorted({*values.get("orders", []), order})
    values["missing"] = _word(item.get("reason"))


def _checked(kind: ActKind, data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an act. Raises _Malformed if what the kind needs is missing."""
    if kind == K.LOADED and not (data.get("orders") or data.get("parcels")):
        raise _Malformed("orders_missing")
    if kind == K.NOT_LOADED and not (data.get("orders") or data.get("parcels")):
        raise _Malformed("parcels_missing")
    if kind == K.PLAN_CONFIRMED and "number" not in data:
        raise _Malformed("number_missing")
    if kind == K.VEHICLE_CHECKED and "ok" not in data:
        raise _Malformed("ok_missing")
    if kind in AT_BANK and "reservation" not in data:
        raise _Malformed("reservation_missing")
    return data


def _position(item: Mapping[str, Any]) -> tuple[float | None, float | None, int | None]:
    """Return latitude, longitude and accuracy; a place that cannot be true is unknown."""
    lat, lon = _number(item.get("lat")), _number(item.get("lon"))
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None, None, None
    if abs(lat) > 90 or abs(lon) > 180:
        return None, None, None
    accuracy = _number(item.get("accuracy_m"))
    known = accuracy is not None and 0 <= accuracy <= 1_000_000
    return lat, lon, round(accuracy) if known and accuracy is not None else None


def _note(item: Mapping[str, Any]) -> str:
    note = item.get("note", item.get("text", ""))
    if not isinstance(note, str):
        raise _Malformed("note_not_text")
    return note.replace("\x00", "").strip()[:LONGEST_NOTE]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 and math.isfinite(value) else None


def _id(value: object, prefix: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _is_id(value, prefix):
        raise _Malformed(f"{_NAMES[prefix]}_unknown")
    return value


_NAMES = {"ord": "order", "sft": "shift", "prc": "parcel", "rsv": "reservation"}


def _is_id(value: object, prefix: str) -> bool:
    return isinstance(value, str) and len(value) <= 28 and value.isascii() \
        and value.startswith(f"{prefix}_") and value[len(prefix) + 1:].isalnum()  # fmt: skip


def _ids(prefix: str) -> Callable[[object], Any]:
    def read(value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > MOST_IDS:
            raise _Malformed(f"{_NAMES[prefix]}s_unknown")
        if not all(_is_id(entry, prefix) for entry in value):
            raise _Malformed(f"{_NAMES[prefix]}s_unknown")
        return sorted(set(value))

    return read


def _word(value: object) -> str | None:
    """Return a word of a list: letters and underscores; None for anything else."""
    if isinstance(value, str) and value and len(value) <= 24 and value.isascii():
        return value if value.replace("_", "").isalnum() else None
    return None


def _reservation(value: object) -> str | None:
    return _id(value, "rsv") or None


def _door(value: object) -> str | None:
    """Return the number on a compartment's door; None for anything else."""
    if isinstance(value, str) and 0 < len(value) <= 16 and value.isprintable():
        return value
    return None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise _Malformed("number_unknown")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Malformed("ok_missing")
    return value


def _act_id(value: object) -> str | None:
    client_id = _uuid(value)
    return None if client_id is None else str(client_id)


def _scans(value: object) -> list[str]:
    """Return the parcels that were scanned, by their public ids. Codes are not kept."""
    entries: Sequence[object] = value if isinstance(value, list) else []
    return sorted({str(entry) for entry in entries[:MOST_IDS] if _is_id(entry, "prc")})


#: Name of a member -> how its value is read. Other members are not kept.
_DATA: Final[Mapping[str, Callable[[object], Any]]] = {
    "orders": _ids("ord"),
    "parcels": _ids("prc"),
    "handover": _word,
    "name_kind": _word,
    "scans": _scans,
    "number": _count,
    "plan": _count,
    "ok": _truth,
    "of": _act_id,
    "reservation": _reservation,
    "door": _door,
    "problem": _word,
}


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) <= 45 else None
    except ValueError:
        return None


def _content_id(item: object) -> UUID:
    content = json.dumps(item, sort_keys=True, default=str, ensure_ascii=True)
    return uuid5(NAMESPACE_URL, f"lastmile:bad-act:{content}")
