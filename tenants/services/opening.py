"""Open a retailer: reserve its names, then create its tables from the template.

Call these functions in the operator's schema (``retailer_context(HOUSE)``), whose journal
records the opening.
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
    """The schema name or the host name is in use."""

    code = "name_taken"


@dataclass(frozen=True, slots=True)
class Owner:
    """The first owner of a new retailer."""

    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Opening:
    """The description of a new retailer.

    Parameters
    ----------
    schema : str
        Name of its schema, by convention ``t_acme``.
    domain : str
        Its host name. A single word is added in front of BASE_DOMAIN.
    policy : Policy
        Its first policy.
    is_demo : bool
        True for a demo, whose passwords are in a file. Only allowed on a laptop.
    owner : Owner, optional
        The first owner, who gets a link to set a password.
    is_sandbox : bool
        True for a retailer for tests, which can have its own clock. This never changes later, so
        that nobody can set the clock of real orders.
    """

    schema: str
    domain: str
    policy: Policy
    is_demo: bool = False
    owner: Owner | None = None
    is_sandbox: bool = False


def open_retailer(opening: Opening) -> RetailerRef:
    """Open a retailer now: reserve its names, then create its tables. Too slow for a web request.

    If a step fails, nothing stays behind. Locks: the migration lock, shared, so that migrations
    wait. Records: retailer.opened. Raises: Invalid, NameTaken, MigrationRunning.
    """
    with transaction.atomic():
        return build(reserve(opening).public_id)


def request_opening(opening: Opening) -> tuple[Retailer, Job]:
    """Reserve the names and enqueue a job that creates the tables; for web requests.

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
    """Reserve the schema name and the host name of a new retailer.

    Locks: nothing; the unique constraints decide a race. Records: nothing. Raises: Invalid,
    NameTaken.
    """
    if opening.is_demo and not settings.LOCAL:
        raise Invalid(
            _("Demo retailers work only on localhost, because a file holds their passwords.")
        )
    schema, domain = _checked_names(opening.schema, opening.domain)
    checked = policy.check(opening.policy)
    try:
        with transaction.atomic():
            if migrate.exists(schema):
                raise IntegrityError("schema_name")
            retailer = Retailer.objects.create(
                schema_name=schema,
                is_demo=opening.is_demo,
                is_sandbox=opening.is_sandbox,
                **columns(checked),
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
    """Create the tables of a reserved retailer and make it active.

    If the retailer is already active, nothing happens. Everything is one transaction, so a worker
    that dies leaves nothing behind and a second run is safe. Locks: the migration lock, shared;
    the row. Records: retailer.opened. Raises: WrongMove, MigrationRunning.
    """
    with transaction.atomic():
        migrate.share_migration_lock()
        retailer = Retailer.objects.select_for_update().get(public_id=public_id)
        if retailer.status != Status.ACTIVE:
            clone_schema(TEMPLATE, retailer.schema_name)
            move(retailer, Status.ACTIVE)
    return selectors.by_public_id(public_id)


def open_house() -> RetailerRef:
    """Open the operator's own schema, served on BASE_DOMAIN. Call it in shared_context()."""
    house_policy = Policy(name="Lastmile", zone="UTC", currency="EUR")
    with transaction.atomic():
        migrate.share_migration_lock()
        clone_schema(TEMPLATE, HOUSE)
        row = Retailer.objects.create(
            schema_name=HOUSE, status=Status.ACTIVE, **columns(house_policy)
        )
        Domain.objects.create(retailer=row, domain=settings.BASE_DOMAIN.lower())
    return selectors.by_public_id(row.public_id)


def keep_house_at_base_domain() -> None:
    """Serve the operator's pages on the current BASE_DOMAIN. Raises: NameTaken."""
    host = settings.BASE_DOMAIN.lower()
    with transaction.atomic():
        row = Domain.objects.select_for_update().filter(domain=host).first()
        if row is not None and row.retailer.schema_name != HOUSE:
            raise NameTaken(
                _("BASE_DOMAIN %(domain)s is the address of a retailer. Choose another address.")
                % {"domain": host}
            )
        Domain.objects.filter(retailer__schema_name=HOUSE).update(domain=host)


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
