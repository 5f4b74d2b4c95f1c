"""The event kind of the confirmation by a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpFacts:
    """A person with the link confirmed with a code that was sent to the contact on the order.

    The person may now change where the goods go, and for whom. So the contact of this moment is
    told about it, even if the order gets another contact afterwards.
    """

    shopper: Annotated[
        str, FieldDoc("Public id of the shopper who was told.", "shp_4m8q2v6z0c5h9n3s7x1b")
    ]
    contact: Annotated[str, FieldDoc("Where the code went: phone or email.", "phone")]


CONFIRMED = Kind("order.step_up_confirmed", facts=StepUpFacts, public=True)
