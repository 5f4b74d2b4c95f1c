"""The databases of a test run: a template kept between runs, and a copy for each run.

The template's name is a hash of the migrations and of the code that opens retailers. So it is made
again only when one of them changes. It holds the operator's schema and two retailers, t1 and t2.
A test with ``db`` runs inside a transaction that is rolled back. A test that needs real commits
(races, threads, websockets) uses ``fresh_db`` and gets its own copy. A copy has 4,000 files, which
some file systems take over a second to create. So copies are kept in memory where there is room.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import AsyncClient, Client

from lastmile.core.tenancy import HOUSE, RetailerRef, retailer_context
from tenants import selectors
from tenants.policy import Policy
from tenants.services import Opening, migrate_house, open_retailer

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE_PREFIX = "lm_tpl_"
COPY_PREFIX = "lm_test_"
_LOCK = 20_261_122  # one maker at a time
_MEMORY = Path("/dev/shm")  # Linux keeps its files in memory
_MEMORY_SPACE = "lm_memory"  # the tablespace of the copies
_LEAST_FREE_BYTES = 4 << 30
_numbers = itertools.count(1)
# Files that determine the contents of the template, besides the migrations.
_MAKERS = (
    *(
        "tenants/services/opening.py",
        "tenants/policy.py",
        "tests/databases.py",
        "lastmile/settings.py",
    ),
    *("lastmile/core/postgres/clone.py", "lastmile/core/postgres/migrate.py"),
)

FIRST = Opening(
    schema="t1",
    domain="t1.localhost",
    policy=Policy(name="First & Sons", zone="Europe/Lisbon", currency="EUR"),
)
SECOND = Opening(
    schema="t2",
    domain="t2.localhost",
    policy=Policy(name="Segunda", zone="America/Santiago", currency="CLP", language="es"),
)


def template_name() -> str:
    """Return the name of the template database for the current code."""
    digest = hashlib.sha256(django.__version__.encode())
    migrations = (
        path
        for package in ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal")
        for path in (ROOT / package).glob("**/migrations/*.py")
    )
    for path in [*sorted(migrations), *(ROOT / maker for maker in _MAKERS)]:
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return TEMPLATE_PREFIX + digest.hexdigest()[:16]


def use(name: str) -> str:
    """Connect this process to a database; return the name of the previous one."""
    connections.close_all()
    previous: str = connections.settings["default"]["NAME"]
    connections.settings["default"]["NAME"] = name
    for connection in connections.all(initialized_only=True):
        connection.settings_dict["NAME"] = name
    return previous


def _admin() -> psycopg.Connection:
    database = settings.DATABASES["default"]
    return psycopg.connect(
        host=database["HOST"], user=database["USER"], password=database["PASSWORD"] or None,
        port=database["PORT"] or None, dbname="postgres", autocommit=True,
    )  # fmt: skip


def _names(admin: psycopg.Connection) -> set[str]:
    return {row[0] for row in admin.execute("SELECT datname FROM pg_database").fetchall()}


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def ensure_template() -> str:
    """Make the template if there is none for this code; drop unused ones. Return its name."""
    name = template_name()
    with closing(_admin()) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        names = _names(admin)
        for unused in names:
            if unused.endswith("_making") or _is_orphan(unused):
                _drop(admin, unused)
        _make_space(admin)
        if name in names:
            return name
        for old in names:
            if old.startswith(TEMPLATE_PREFIX):
                _drop(admin, old)
        making = f"{name}_making"
        admin.execute(f'CREATE DATABASE "{making}"')
        before = use(making)
        try:
            migrate_house()
            with retailer_context(HOUSE):
                open_retailer(FIRST)
                open_retailer(SECOND)
        finally:
            use(before)
        admin.execute(f'ALTER DATABASE "{making}" RENAME TO "{name}"')
    return name


def _is_orphan(name: str) -> bool:
    """Return True if the process that uses a copy has ended."""
    if not name.startswith(COPY_PREFIX):
        return False
    return not Path(f"/proc/{name.removeprefix(COPY_PREFIX).split('_')[0]}").exists()


def _space_of_copies() -> Path | None:
    """Return the folder in memory for the copies of this checkout; None without enough room."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _LEAST_FREE_BYTES:
        return None
    checkout = hashlib.sha256(str(settings.VAR).encode()).hexdigest()[:12]
    return _MEMORY / f"lastmile-tests-{os.getuid()}-{checkout}"


