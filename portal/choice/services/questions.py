"""The stored question of a session, as providers read it."""

from __future__ import annotations

from dispatch.slots.services import DeliveryRequest
from lastmile.core.geo import Point
from portal.choice.models import DeliverySession
from portal.choice.providers.base import Question


def question_of(session: DeliverySession) -> Question:
    """Return the question of a session."""
    return Question(
        request=request_of(session),
        since=session.since,
        until=session.until,
        caller=session.caller,
        session=session.public_id,
    )


def request_of(session: DeliverySession) -> DeliveryRequest:
    """Return the delivery that a session asks about, without finding its address again."""
    return DeliveryRequest(
        point=Point(lat=session.lat, lon=session.lon),
        place_text=session.place_text,
        hub=session.hub,
        zone=session.zone,
        weight_g=session.weight_g,
        volume_cm3=session.volume_cm3,
        parcels=session.parcel_count,
        parcel_sides_mm=tuple((a, b, c) for a, b, c in session.parcel_sides_mm),
        service_s=session.service_s,
        skills=frozenset(session.skills),
        value_minor=session.value_minor,
        currency=session.currency,
        collects=session.collects,
        least_age=session.least_age,
        signature=session.signature,
        order=session.order,
    )
