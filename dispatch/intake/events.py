"""The kinds of events of order files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFacts:
    """The facts of a received order file that waits to be read. The subject is the import."""

    dry_run: Annotated[bool, FieldDoc("True for a preview, which places no order.", False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneFacts:
    """The facts of an order file that was read completely. The subject is the import."""

    rows: Annotated[int, FieldDoc("Rows in the file.", 200)]
    created: Annotated[int, FieldDoc("Orders that are new.", 180)]
    updated: Annotated[int, FieldDoc("Orders that were known and changed.", 10)]
    unchanged: Annotated[int, FieldDoc("Orders that were known and are the same.", 4)]
    refused: Annotated[int, FieldDoc("Rows that were refused, each with its faults.", 6)]
    needs_pin: Annotated[int, FieldDoc("Orders whose place is not on the map yet.", 12)]
    warned: Annotated[int, FieldDoc("Rows that were taken with a warning.", 3)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFacts:
    """The facts of a file that could not be read at all. The subject is the import."""

    code: Annotated[str, FieldDoc("Word for the fault of the file.", "no_rows")]


RECEIVED = Kind("import.received", facts=ReceivedFacts)
DONE = Kind("import.done", facts=DoneFacts, public=True)
FAILED = Kind("import.failed", facts=FailedFacts, public=True)
