"""Migrations of all schemas of the installation."""

from __future__ import annotations

from lastmile.core.postgres import migrate
from lastmile.core.postgres.context import PUBLIC
from lastmile.core.tenancy import HOUSE, TEMPLATE, shared_context
from tenants import selectors
from tenants.services.opening import keep_house_at_base_domain, open_house


def migrate_house() -> dict[str, list[str]]:
    """Apply the code's migrations to public, the template and every retailer.

    The operator's schema is opened if it does not exist. It is safe to repeat at any time and
    after an interruption. Locks: the migration lock. Returns: the applied migrations, by schema.
    Raises: MigrationRunning.
    """
    with migrate.migration_lock():
        migrate.create_extensions()
        migrate.create(TEMPLATE)
        done = {schema: migrate.migrate(schema) for schema in (PUBLIC, TEMPLATE)}
        for schema in selectors.schemas():
            done[schema] = migrate.migrate(schema)
    with shared_context():
        if selectors.find(HOUSE) is None:
            open_house()
            done[HOUSE] = []
        else:
            keep_house_at_base_domain()
    return done


def pending_migrations() -> dict[str, list[str]]:
    """Return the missing migrations by schema, only for schemas that miss some."""
    missing = {PUBLIC: migrate.pending(PUBLIC)}
    if migrate.exists(TEMPLATE):
        missing[TEMPLATE] = migrate.pending(TEMPLATE)
    if not missing[PUBLIC]:  # otherwise the table of retailers may not exist yet
        missing |= {schema: migrate.pending(schema) for schema in selectors.schemas()}
    return {schema: lacks for schema, lacks in missing.items() if lacks}
