"""The kinds of events of order files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFacts:
    """An order file was received and waits to be read. The subject is the import."""

    dry_run: Annotated[bool, FieldDoc("True for a preview, which places no order.", False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneFacts:
    """An order file was read completely. The subject is the import."""

    rows: Annotated[int, FieldDoc("Rows in the file.", 200)]
    created: Annotated[int, FieldDoc("Number of new orders.", 180)]
    updated: Annotated[int, FieldDoc("Number of existing orders that changed.", 10)]
    unchanged: Annotated[int, FieldDoc("Number of existing orders that did not change.", 4)]
    refused: Annotated[int, FieldDoc("Number of refused rows.", 6)]
    needs_pin: Annotated[int, FieldDoc("Number of orders that need a pin.", 12)]
    warned: Annotated[int, FieldDoc("Number of rows accepted with a warning.", 3)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFacts:
    """An order file could not be read at all. The subject is the import."""

    code: Annotated[str, FieldDoc("Code of the fault of the file.", "no_rows")]


RECEIVED = Kind("import.received", facts=ReceivedFacts)
DONE = Kind("import.done", facts=DoneFacts, public=True)
FAILED = Kind("import.failed", facts=FailedFacts, public=True)
