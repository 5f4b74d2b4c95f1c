"""The event kinds of remarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True)
class AddedFacts:
    """A remark was added to an order."""

    order: Annotated[str, FieldDoc("Public id of the order.", "ord_01")]


ADDED: Final = Kind("remark.added", facts=AddedFacts, public=True)
