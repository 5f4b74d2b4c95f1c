"""The entries of a cabinet's journal: their shape, and the words in them. PURE."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MOST_ENTRIES: Final = 500  # entries of one upload
MOST_SEQ: Final = 2**53 - 1
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,23}")
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_BOX: Final = 16  # longest number of a compartment


class EntryKind(StrEnum):
    """The kind of an entry.

    - boot: the cabinet has started. All relays are off and all doors are measured again.
    - opened: the sensor reports an open door. ``by`` is code, command or none (forced).
    - open_failed: the lock got its pulse, but the sensor did not report an open door in time.
    - closed: the sensor reports a closed door. ``content`` is empty, occupied or unknown.
    - deposited: a courier put the parcel of ``reservation`` in and closed the door.
    - collected: the parcel was taken out with the code of ``role``, and the door is closed.
    - left_open: a door is open for longer than the limit. It is told once.
    - sensor_fault: the sensor of a door disagreed with what must be true.
    - command: the end of ``command``, with ``result`` done, failed or expired, and ``failure``.
    - codes_ended: the codes of ``reservation`` up to ``generation`` open nothing any more.
    - locked_out: a keypad is locked after too many wrong codes.
    """

    BOOT = "boot"
    OPENED = "opened"
    OPEN_FAILED = "open_failed"
    CLOSED = "closed"
    DEPOSITED = "deposited"
    COLLECTED = "collected"
    LEFT_OPEN = "left_open"
    SENSOR_FAULT = "sensor_fault"
    COMMAND = "command"
    CODES_ENDED = "codes_ended"
    LOCKED_OUT = "locked_out"


_WORDS: Final = {"by", "role", "content", "result", "failure", "cause"}
_IDS: Final = {"reservation", "command"}
_NUMBERS: Final = {"generation", "count"}
_ALLOWED: Final = frozenset({"seq", "kind", "at", "clock", "offline", "box"} | _WORDS | _IDS
                            | _NUMBERS)  # fmt: skip
CLOCKS: Final = frozenset({"known", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An entry of an upload. ``at`` is the text of the cabinet's time; ``data`` all the rest."""

    seq: int
    kind: str
    at: str
    clock_known: bool
    offline: bool
    box: str
    data: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def word(self, name: str) -> str:
        """Return a word or an id of the data; "" if it is missing."""
        return str(self.data.get(name, ""))


class BadEntry(ValueError):
    """An entry is malformed; the text names the member."""


def read_entry(value: object) -> EntryDraft:
    """Return an entry for a JSON value. Raises BadEntry."""
    if not isinstance(value, Mapping):
        raise BadEntry("An entry must be an object.")
    unknown = set(value) - _ALLOWED
    if unknown:
        raise BadEntry(f"unknown member {min(unknown)!r}"[:80])
    seq = value.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 1 <= seq <= MOST_SEQ:
        raise BadEntry("seq must be a whole number from 1 on")
    kind, at, box = value.get("kind"), value.get("at"), value.get("box", "")
    if not isinstance(kind, str) or not _WORD.fullmatch(kind):
        raise BadEntry("kind must be a word")
    if not isinstance(at, str) or len(at) > 40:
        raise BadEntry("at must be a time")
    if not isinstance(box, str) or len(box) > _BOX:
        raise BadEntry("box must be the number of a compartment")
    if value.get("clock", "known") not in CLOCKS:
        raise BadEntry("clock must be known or unknown")
    if not isinstance(value.get("offline", False), bool):
        raise BadEntry("offline must be true or false")
    return EntryDraft(
        seq=seq,
        kind=kind,
        at=at,
        clock_known=value.get("clock", "known") == "known",
        offline=value.get("offline", False),
        box=box,
        data=dict(_data(value)),
        sha256=hashlib.sha256(
            json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest(),
    )


def _data(value: Mapping[str, Any]) -> Mapping[str, Any]:
    read: dict[str, Any] = {}
    for name in sorted(_WORDS | _IDS | _NUMBERS):
        if name not in value:
            continue
        one = value[name]
        if name in _NUMBERS:
            right = isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= MOST_SEQ
        else:
            shape = _ID if name in _IDS else _WORD
            right = isinstance(one, str) and shape.fullmatch(one) is not None
        if not right:
            raise BadEntry(f"{name} is malformed")
        read[name] = one
    return read
