"""The errors of the confirmation by a code."""

from __future__ import annotations

from typing import ClassVar

from lastmile.core.errors import Conflict


class NoContact(Conflict):
    """No code can be sent, because the order has neither a phone number nor an e-mail address."""

    code: ClassVar[str] = "no_contact"


class StepUpNeeded(Conflict):
    """The act needs a confirmation by a six-digit code first."""

    code: ClassVar[str] = "step_up_needed"
