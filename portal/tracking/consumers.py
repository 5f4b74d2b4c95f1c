"""The socket of a shopper's page, ``/ws/v1/track/<secret>/``: it hears one order only.

Frames: ``snapshot`` and, after each change, ``status``, both with the whole status
(``selectors.shopper_status``); and ``position`` at most once a second while the driver is on the
way to this shopper. The status is read in this socket when it is sent, so an older one never
follows a newer one.
"""

from __future__ import annotations

from typing import Any

from dispatch.live.services import TRACK, note_followed
from dispatch.orders.links import NAME
from dispatch.orders.selectors import orders
from lastmile.core.http import fetch
from lastmile.core.sockets import Caller, Close
from portal.tracking.handlers import CHANGED
from portal.tracking.selectors import delivery_of, shopper_status
from tenants.consumers import RetailerConsumer
from tenants.permissions import Act


class TrackSocket(RetailerConsumer):
    """The connection of an open delivery page. A link that is unknown or has ended gets 4404."""

    act = Act.SHOPPER_VIEW
    caller = Caller.SHOPPER
    _shift = ""  # the shift whose vehicle this page follows

    def refusal(self) -> Close | None:
        """Refuse everybody but the reader of a valid link."""
        reader = self.scope["principal"]
        if self.scope["refusal"] is None and (reader is None or reader.role != NAME):
            return Close.UNKNOWN
        return super().refusal()

    async def current_refusal(self) -> Close | None:
        """Check the link again; a link that has ended is unknown."""
        refusal = await super().current_refusal()
        if refusal is None and self._shift:
            await self.ask(note_followed, self._shift)
        return Close.UNKNOWN if refusal in {Close.WHO, Close.NOT_ALLOWED} else refusal

    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the group of the order."""
        return [(TRACK, self.principal.public_id)]

    def snapshot(self) -> tuple[int | None, Any]:
        """Return the present status of the order, and follow the vehicle that brings it."""
        delivery = delivery_of(fetch(orders(), self.principal.public_id))
        approach = delivery.approach
        self._shift = approach.shift if approach else ""
        if self._shift:
            note_followed(self._shift)
        return None, shopper_status(delivery)

    async def frame_out(self, event: Any) -> None:
        """Send a position; on a change read the status and send it."""
        if event["kind"] == CHANGED:
            await self.send_snapshot("status")
        else:
            await super().frame_out(event)