def _make_space(admin: psycopg.Connection) -> None:
    """Make the tablespace of the copies if there is room; after a reboot, make it again."""
    folder = _space_of_copies()
    there = _has_space(admin)
    if folder is None or (there and folder.is_dir()):
        return
    if there:
        lost = "SELECT datname FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace "
        for row in admin.execute(lost + "WHERE spcname = %s", [_MEMORY_SPACE]).fetchall():
            _drop(admin, row[0])
        admin.execute(f"DROP TABLESPACE {_MEMORY_SPACE}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    (data,) = admin.execute("SHOW data_directory").fetchone() or ("",)
    owner = Path(data).stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    admin.execute(f"CREATE TABLESPACE {_MEMORY_SPACE} LOCATION '{folder}'")


def _has_space(admin: psycopg.Connection) -> bool:
    query = "SELECT 1 FROM pg_tablespace WHERE spcname = %s"
    return admin.execute(query, [_MEMORY_SPACE]).fetchone() is not None


@contextmanager
def copy_of(template: str) -> Iterator[str]:
    """Copy a database, use the copy for the length of a block and drop it; yield its name."""
    name = f"{COPY_PREFIX}{os.getpid()}_{next(_numbers)}"
    with closing(_admin()) as admin:
        where = f"TABLESPACE {_MEMORY_SPACE}" if _has_space(admin) else ""
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy {where}')
    before = use(name)
    try:
        yield name
    finally:
        use(before)
        with closing(_admin()) as admin:
            _drop(admin, name)


@pytest.fixture(scope="session")
def template_database(django_db_blocker: pytest.FixtureRequest) -> str:
    """Return the name of the template database."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return ensure_template()


@pytest.fixture(scope="session")
def django_db_setup(
    template_database: str, django_db_blocker: pytest.FixtureRequest
) -> Iterator[None]:
    """Use this run's own copy of the template; each ``db`` test is rolled back in it."""
    with django_db_blocker.unblock(), copy_of(template_database):  # type: ignore[attr-defined]
        yield


@pytest.fixture
def fresh_db(
    template_database: str, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[str]:
    """Make a database for this test, where commits are real; yield its name."""
    with django_db_blocker.unblock(), copy_of(template_database) as name:  # type: ignore[attr-defined]
        yield name


def _database(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("fresh_db" if "fresh_db" in request.fixturenames else "db")


@pytest.fixture
def retailer(request: pytest.FixtureRequest) -> Iterator[RetailerRef]:
    """Yield retailer t1; the test runs in its context."""
    _database(request)
    with retailer_context(FIRST.schema) as ref:
        yield ref


def _reference(schema: str) -> RetailerRef:
    ref = selectors.find(schema)
    assert ref is not None
    return ref


@pytest.fixture
def other(request: pytest.FixtureRequest) -> RetailerRef:
    """Return retailer t2 without entering its context: ``with retailer_context(other): …``."""
    _database(request)
    return _reference(SECOND.schema)


@pytest.fixture
def house(request: pytest.FixtureRequest) -> RetailerRef:
    """Return the operator's schema without entering its context."""
    _database(request)
    return _reference(HOUSE)


def client_of(ref: RetailerRef) -> Client:
    """Return a browser for a retailer's host."""
    return Client(headers={"host": ref.domain})


@pytest.fixture
def client(retailer: RetailerRef) -> Client:
    """Return a browser at t1's host."""
    return client_of(retailer)


@pytest.fixture
def other_client(other: RetailerRef) -> Client:
    """Return a browser at t2's host."""
    return client_of(other)


class HostedAsyncClient(AsyncClient):
    """An async client without Django's default Host header.

    A request with two Host headers would be treated like one without any.
    """

    def _base_scope(self, **request: Any) -> dict[str, Any]:
        scope: dict[str, Any] = super()._base_scope(**request)
        scope["headers"] = [line for line in scope["headers"] if line[1] != b"testserver"]
        return scope


def async_client_of(ref: RetailerRef) -> AsyncClient:
    """Return a browser for a retailer's host, for async tests."""
    return HostedAsyncClient(host=ref.domain)  # as a default, Django misnames headers=


@pytest.fixture
def async_client(retailer: RetailerRef) -> AsyncClient:
    """Return a browser at t1's host, for async tests."""
    return async_client_of(retailer)
