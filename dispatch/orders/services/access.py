"""Access notes: how the driver gets in or where the goods may be left, and the code for it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet import values
from dispatch.orders.errors import NoAccessCode, OrderUnderWay, status_word
from dispatch.orders.events import CHANGED, OrderChangedFacts
from dispatch.orders.handovers import needs_person, person_needed, without_person
from dispatch.orders.models import AccessKind, AccessNote, Order
from dispatch.orders.services.moves import lock_order
from dispatch.orders.states import ENDED, OrderState
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import record
from tenants.people.services import audit

MAX_TEXT, MAX_CODE = 1_000, 64
_CODED = frozenset({AccessKind.GATE_CODE, AccessKind.PIN, AccessKind.LOCKBOX})


@transaction.atomic
def set_access(
    *,
    order: Order,
    kind: str,
    text: str = "",
    code: str | None = None,
    version: int | None = None,
) -> AccessNote:
    """Write the access note of an order, for a shopper or for staff.

    ``code`` None keeps the code of the same kind; "" removes it. The note can change until the
    order has ended. Locks: the order. Records: order.changed with the name ``access`` if a value
    differs. Raises: Invalid; Stale; OrderUnderWay if the order has ended.
    """
    cleaned = _clean(kind, text, code)
    row = lock_order(order, version)
    _refuse_ended(row)
    if needs_person(row) and without_person(access=kind):
        raise person_needed(row, "/kind")
    before = AccessNote.objects.filter(order=row).first() or AccessNote(order=row)
    after = cleaned | {"code": _code(before, kind, code)}
    if before.pk is None and not any(after.values()):
        return before
    if before.pk is not None and all(getattr(before, n) == value for n, value in after.items()):
        return before
    note, _created = AccessNote.objects.update_or_create(order=row, defaults=after)
    record(CHANGED, OrderChangedFacts(changed=("access",)), subject=row.public_id)
    return note


@transaction.atomic
def clear_access(*, order: Order, version: int | None = None) -> None:
    """Delete the access note of an order, with its code. Without a note nothing changes.

    Locks: the order. Records: order.changed. Raises: Stale; OrderUnderWay if the order has ended.
    """
    row = lock_order(order, version)
    _refuse_ended(row)
    deleted, _rows = AccessNote.objects.filter(order=row).delete()
    if deleted:
        record(CHANGED, OrderChangedFacts(changed=("access",)), subject=row.public_id)


@transaction.atomic
def reveal_code(*, order: Order) -> str:
    """Return the code of an order's access note. The audit log names the reader of each look.

    Locks: nothing. Records: nothing; it writes an entry of the audit log. Raises: NoAccessCode.
    """
    note = AccessNote.objects.filter(order=order, code__isnull=False).first()
    if note is None or not note.code:
        raise NoAccessCode(
            _("This order has no access code. Codes are deleted when an order ends.")
        )
    audit("access.reveal", order.public_id)
    return str(note.code)


def _clean(kind: str, text: str, code: str | None) -> dict[str, Any]:
    rules: dict[str, values.Rule] = {
        "kind": values.one_of("", *AccessKind.values),
        "text": values.text(MAX_TEXT),
        "code": values.text(MAX_CODE),
    }
    cleaned = values.clean({"kind": kind, "text": text, "code": code or ""}, rules)
    if cleaned.pop("code").strip() and kind not in _CODED:
        detail = _("Only a gate code, a lockbox or a PIN has a code. Choose one of them, or leave "
                   "the code empty.")  # fmt: skip
        raise Invalid(detail, errors=[FieldProblem("/code", detail)])
    return cleaned


def _code(before: AccessNote, kind: str, code: str | None) -> str | None:
    """Return the code to store: the new one, none, or the stored one of the same kind."""
    if code is None:
        return before.code if kind == before.kind else None
    return code.strip() or None


def _refuse_ended(row: Order) -> None:
    if OrderState(row.state) in ENDED:
        raise OrderUnderWay(
            _("The order has the status “%(status)s” and can no longer change.")
            % {"status": status_word(row.state)},
            data={"order": row.public_id, "state": row.state},
        )
