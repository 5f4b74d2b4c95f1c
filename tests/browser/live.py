"""Runs the real ASGI application for browser tests, on its own port and with its own database.

Playwright keeps an event loop running in the test's thread, where Django does not allow the ORM.
So all database work runs in one worker thread, through ``Live.do``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections
from django.test import override_settings
from playwright.sync_api import BrowserContext

from lastmile.asgi import application
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import Member
from tests.browser.world import World, make_day
from tests.core.serving import served
from tests.databases import FIRST, copy_of
from tests.people import logged_in

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Live:
    """A running server: retailer t1 is at ``t1.localhost``, the public pages at ``localhost``."""

    port: int
    world: World
    worker: ThreadPoolExecutor

    @property
    def retailer(self) -> str:
        """Return the base address of retailer t1's pages."""
        return f"http://{FIRST.domain}:{self.port}"

    @property
    def public(self) -> str:
        """Return the base address of the public pages."""
        return f"http://{settings.BASE_DOMAIN}:{self.port}"

    def do(self, act: Callable[[RetailerRef], T]) -> T:
        """Call ``act`` in t1's context in the worker thread, and return its result."""
        return self.worker.submit(_in_retailer, act).result(timeout=60)

    def log_in(self, context: BrowserContext, role: str) -> None:
        """Sign a browser in as the member with a role."""
        email = self.world.emails[role]

        def cookie(ref: RetailerRef) -> str:
            client = logged_in(ref, Member.objects.get(email=email))
            return client.cookies[settings.SESSION_COOKIE_NAME].value

        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": self.do(cookie), "url": self.retailer}]
        )


def _in_retailer(act: Callable[[RetailerRef], T]) -> T:
    try:
        with retailer_context(FIRST.schema) as ref:
            return act(ref)
    finally:
        connections.close_all()


@contextmanager
def live_server(template: str, **day: Any) -> Iterator[Live]:
    """Serve a copy of the template database with the data of ``make_day`` during a block."""
    with ThreadPoolExecutor(1, "database") as worker:
        copy = copy_of(template)
        worker.submit(copy.__enter__).result(timeout=60)
        try:
            world = worker.submit(_in_retailer, lambda _ref: make_day(**day)).result(timeout=120)
            with served(application) as port, override_settings(PORT=port):
                yield Live(port, world, worker)
        finally:
            worker.submit(copy.__exit__, None, None, None).result(timeout=60)
