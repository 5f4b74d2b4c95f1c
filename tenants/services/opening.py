"""Opening a retailer: its names are reserved, then its tables are made from the template.

The caller stands in the house (``retailer_context(HOUSE)``): the act is a fact in its journal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from lastmile.core.errors import Conflict, FieldProblem, Invalid
from lastmile.core.jobs import enqueue
from lastmile.core.models import Job
from lastmile.core.postgres import migrate
from lastmile.core.postgres.clone import clone_schema
from lastmile.core.postgres.context import PUBLIC, is_valid_name
from lastmile.core.tenancy import HOUSE, TEMPLATE, RetailerRef
from tenants import policy, selectors
from tenants.models import Domain, Retailer, Status
from tenants.people.services import store_first_owner
from tenants.policy import Policy
from tenants.services.lifecycle import columns, move

OPEN_JOB = "retailer.open"
RESERVED = frozenset({PUBLIC, HOUSE, TEMPLATE, "information_schema"})
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z")


class NameTaken(Conflict):
    """The schema or the host name belongs to somebody already."""

    code = "name_taken"


@dataclass(frozen=True, slots=True)
class Owner:
    """The person who is to be the first owner of a new retailer."""

    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new retailer is: where its tables and pages are to be, and its first policy.

    Parameters
    ----------
    schema : str
        Name of its schema, ``t_acme`` by custom.
    domain : str
        Its host name; a single word is put before BASE_DOMAIN.
    policy : Policy
        Its first policy.
    is_demo : bool
        Made to be shown, with its passwords in a file: refused off the laptop.
    owner : Owner, optional
        Its first owner, who gets a link to set a password.
    is_sandbox : bool
        Made to try things out: it may have a clock of its own. It stays a sandbox for ever, and no
        other retailer becomes one, so that nobody moves the clock of real orders.
    """

    schema: str
    domain: str
    policy: Policy
    is_demo: bool = False
    owner: Owner | None = None
    is_sandbox: bool = False


def open_retailer(opening: Opening) -> RetailerRef:
    """Open a retailer now: reserve its names, then make its tables. Not for a web request.

    What could not be built leaves nothing behind. Locks: the house lock, shared (migrations
    wait). Records: retailer.opened. Raises: Invalid, NameTaken, MigrationRunning.
    """
    with transaction.atomic():
        return build(reserve(opening).public_id)


def request_opening(opening: Opening) -> tuple[Retailer, Job]:
    """Reserve the names and leave the tables to a job: what a web request does.

    Locks: nothing. Records: job.finished, and retailer.opened before it. Raises: Invalid,
    NameTaken.
    """
    with transaction.atomic():
        retailer = reserve(opening)
        if opening.owner is not None:
            store_first_owner(
                retailer=retailer.public_id, email=opening.owner.email, name=opening.owner.name
            )
        job = enqueue(OPEN_JOB, subject=retailer.public_id, dedupe_key=retailer.public_id)
    return retailer, job


def reserve(opening: Opening) -> Retailer:
    """Take the schema's and the host's name for a retailer that is to be opened.

    Locks: nothing; the unique constraints decide a race. Records: nothing. Raises: Invalid,
    NameTaken.
    """
    if opening.is_demo and not settings.LOCAL:
        raise Invalid(
            _("Demo retailers work only on localhost, because a file holds their passwords.")
        )
    schema, domain = _checked_names(opening.schema, opening.domain)
    given = policy.check(opening.policy)
    try:
        with transaction.atomic():
            if migrate.exists(schema):
                raise IntegrityError("schema_name")
            retailer = Retailer.objects.create(
                schema_name=schema,
                is_demo=opening.is_demo,
                is_sandbox=opening.is_sandbox,
                **columns(given),
            )
            Domain.objects.create(retailer=retailer, domain=domain)
    except IntegrityError as taken:
        if "schema_name" in str(taken):
            raise NameTaken(
                _("The schema %(schema)s is in use. Choose another name.") % {"schema": schema}
            ) from taken
        raise NameTaken(
            _("The address %(domain)s is in use. Choose another address.") % {"domain": domain}
        ) from taken
    return retailer


def build(public_id: str) -> RetailerRef:
    """Make the tables of a reserved retailer and let people in; done already, it only says so.

    All or nothing in one transaction, so that a worker's death in the middle leaves no trace and
    a second run is safe. Locks: the house lock, shared; the row. Records: retailer.opened.
    Raises: WrongMove, MigrationRunning.
    """
    with transaction.atomic():
        migrate.share_migration_lock()
        retailer = Retailer.objects.select_for_update().get(public_id=public_id)
        if retailer.status != Status.ACTIVE:
            clone_schema(TEMPLATE, retailer.schema_name)
            move(retailer, Status.ACTIVE)
    return selectors.by_public_id(public_id)


def open_house() -> RetailerRef:
    """Open the operator's own schema, served on BASE_DOMAIN. Stands in shared_context()."""
    given = Policy(name="Lastmile", zone="UTC", currency="EUR")
    with transaction.atomic():
        migrate.share_migration_lock()
        clone_schema(TEMPLATE, HOUSE)
        row = Retailer.objects.create(schema_name=HOUSE, status=Status.ACTIVE, **columns(given))
        Domain.objects.create(retailer=row, domain=settings.BASE_DOMAIN.lower())
    return selectors.by_public_id(row.public_id)


def keep_house_at_base_domain() -> None:
    """Serve the house where the environment says now. Raises: NameTaken."""
    wanted = settings.BASE_DOMAIN.lower()
    with transaction.atomic():
        taken = Domain.objects.select_for_update().filter(domain=wanted).first()
        if taken is not None and taken.retailer.schema_name != HOUSE:
            raise NameTaken(
                _("BASE_DOMAIN %(domain)s is the address of a retailer. Choose another address.")
                % {"domain": wanted}
            )
        Domain.objects.filter(retailer__schema_name=HOUSE).update(domain=wanted)


def _checked_names(schema: str, domain: str) -> tuple[str, str]:
    if not is_valid_name(schema) or schema in RESERVED:
        raise Invalid(
            _("%(schema)r is not a valid schema name.") % {"schema": schema},
            errors=[
                FieldProblem(
                    "/schema",
                    _("Use 1 to 48 characters (a-z, 0-9, _). Start with a letter: t_acme."),
                )
            ],
        )
    host = selectors.host_name(domain)
    if "." not in host and host != settings.BASE_DOMAIN:
        host = f"{host}.{settings.BASE_DOMAIN}"
    if _HOST.match(host) is None or len(host) > 253:
        raise Invalid(
            _("%(domain)r is not a valid host name.") % {"domain": domain},
            errors=[FieldProblem("/domain", _("Enter a host name: acme.example.org, or acme."))],
        )
    return schema, host
