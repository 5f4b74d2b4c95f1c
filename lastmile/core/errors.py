"""The base classes of all domain errors: a code for programs and a sentence for people.

Every refused action raises a ``DomainError``. Subclasses are defined next to their entity
(``SlotFull`` in slots, ``NoFreeCompartment`` in lockers). Services only raise them; one handler in
``core.http`` turns them into RFC 9457 problems or htmx toasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """An error in one field of the input.

    Parameters
    ----------
    pointer : str
        JSON pointer (RFC 6901) to the wrong member, ``""`` for the whole body.
    detail : str
        Cause and remedy, in the reader's language.
    code : str
        Stable word for programs.
    """

    pointer: str
    detail: str
    code: str = "invalid"


class DomainError(Exception):
    """The action was refused and nothing was changed.

    ``detail`` states the cause and the remedy. ``data`` has facts for programs (ids, numbers),
    never names or addresses. ``retryable`` is True if the same call may succeed later.
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
    """The input is not valid; ``errors`` lists each error with its field."""

    code = "invalid"
    status = 422


class NotFound(DomainError):
    """Not found: it does not exist, or you do not have access."""

    code = "not_found"
    status = 404


class NotAllowed(DomainError):
    """You are authenticated, but you are not allowed to do this."""

    code = "not_allowed"
    status = 403


class Conflict(DomainError):
    """Someone else was first, or the current state does not allow this."""

    code = "conflict"
    status = 409


class Stale(DomainError):
    """If-Match names an old version; the row has changed since."""

    code = "stale"
    status = 412


class TooLarge(DomainError):
    """The input is larger than this installation accepts."""

    code = "too_large"
    status = 413


class TooMany(DomainError):
    """There were too many calls; ``retry_after_s`` says how long to wait."""

    code = "too_many"
    status = 429
    retryable = True


class Unavailable(DomainError):
    """A service that this action needs is temporarily unavailable."""

    code = "unavailable"
    status = 503
    retryable = True


@dataclass(slots=True)
class Problems:
    """A list of field problems that are raised together, so the caller can fix all at once."""

    entries: list[FieldProblem] = field(default_factory=list)

    def add(self, pointer: str, detail: str, code: str = "invalid") -> None:
        self.entries.append(FieldProblem(pointer, detail, code))

    def raise_if_any(self, detail: str = "Some values are not valid; see errors.") -> None:
        if self.entries:
            raise Invalid(detail, errors=self.entries)
