"""Opening, suspending and closing retailers, and the schemas under them.

House work: it reads and writes shared tables. Each act is a fact in the journal of the house.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.errors import Conflict, FieldProblem, Invalid
from lastmile.core.postgres import migrate
from lastmile.core.postgres.clone import clone_schema
from lastmile.core.postgres.context import PUBLIC, is_valid_name
from lastmile.core.tenancy import HOUSE, TEMPLATE, RetailerRef, shared_context
from tenants import policy, selectors
from tenants.models import Domain, Retailer, Status
from tenants.policy import Policy
from tenants.states import MOVES

RESERVED = frozenset({PUBLIC, HOUSE, TEMPLATE, "information_schema"})
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z")


class NameTaken(Conflict):
    """The schema or the host name belongs to somebody already."""

    code = "name_taken"


class WrongMove(Conflict):
    """The retailer is not in a state from which this can be done."""

    code = "wrong_move"


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
    """

    schema: str
    domain: str
    policy: Policy


def open_retailer(opening: Opening) -> RetailerRef:
    """Open a retailer at once: reserve its names, then make its tables. Not for a web request.

    Locks: the house lock, shared (migrations wait). Records: retailer.opened in the house.
    Raises: Invalid, NameTaken, MigrationRunning.
    """
    with shared_context():
        retailer = reserve(opening)
        return build(retailer.public_id)


def reserve(opening: Opening) -> Retailer:
    """Take the schema's and the host's name for a retailer that is to be opened.

    Locks: nothing; the unique constraints decide a race. Records: nothing. Raises: Invalid,
    NameTaken.
    """
    schema, domain = _checked_names(opening.schema, opening.domain)
    given = policy.check(opening.policy)
    with transaction.atomic():
        if Retailer.objects.filter(schema_name=schema).exists() or migrate.exists(schema):
            raise NameTaken(
                _("The schema %(schema)s is in use. Choose another name.") % {"schema": schema}
            )
        if Domain.objects.filter(domain=domain).exists():
            raise NameTaken(
                _("The address %(domain)s is in use. Choose another one.") % {"domain": domain}
            )
        retailer = Retailer.objects.create(schema_name=schema, **_columns(given))
        Domain.objects.create(retailer=retailer, domain=domain)
    return retailer


def build(public_id: str) -> RetailerRef:
    """Make the tables of a reserved retailer and let people in; done already, it only says so.

    All or nothing in one transaction, so that a worker's death in the middle leaves no trace and
    a second run is safe. Locks: the house lock, shared; the row. Raises: WrongMove,
    MigrationRunning.
    """
    with transaction.atomic():
        migrate.share_house_lock()
        retailer = Retailer.objects.select_for_update().get(public_id=public_id)
        if retailer.status != Status.ACTIVE:
            clone_schema(TEMPLATE, retailer.schema_name)
            _move(retailer, Status.ACTIVE)
    return selectors.by_public_id(public_id)


def migrate_house() -> dict[str, list[str]]:
    """Bring public, the template, the house and every retailer to the code's migrations.

    Safe to run again at any time, and after any interruption. Locks: the house lock. Returns: the
    migrations applied, by schema. Raises: MigrationRunning.
    """
    with migrate.house_lock():
        migrate.create_extensions()
        migrate.create(TEMPLATE)
        done = {schema: migrate.migrate(schema) for schema in (PUBLIC, TEMPLATE)}
        for schema in selectors.schemas():
            done[schema] = migrate.migrate(schema)
    with shared_context():
        if not Retailer.objects.filter(schema_name=HOUSE).exists():
            open_house()
            done[HOUSE] = []
    return done


def open_house() -> RetailerRef:
    """Open the operator's own schema, served on BASE_DOMAIN."""
    given = Policy(name="Lastmile", zone="UTC", currency="EUR")
    with shared_context():
        retailer = Retailer.objects.create(schema_name=HOUSE, **_columns(given))
        Domain.objects.create(retailer=retailer, domain=settings.BASE_DOMAIN.lower())
        return build(retailer.public_id)


def _columns(given: Policy) -> dict[str, object]:
    return {
        "name": given.name.strip(),
        "zone": given.zone,
        "currency": given.currency,
        "language": given.language,
        "units": given.units,
        "brand": given.brand_json(),
    }


def _checked_names(schema: str, domain: str) -> tuple[str, str]:
    if not is_valid_name(schema) or schema in RESERVED:
        raise Invalid(
            _("%(schema)r cannot name a schema.") % {"schema": schema},
            errors=[
                FieldProblem(
                    "/schema",
                    _("Use 1 to 48 of a-z, 0-9 and _, a letter first, such as t_acme."),
                )
            ],
        )
    host = selectors.host_name(domain)
    if "." not in host and host != settings.BASE_DOMAIN:
        host = f"{host}.{settings.BASE_DOMAIN}"
    if _HOST.match(host) is None or len(host) > 253:
        raise Invalid(
            _("%(domain)r is no host name.") % {"domain": domain},
            errors=[
                FieldProblem("/domain", _("Give a host name such as acme.example.org, or acme."))
            ],
        )
    return schema, host


def _move(retailer: Retailer, status: Status) -> None:
    """Write the status; the one place that does."""
    if status not in MOVES[retailer.status]:
        raise WrongMove(
            _("%(name)s is %(present)s and cannot become %(wanted)s.")
            % {"name": retailer.name, "present": retailer.status, "wanted": status.value},
            data={"status": retailer.status},
        )
    retailer.status = status
    retailer.version += 1
    retailer.save(update_fields=["status", "version"])
