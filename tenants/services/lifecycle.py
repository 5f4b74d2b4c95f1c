"""Suspend, resume and close retailers; the only module that writes a retailer's status.

Call these functions in the operator's schema (``retailer_context(HOUSE)``), whose journal
records each change.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from lastmile.core.errors import Conflict, Invalid, NotAllowed
from lastmile.core.events import record
from lastmile.core.postgres.context import check_name
from lastmile.core.tenancy import HOUSE
from lastmile.worklist.services import forget
from tenants.events import RETAILER, RetailerMovedFacts
from tenants.models import Domain, Retailer, Status
from tenants.people.services import audit
from tenants.policy import Policy
from tenants.selectors import row_of
from tenants.states import MOVES, VERBS

STATUS_NAMES = {
    Status.OPENING.value: pgettext_lazy("status", "Opening"),
    Status.ACTIVE.value: pgettext_lazy("status", "Active"),
    Status.SUSPENDED.value: pgettext_lazy("status", "Suspended"),
    Status.CLOSING.value: pgettext_lazy("status", "Closing"),
    Status.CLOSED.value: pgettext_lazy("status", "Closed"),
}


class WrongMove(Conflict):
    """The status of the retailer does not allow this change."""

    code = "wrong_move"


class HouseProtected(NotAllowed):
    """The operator's own schema cannot be suspended or closed."""

    code = "house_stands"


def suspend(schema: str) -> Retailer:
    """Suspend a retailer: its pages and API answer 503 from the next request. Its data stays.

    Locks: the row. Records: retailer.suspended. Raises: NotFound, WrongMove, HouseProtected.
    """
    with transaction.atomic():
        return move(_locked(schema), Status.SUSPENDED)


def resume(schema: str) -> Retailer:
    """Make a suspended retailer active again.

    Locks: the row. Records: retailer.resumed. Raises: NotFound, WrongMove, HouseProtected.
    """
    with transaction.atomic():
        retailer = _locked(schema)
        if retailer.status != Status.SUSPENDED:
            raise _wrong(retailer, Status.ACTIVE)
        return move(retailer, Status.ACTIVE)


def close(schema: str, *, confirm: str, drop: bool = False) -> Retailer:
    """Close a retailer for good. Its host name and schema name are free again.

    The tables stay under another name (``closed_…``) for the operator to archive, or are dropped.
    Locks: the row, and with `drop` every table. Records: retailer.closed. Raises: NotFound,
    WrongMove, HouseProtected; Invalid when `confirm` is not the schema's name.
    """
    if confirm != schema:
        raise Invalid(_("To close the retailer, type the name of its schema."))
    with transaction.atomic():
        retailer = _locked(schema)
        if retailer.status == Status.OPENING:  # only reserved: there are no tables
            release(retailer)
            return retailer
        move(retailer, Status.CLOSING)
        release(retailer)
        with connection.cursor() as cursor:
            if drop:
                cursor.execute(f"DROP SCHEMA {check_name(schema)} CASCADE")
            else:
                archived = check_name(retailer.schema_name)
                cursor.execute(f"ALTER SCHEMA {check_name(schema)} RENAME TO {archived}")
    return retailer


def release(retailer: Retailer) -> None:
    """Free the names of a retailer and discard its waiting work. The caller has locked the row."""
    forget(schema=retailer.schema_name)
    Domain.objects.filter(retailer=retailer).delete()
    retailer.schema_name = "closed_" + retailer.public_id.partition("_")[2]
    retailer.save(update_fields=["schema_name"])
    move(retailer, Status.CLOSED)


def move(retailer: Retailer, status: Status) -> Retailer:
    """Write the status, the event and the audit entry. The caller has locked the row.

    Raises
    ------
    WrongMove
        The table of allowed changes does not contain this one.
    """
    before = retailer.status
    if status not in MOVES[before]:
        raise _wrong(retailer, status)
    retailer.status = status
    retailer.version += 1
    retailer.save(update_fields=["status", "version"])
    verb = VERBS.get((before, status.value))
    if verb is not None:
        kind = RETAILER[verb]
        record(kind, RetailerMovedFacts(from_=before), subject=retailer.public_id)
        audit(kind.name, retailer.public_id, {"status": (before, status.value)})
    return retailer


def columns(policy: Policy) -> dict[str, object]:
    """Return a policy as columns of the retailer's row."""
    return {
        "name": policy.name.strip(),
        "zone": policy.zone,
        "currency": policy.currency,
        "language": policy.language,
        "units": policy.units,
        "brand": policy.brand_json(),
    }


def _locked(schema: str) -> Retailer:
    if schema == HOUSE:
        raise HouseProtected(_("The schema of the operator cannot be suspended or closed."))
    return row_of(Retailer.objects.select_for_update(), schema)


def _wrong(retailer: Retailer, status: Status) -> WrongMove:
    return WrongMove(
        _("%(name)s cannot become “%(wanted)s”, because its status is “%(present)s”.")
        % {
            "name": retailer.name,
            "present": STATUS_NAMES[retailer.status],
            "wanted": STATUS_NAMES[status.value],
        },
        data={"status": retailer.status},
    )
