"""The recipients of a moment, and what is known of them now."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q

from dispatch.orders.models import Order, Shopper
from lastmile.core.events import DomainEvent
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import Audience, Moment, Recipient
from tenants.people.models import Member
from tenants.people.selectors import members
from tenants.roles import Role

_MANAGERS = (Role.OWNER, Role.MANAGER)


def recipients_of(moment: Moment, event: DomainEvent, order: Order | None) -> list[Recipient]:
    """Return whom a moment tells about an event, in a fixed order."""
    if moment.audience == Audience.SHOPPER:
        return [as_recipient(order.shopper)] if order is not None else []
    if moment.audience == Audience.OLD_CONTACT:
        shopper = Shopper.objects.filter(public_id=event.data.get("shopper", "")).first()
        if shopper is None and order is not None:
            shopper = order.shopper
        return [as_recipient(shopper)] if shopper is not None else []
    return [_member(member) for member in _staff(moment, event, order)]


def as_recipient(shopper: Shopper) -> Recipient:
    """Return a shopper as a recipient."""
    return Recipient(
        public_id=shopper.public_id,
        phone=shopper.phone,
        email=shopper.email,
        language=shopper.language,
    )


def language_of(recipient: Recipient) -> str:
    """Return the language that a recipient reads, else the retailer's, else English."""
    known = settings.LANGUAGES if recipient.is_member else settings.SHOPPER_LANGUAGES
    codes = [code for code, _name in known]
    wished = (recipient.language, current_retailer().language)
    for tag in wished:
        first = tag.replace("_", "-").partition("-")[0].lower()
        if first in codes:
            return first
    return "en"


def _staff(moment: Moment, event: DomainEvent, order: Order | None) -> list[Member]:
    rows = members().filter(active=True).order_by("pk")
    if moment.audience == Audience.ACTOR:
        return list(rows.filter(public_id=event.actor))
    if moment.audience == Audience.MANAGERS:
        return list(rows.filter(role__in=_MANAGERS))
    hub = order.hub.public_id if order is not None and order.hub is not None else event.subject
    of_hub = rows.filter(role=Role.DISPATCHER).filter(Q(hubs__isnull=True) | Q(hubs__contains=hub))
    return list(of_hub) or list(rows.filter(role__in=_MANAGERS))


def _member(member: Member) -> Recipient:
    return Recipient(
        public_id=member.public_id,
        email=member.email,
        language=member.language,
        is_member=True,
    )
