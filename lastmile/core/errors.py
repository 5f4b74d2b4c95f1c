"""What can go wrong, said once: a code for programs, a sentence for people.

Every refusal in the house is a ``DomainError``. Subclasses stand beside the noun they speak of
(``SlotFull`` in slots, ``NoFreeCompartment`` in lockers). One handler in ``core.http`` turns them
into RFC 9457 problems or htmx toasts; services only raise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One fault in the input.

    Parameters
    ----------
    pointer : str
        JSON pointer (RFC 6901) to the offending member, ``""`` for the whole body.
    detail : str
        Cause and remedy, in the reader's language.
    code : str
        Stable word for programs.
    """

    pointer: str
    detail: str
    code: str = "invalid"


class DomainError(Exception):
    """A refusal that leaves everything as it was.

    ``detail`` states the cause and the remedy. ``data`` holds facts for programs (ids, numbers),
    never names or addresses. ``retryable`` says whether the same call may succeed later unchanged.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        data: Mapping[str, Any] | None = None,
        errors: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.data: dict[str, Any] = dict(data or {})
        self.errors: tuple[FieldProblem, ...] = tuple(errors)

    def __str__(self) -> str:
        return str(self.detail)


class Invalid(DomainError):
    """The input does not fit; ``errors`` points at each fault."""

    code = "invalid"
    status = 422


class NotFound(DomainError):
    """Unknown, or not yours: the same answer for both."""

    code = "not_found"
    status = 404


class NotAllowed(DomainError):
    """You are known, and this act is not yours."""

    code = "not_allowed"
    status = 403


class Conflict(DomainError):
    """Somebody else was first, or the thing has moved on."""

    code = "conflict"
    status = 409


class Stale(DomainError):
    """If-Match named a version that is no longer the present one."""

    code = "stale"
    status = 412


class TooLarge(DomainError):
    """More than this installation takes in one piece."""

    code = "too_large"
    status = 413


class TooMany(DomainError):
    """Too many calls; ``data['retry_after_s']`` says when to come back."""

    code = "too_many"
    status = 429
    retryable = True


class Unavailable(DomainError):
    """A part the act needs is away for the moment."""

    code = "unavailable"
    status = 503
    retryable = True


@dataclass(slots=True)
class Problems:
    """Collects field problems and raises them together, so a caller mends all in one go."""

    found: list[FieldProblem] = field(default_factory=list)

    def add(self, pointer: str, detail: str, code: str = "invalid") -> None:
        self.found.append(FieldProblem(pointer, detail, code))

    def raise_if_any(self, detail: str = "Some values do not fit; see errors.") -> None:
        if self.found:
            raise Invalid(detail, errors=self.found)
