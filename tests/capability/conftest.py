"""Installs the example app: its settings, and its table in the schemas of two retailers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as real
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import clear_url_caches

from lastmile.core.tenancy import retailer_context
from tenants.roles import TABLE, Act
from tests.databases import FIRST, SECOND

APP = "tests.capability"


@pytest.fixture
def installed(fresh_db: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the example app in Django, on a separate database where transactions commit."""
    settings.TENANT_APPS = [*real.TENANT_APPS, APP]
    settings.INSTALLED_APPS = [*real.INSTALLED_APPS, APP]
    settings.SWITCHBOARD = f"{APP}.switchboard"
    settings.NAVIGATION = f"{APP}.navigation"
    settings.ROOT_URLCONF = f"{APP}.urls"
    settings.SOCKET_ROUTES = [f"{APP}.ws.routes", *real.SOCKET_ROUTES]
    clear_url_caches()
    # A real app would edit the table of permissions, because apps cannot change it at run time.
    row = TABLE[Act.ORDERS_VIEW]
    extended = replace(row, links=row.links | {"remark_link"})
    monkeypatch.setitem(TABLE, Act.ORDERS_VIEW, extended)  # type: ignore[arg-type]
    for retailer in (FIRST, SECOND):
        with retailer_context(retailer.schema):
            MigrationExecutor(connection).migrate([("remarks", "0001_remarks")])
    yield
    clear_url_caches()
