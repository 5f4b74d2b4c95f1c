"""The values that the effects of an act need: its row, its run, and the incidents so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from dispatch.fleet.models import Hub, Shift
from dispatch.live.acts import ActDraft
from dispatch.live.models import Device, DriverAct, Incident, Run
from dispatch.live.services.incidents import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.models import Order


@dataclass(slots=True, kw_only=True)
class Taking:
    """An act while it is taken: its row, its draft, its run, and the incidents so far."""

    act: DriverAct
    draft: ActDraft
    device: Device
    shift: Shift | None
    run: Run | None
    incidents: list[Incident] = field(default_factory=list)

    @property
    def shift_id(self) -> str:
        """Public id of the shift, "" without one."""
        return self.shift.public_id if self.shift else ""

    def open(
        self,
        kind: IncidentKind,
        *,
        order: Order | None = None,
        key: str = "",
        due_at: dt.datetime | None = None,
        **params: Any,
    ) -> Incident:
        """Open an incident about this act; ``params`` are ids, numbers and words of lists.

        ``due_at`` is when it matters. A time before the act is left out.
        """
        if due_at is not None and due_at <= self.act.happened_at:
            due_at = None
        incident = open_incident(
            draft=IncidentDraft(
                kind=kind,
                hub=self._hub(order),
                order=order,
                shift=self.shift,
                driver=self.device.driver,
                device=self.device,
                act=self.act,
                params={"act": self.draft.kind, **params},
                key=key,
                due_at=due_at,
            )
        )
        self.incidents.append(incident)
        return incident

    def _hub(self, order: Order | None) -> Hub:
        if order is not None and order.hub is not None:
            return order.hub
        return self.shift.hub if self.shift else self.device.driver.hub
