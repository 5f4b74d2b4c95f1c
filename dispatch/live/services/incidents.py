"""Opens and settles incidents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Driver, Hub, Shift
from dispatch.live import events
from dispatch.live.errors import IncidentSettled
from dispatch.live.models import Device, DriverAct, Incident
from dispatch.live.selectors.proof import is_proof_open
from dispatch.live.states import IncidentKind, IncidentState
from dispatch.orders.models import Order
from lastmile.core.actor import SYSTEM, current_actor
from lastmile.core.clock import now
from lastmile.core.errors import FieldProblem, Invalid, Stale
from lastmile.core.events import Lane, record
from tenants.people.services import audit

LONGEST_HOW = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDraft:
    """An incident to open: its kind, its hub, and what it concerns.

    ``key`` names the matter; "" makes it from kind, order and shift. ``due_at`` is when it
    matters, if that is still to come: the arrival without the parcel, for example.
    """

    kind: IncidentKind
    hub: Hub
    order: Order | None = None
    shift: Shift | None = None
    driver: Driver | None = None
    device: Device | None = None
    act: DriverAct | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    due_at: dt.datetime | None = None


@transaction.atomic
def open_incident(*, draft: IncidentDraft) -> Incident:
    """Open an incident, or return the open one about the same matter.

    Locks: nothing. Records: incident.opened if it is new. Raises: nothing of its own.
    """
    key = draft.key or ":".join(
        [
            str(draft.kind),
            draft.order.public_id if draft.order else "",
            draft.shift.public_id if draft.shift else "",
        ]
    )
    present = Incident.objects.filter(key=key, state=IncidentState.OPEN)
    incident = present.first()
    if incident is not None:
        return incident
    try:
        with transaction.atomic():
            incident = Incident.objects.create(
                hub=draft.hub,
                kind=draft.kind,
                key=key,
                order=draft.order,
                shift=draft.shift,
                driver=draft.driver,
                device=draft.device,
                act=draft.act,
                due_at=draft.due_at,
                params=dict(draft.params),
            )
    except IntegrityError:  # another transaction opened it at the same moment
        return present.get()
    facts = _facts(incident)
    record(events.INCIDENT_OPENED, facts, subject=incident.public_id, lane=Lane.PERSON)
    return incident


@transaction.atomic
def settle_incident(*, incident: Incident, how: str, version: int | None = None) -> Incident:
    """Settle an incident; ``how`` says what was done, in a word or a sentence.

    Locks: the incident. Records: incident.settled, proof.checked and an audit entry. Raises:
    Invalid; Stale; IncidentSettled.
    """
    row = (
        Incident.objects.select_for_update(of=("self",), no_key=True)
        .select_related("hub", "order", "shift", "driver")
        .get(pk=incident.pk)
    )
    how = how.replace("\x00", "").strip()
    detail = "" if how else _("Say in a word or a sentence what was done.")
    if len(how) > LONGEST_HOW:
        detail = _("Use at most 200 characters.")
    if detail:
        raise Invalid(detail, errors=[FieldProblem("/how", detail)])
    if version is not None and row.version != version:
        raise Stale(
            _("Someone else settled this incident meanwhile. Nothing was changed."),
            data={"version": row.version},
        )
    if row.state == IncidentState.SETTLED:
        raise IncidentSettled(_("This incident was settled before. Nothing was changed."))
    row.state, row.settled_at = IncidentState.SETTLED, now()
    row.settled_by, row.settled_how = current_actor(), how
    row.version += 1
    row.save(update_fields=["state", "settled_at", "settled_by", "settled_how", "version"])
    record(events.INCIDENT_SETTLED, _facts(row), subject=row.public_id, lane=Lane.PERSON)
    audit("incident.settle", row.public_id)
    if row.kind == IncidentKind.PROOF_DOUBTFUL and row.order and not is_proof_open(row.order):
        facts = events.ProofFacts(complete=True)
        record(events.PROOF_CHECKED, facts, subject=row.order.public_id, lane=Lane.PERSON)
    return row


def settle_itself(*, incidents: Iterable[Incident], how: str) -> None:
    """Settle open incidents that no longer hold; ``how`` is a word of ``states.Over``.

    Call it in a transaction. An incident that somebody settled meanwhile is left as it is.

    Locks: the incidents. Records: incident.settled. Raises: nothing.
    """
    keys = [incident.pk for incident in incidents]
    rows = Incident.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=keys)
    rows = rows.select_related("hub", "order", "shift", "driver")
    for row in rows.filter(state=IncidentState.OPEN).order_by("pk"):
        row.state, row.settled_at = IncidentState.SETTLED, now()
        row.settled_by, row.settled_how = SYSTEM, how
        row.version += 1
        row.save(update_fields=["state", "settled_at", "settled_by", "settled_how", "version"])
        record(events.INCIDENT_SETTLED, _facts(row), subject=row.public_id, lane=Lane.PERSON)


def _facts(incident: Incident) -> events.IncidentFacts:
    return events.IncidentFacts(
        kind=str(incident.kind),
        hub=incident.hub.public_id,
        order=incident.order.public_id if incident.order else None,
        shift=incident.shift.public_id if incident.shift else None,
        driver=incident.driver.public_id if incident.driver else None,
    )
