"""The calendar file of a booking (RFC 5545), with the same UID for all changes of one order.

``SEQUENCE`` counts what only grows: the promises, the moves to another date, and the plans with a
stop for the order that were published. So each change raises it, as does the plan that confirms a
requested time, and no policy that is switched on or off lowers it. ``DTSTAMP`` is the time of the
file, so that a calendar takes the newer of two files with one number. A requested time is
``TENTATIVE``. A cancelled order gives the original times with ``METHOD:CANCEL``
and ``STATUS:CANCELLED``, which removes the entry. An order with a date and no window gives an entry
of a whole day, so that no time zone can move it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vCalAddress, vText

from dispatch.orders.events import CHANGED, MOVED
from dispatch.orders.models import Option, Promise
from dispatch.orders.states import OrderState
from dispatch.orders.wording import handover_line
from lastmile.core import clock
from lastmile.core.tenancy import current_retailer
from portal.shopper.pickups import pickup_of
from portal.shopper.policy import page_policy
from portal.tracking.selectors import TrackedOrder, happenings_of, published_plans_with
from portal.tracking.timeline import Happening

DAY = dt.timedelta(days=1)
PUBLISH, CANCEL = "PUBLISH", "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """The times of a booking: two instants in a zone, or one date. ``number`` is its SEQUENCE."""

    number: int
    changed_at: dt.datetime
    cancelled: bool
    promise: Promise | None = None
    date: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFile:
    """A calendar file and its method, which is also a part of the content type."""

    content: bytes
    method: str

    @property
    def content_type(self) -> str:
        """The media type of the file."""
        return f"text/calendar; charset=utf-8; method={self.method}"


def has_booking(delivery: TrackedOrder) -> bool:
    """Return True if a delivery has a window or a date, so that it has a calendar file."""
    return delivery.promise is not None or delivery.order.service_date is not None


def booking_of(delivery: TrackedOrder) -> Booking | None:
    """Return the booking of a delivery; None if it has no window and no date."""
    if not has_booking(delivery):
        return None
    order = delivery.order
    promise = order.promise
    last = promise or order.promises.order_by("-number").first()
    cancelled = delivery.timeline.last("cancelled")
    is_cancelled = delivery.state == OrderState.CANCELLED
    dated = [event.at for event in happenings_of(order) if _is_dated(event)]
    count = (last.number if last else 0) + len(dated) + int(is_cancelled)
    changes = [*dated, last.made_at if last else order.created_at]
    changes += [cancelled.at] if cancelled else []
    return Booking(
        number=2 * count + 1 + published_plans_with(order),
        changed_at=max(changes),
        cancelled=is_cancelled,
        promise=promise,
        date=order.service_date,
    )


def _is_dated(event: Happening) -> bool:
    """Return True if an event gave the order a date: changed by hand, or tried again on it."""
    if event.kind == CHANGED.name:
        return "service_date" in event.data.get("changed", ())
    return event.kind == MOVED["ready"].name and bool(event.data.get("service_date"))


def calendar_file(delivery: TrackedOrder, booking: Booking, link: str) -> CalendarFile:
    """Return the calendar file of a booking; ``link`` is the address of the delivery page."""
    method = CANCEL if booking.cancelled else PUBLISH
    calendar = Calendar()
    calendar.add("prodid", "-//Lastmile//Delivery//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_entry(delivery, booking, link))
    calendar.add_missing_timezones()
    return CalendarFile(content=calendar.to_ical(), method=method)


def _entry(delivery: TrackedOrder, booking: Booking, link: str) -> Event:
    retailer, order, promise = current_retailer(), delivery.order, booking.promise
    event = Event()
    event.add("uid", f"{order.public_id}@{retailer.public_id}.lastmile")
    event.add("sequence", booking.number)
    event.add("dtstamp", clock.now().astimezone(dt.UTC))
    event.add("last-modified", booking.changed_at.astimezone(dt.UTC))
    event.add("status", _status(delivery, booking))
    event.add("summary", _summary(delivery) % {"shop": retailer.shop_name})
    if promise is not None:
        zone = clock.zone(delivery.zone)
        event.add("dtstart", promise.opens_at.astimezone(zone))
        event.add("dtend", promise.closes_at.astimezone(zone))
    elif booking.date is not None:
        event.add("dtstart", booking.date)
        event.add("dtend", booking.date + DAY)
    event.add("location", handover_line(order))
    pickup = pickup_of(order)
    if pickup is not None:
        event.add("geo", pickup.point)
    about = _("Follow or change it here: %(link)s") % {"link": link}
    if delivery.is_requested:
        about = _("Requested: the shop still has to confirm this time. %(more)s") % {"more": about}
    if pickup is not None and pickup.hours:
        about = _("Open on this day: %(hours)s. %(more)s") % {"hours": pickup.hours, "more": about}
    event.add("description", about)
    event.add("url", link)
    organizer = vCalAddress(f"mailto:{_sender(retailer.domain)}")
    organizer.params["cn"] = vText(retailer.name)
    event.add("organizer", organizer)
    event.add("transp", "TRANSPARENT")  # a window does not block the shopper's other appointments
    return event


def _status(delivery: TrackedOrder, booking: Booking) -> str:
    if booking.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if delivery.is_requested else "CONFIRMED"


def _summary(delivery: TrackedOrder) -> str:
    promise = delivery.promise
    if delivery.is_return:
        return _("Return pickup by %(shop)s")
    if promise is not None and promise.option != Option.WINDOW:
        return _("Pick up your order: %(shop)s")
    return _("Delivery from %(shop)s")


def _sender(domain: str) -> str:
    return page_policy().contact_email or f"no-reply@{domain}"
