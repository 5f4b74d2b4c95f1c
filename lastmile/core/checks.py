"""Start-up checks: wrong names, views without a permission, and schemas that differ.

Checks without the database run with every ``manage.py check``. Checks that query the database run
with ``check --database default``, which ``prepare`` calls after the migrations at every start.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connection
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string, module_has_submodule

from lastmile.core import navigation, wiring
from lastmile.core.postgres.context import PUBLIC
from lastmile.core.tenancy import TEMPLATE, registry, shared_context

PACKAGES = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal")
_OWN_NAME = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)+\Z")
LEDGER = "django_migrations"  # the only table that is in public and in every retailer's schema
_WHO = "Use @page(Act.X) or @open_to_all('why'); on API classes acts = {…}; on consumers act."


# --- names -----------------------------------------------------------------------------------
@register("house")
def every_wired_name_resolves(**_kwargs: Any) -> list[CheckMessage]:
    """Check that each name in the switchboard, navigation, schedule and settings resolves."""
    problems = [*wiring.problems(), *navigation.problems(), *_schedule_problems()]
    for where, name in _names_in_settings():
        if not _resolves(name):
            problems.append(f"{where} names {name!r}, which does not resolve.")
    return [Error(text, id="house.E001") for text in problems]


def _schedule_problems() -> Iterator[str]:
    for app in apps.get_app_configs():  # imports the tasks as Celery does when a worker starts
        if app.module is not None and module_has_submodule(app.module, "tasks"):
            import_module(f"{app.name}.tasks")
    for name, entry in import_module(settings.SCHEDULE).SCHEDULE.items():
        if entry.task not in current_app.tasks:
            yield f"The schedule {name!r} names the task {entry.task!r}, which is not defined."


def _names_in_settings() -> Iterator[tuple[str, str]]:
    for setting in dir(settings):
        if setting.isupper() and setting != "LOGGING":  # loggers are named like modules
            for text in _texts(getattr(settings, setting)):
                if _OWN_NAME.match(text):
                    yield f"settings.{setting}", text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _texts(inner)


def _resolves(name: str) -> bool:
    for find in (import_module, import_string, apps.get_model):
        try:
            find(name)
        except (ImportError, LookupError, ValueError):
            continue
        return True
    return False


# --- permissions -----------------------------------------------------------------------------
@register("house")
def every_view_declares_its_permission(**_kwargs: Any) -> list[CheckMessage]:
    """Report each page, API class and websocket that does not declare its permission."""
    silent = {
        where
        for urlconf in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF)
        for where, view in views(urlconf)
        if not _declares_permission(view)
    }
    silent |= {f"websocket {where}" for where, app in sockets() if not _declares_permission(app)}
    return [
        Error(f"{where} does not declare its permission.", hint=_WHO, id="house.E002")
        for where in sorted(silent)
    ]


def views(urlconf: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every (URL, view) of a URLconf, in order."""
    yield from _under("/", get_resolver(urlconf).url_patterns)


