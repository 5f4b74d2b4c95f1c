"""A world for tests: one item of every list of the API, in the current retailer.

``test_every_list`` finds a new list by itself; add one of its items here.
"""

from __future__ import annotations

import datetime as dt
import uuid

from dispatch.fleet.models import Hub
from dispatch.intake.services import receive_file
from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.planning.services import request_plan
from dispatch.slots.services import add_blackout
from lastmile.core import clock
from lastmile.core.jobs import enqueue
from lastmile.core.models import JobState
from lastmile.core.relay import relay_batch
from lastmile.core.runner import run_job
from lockers.services import claim_token, make_token, send_command
from lockers.services.reports import ReportDraft, open_session, take_report
from lockers.states import ReportKind
from notifications.models import MessageTemplate
from notifications.services.contacts import opt_out
from tenants.people import services as people
from tenants.permissions import KeyRole
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle, make_zone
from tests.factories.live import make_phone
from tests.factories.lockers import make_bank, make_reservation
from tests.factories.messages import make_contact, make_message
from tests.factories.orders import DAY, make_order
from tests.factories.slots import make_template
from tests.people import add_member


def make_world(*, file_hub: bool = False) -> Hub:
    """Make one of everything; return its hub, which the order file names if ``file_hub``."""
    hub = make_hub()
    make_zone(hub=hub)
    driver = make_driver(hub=hub)
    shift = make_shift(vehicle=make_vehicle(hub=hub), driver=driver)
    order = make_order(hub=hub.public_id)
    make_phone(driver)
    bank = make_bank(1, hub=hub)
    reservation = make_reservation(bank)
    visit = open_session(bank=bank, opener=hub.public_id)
    take_report(
        draft=ReportDraft(
            sender=hub.public_id, id=uuid.uuid4(), kind=ReportKind.SKIPPED, bank=bank,
            at=clock.now(), reservation=reservation, session=visit,
        )
    )  # fmt: skip
    claim_token(secret=make_token(bank=bank).secret)
    send_command(bank=bank, kind="reboot")
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.VEHICLE_DEFECT, hub=hub, order=order, shift=shift, driver=driver
        )
    )
    contact = make_contact()
    make_message(order, contact=contact)
    opt_out(contact=contact, channel="sms", by="staff")
    make_template(hub=hub, starts_on=clock.now().date())
    add_blackout(hub=hub, first_on=clock.now().date() + dt.timedelta(days=60))
    plan = request_plan(hub=hub, service_date=DAY, seconds=1)
    assert run_job(plan.public_id) == JobState.SUCCEEDED
    MessageTemplate.objects.get_or_create(
        moment="out_for_delivery",
        language="en",
        channel="sms",
        defaults={"parts": {"text": "On its way: {link}"}},
    )
    add_member()
    people.create_key(name="World", role=KeyRole.INTEGRATION, hubs=None, origins=[])
    receive_file(
        content=b"order;address\nA1;Rua 1\n",
        filename="day.csv",
        hub=hub if file_hub else None,
    )
    enqueue("retailer.open", subject="ret_nobody")
    while relay_batch()[0]:
        pass
    return hub
