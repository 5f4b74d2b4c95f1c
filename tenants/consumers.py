"""The base of websocket consumers: it checks access at the start and again while they run."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any, ClassVar, Final

from django.db import DatabaseError, InterfaceError

from lastmile.core.errors import DomainError
from lastmile.core.sockets import Close, SnapshotConsumer
from lastmile.core.tenancy import NoRetailer
from tenants.credentials import current_principal
from tenants.people.sockets import access_group
from tenants.permissions import Act, Principal, may

log = logging.getLogger(__name__)
RECHECK_S: Final = 60


class RetailerConsumer(SnapshotConsumer):
    """The base of consumers: set ``act``, override ``groups_joined`` and ``snapshot``.

    The gate has put the caller into the scope. The permission table decides here: at the start,
    every minute, and immediately after the access of the caller changes.
    """

    act: ClassVar[Act]
    principal: Principal

    def hub(self) -> str | None:
        """Return the public id of the one hub that the socket shows, or None."""
        return None

    def refusal(self) -> Close | None:
        """Return the close code for the caller, or None if access is granted."""
        if self.scope["refusal"] is not None:
            return Close(self.scope["refusal"])
        if self.scope["principal"] is None:
            return Close.WHO
        self.retailer, self.principal = self.scope["retailer"], self.scope["principal"]
        if not may(self.principal, self.act):
            return Close.NOT_ALLOWED
        if not may(self.principal, self.act, self.hub()):
            return Close.UNKNOWN
        return None

    def caller_id(self) -> str:
        """Return the public id of the principal."""
        return self.principal.public_id

    def own_groups(self) -> list[str]:
        """Return the channel group that tells the caller's sockets about a change of access."""
        return [access_group(self.principal.public_id)]

    async def current_refusal(self) -> Close | None:
        """Check credential and permission again; return None, or the code to close the socket.

        If the check itself fails, for example without a database, the socket is closed too.
        """
        try:
            principal = await self.ask(current_principal, self.scope["credential"])
        except (NoRetailer, DomainError):  # the retailer itself is suspended or gone
            return Close.UNKNOWN
        except (DatabaseError, InterfaceError, OSError):
            log.exception("Access could not be looked up; the socket closes")
            return Close.AWAY
        if principal is None:
            return Close.WHO
        if not may(principal, self.act, self.hub()):
            return Close.NOT_ALLOWED
        self.principal = principal
        return None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the consumer, and check the caller's access every minute while it runs."""
        watch = asyncio.create_task(self._watch())
        try:
            await super().__call__(scope, receive, send)
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        while True:
            # Sockets that were opened together, for example after a restart, are spread out.
            await asyncio.sleep(RECHECK_S * random.uniform(0.7, 1))  # noqa: S311  not a secret
            if self._names and not self._ended:
                await self.recheck_access()

    async def access_changed(self, event: Any) -> None:
        """Check access now: a sign-out, a change of the member or a revoked key was announced."""
        await self.recheck_access()
