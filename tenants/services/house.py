"""The schemas of the whole installation, brought to the code's migrations."""

from __future__ import annotations

from lastmile.core.postgres import migrate
from lastmile.core.postgres.context import PUBLIC
from lastmile.core.tenancy import HOUSE, TEMPLATE, shared_context
from tenants import selectors
from tenants.services.opening import keep_house_at_base_domain, open_house


def migrate_house() -> dict[str, list[str]]:
    """Bring public, the template, the house and every retailer to the code's migrations.

    Safe to run again at any time, and after any interruption: done is skipped. Locks: the house
    lock. Returns: the migrations applied, by schema. Raises: MigrationRunning.
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
    """Return what each schema lacks, by schema; only those that lack something."""
    missing = {PUBLIC: migrate.pending(PUBLIC)}
    if migrate.exists(TEMPLATE):
        missing[TEMPLATE] = migrate.pending(TEMPLATE)
    if not missing[PUBLIC]:  # else there may be no table of retailers yet
        missing |= {schema: migrate.pending(schema) for schema in selectors.schemas()}
    return {schema: lacks for schema, lacks in missing.items() if lacks}