def _under(head: str, patterns: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        where = head + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _under(where, pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield where, pattern.callback


def sockets() -> Iterator[tuple[str, Any]]:
    """Yield every (URL, consumer) of the websocket routes."""
    for name in settings.SOCKET_ROUTES:
        for route in import_string(name):
            yield f"/{route.pattern}", route.callback


def _declares_permission(view: Any) -> bool:
    declared = getattr(view, "cls", None) or getattr(view, "consumer_class", None)
    return any(
        getattr(holder, word, None)
        for holder in (view, declared)
        for word in ("who_may", "acts", "act")
        if holder is not None
    )


# --- schemas ---------------------------------------------------------------------------------
_SHAPES = """
    SELECT n.nspname, c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                                            || CASE WHEN a.attnotnull THEN '!' ELSE '' END, ', '
                                            ORDER BY a.attname)
      FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
                                       AND NOT c.relispartition
           LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE n.nspname = ANY(%s) GROUP BY 1, 2
"""


@register(Tags.database)
def every_schema_has_the_same_tables(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Compare the tables of public, the template and every retailer.

    No table may be both in public and in a retailer's schema, and all retailers must have the
    tables of the template.
    """
    if not databases or "default" not in databases:
        return []
    try:
        with shared_context():
            shapes = table_shapes([PUBLIC, TEMPLATE, *registry().schemas()])
    except DatabaseError as away:
        return [CheckWarning(f"The schemas cannot be compared: {away}", hint="Run migrate_house.",
                        id="house.W003")]  # fmt: skip
    return [*_tables_in_two_places(shapes), *_differing_schemas(shapes)]


def table_shapes(schemas: list[str]) -> dict[str, dict[str, str]]:
    """Return for each schema and table a text that describes the columns of the table.

    The result is {schema: {table: text}}. Call it in ``shared_context()``.
    """
    shapes: dict[str, dict[str, str]] = {schema: {} for schema in schemas}
    with connection.cursor() as cursor:
        cursor.execute(_SHAPES, [schemas])
        for schema, table, columns in cursor.fetchall():
            shapes[schema][table] = columns
    return shapes


def _tables_in_two_places(shapes: Mapping[str, Mapping[str, str]]) -> Iterator[CheckMessage]:
    """Report each table that is in public and in a retailer's schema.

    A retailer without that table would read the one in public without any error.
    """
    own = {table for schema, tables in shapes.items() if schema != PUBLIC for table in tables}
    for table in sorted(own & set(shapes[PUBLIC]) - {LEDGER}):
        yield Error(
            f"The table {table} is in public and in a retailer's schema.",
            hint="An app belongs to SHARED_APPS or to TENANT_APPS; drop the table in public.",
            id="house.E004",
        )


def _differing_schemas(shapes: Mapping[str, Mapping[str, str]]) -> Iterator[CheckMessage]:
    model = shapes[TEMPLATE]
    for schema, tables in shapes.items():
        if schema in {PUBLIC, TEMPLATE}:
            continue
        differing = sorted(
            table for table in {*model, *tables} if model.get(table) != tables.get(table)
        )
        if differing:
            yield Error(
                f"{schema} differs from the template in: {', '.join(differing)}.",
                hint="Run migrate_house. If the error remains, tables were changed by hand.",
                id="house.E005",
            )


# --- settings for localhost only -------------------------------------------------------------
@register("house")
def no_local_setting_is_public(**_kwargs: Any) -> list[CheckMessage]:
    """Report DEBUG, a test clock, an open socket folder and missing keys on a public host."""
    if settings.LOCAL:
        return []
    refused = {
        "DEBUG is on": settings.DEBUG,
        "ALLOW_TEST_CLOCK is set": os.environ.get("ALLOW_TEST_CLOCK", "") not in {"", "0"},
        "FIELD_KEYS is missing": not settings.FIELD_KEYS,
        "the folder of the servers' sockets is open to others": _open_to_others(
            settings.SOCKET_FOLDER
        ),
    }
    return [_refusal(reason) for reason, true in refused.items() if true]


@register(Tags.database)
def no_demo_is_public(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report demo retailers on a public host, because their passwords are in a file."""
    if settings.LOCAL or not databases or "default" not in databases:
        return []
    try:
        demos = registry().demos()
    except DatabaseError:
        return []  # every_schema_has_the_same_tables reports it
    return [_refusal(f"{schema} is a demo retailer") for schema in demos]


def _refusal(reason: str) -> Error:
    return Error(
        f"BASE_DOMAIN is {settings.BASE_DOMAIN}, and {reason}.",
        hint="This is allowed on localhost only. Correct it and start again.",
        id="house.E006",
    )


def _open_to_others(folder: Path) -> bool:
    return folder.exists() and bool(stat.S_IMODE(folder.stat().st_mode) & 0o077)


# --- storage ---------------------------------------------------------------------------------
@register("house")
def the_storage_can_be_used(**_kwargs: Any) -> list[CheckMessage]:
    """Check that the packages for object storage are here, if STORAGE_URL names a bucket."""
    if settings.STORAGE_BUCKET is None or (find_spec("storages") and find_spec("boto3")):
        return []
    return [
        Error(
            "STORAGE_URL names a bucket, but the packages for it are not installed.",
            hint="pip install --require-hashes -r requirements-s3.txt",
            id="house.E011",
        )
    ]
