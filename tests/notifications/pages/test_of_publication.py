"""Before a plan is published the drawer says how many people will be written to (M09)."""

from __future__ import annotations

from django.utils.html import strip_tags

from dispatch.planning.models import Plan
from dispatch.planning.policy import PlanningPolicy
from lastmile.core.tenancy import RetailerRef
from tenants.people.services import set_section
from tenants.permissions import Role
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_late_changes import (
    a_dispatcher_decides,
    promise,
    published_day,
)
from tests.dispatch.planning.test_plans import plan
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account
from tests.people import add_member, logged_in

HTMX = {"hx-request": "true"}


def where(plan: Plan) -> str:
    return f"/messages/of-publication/{plan.public_id}/"


def test_m09_a_draft_says_who_gets_the_confirmation_of_a_request(
    retailer: RetailerRef, clock: SetClock
) -> None:
    a_dispatcher_decides()
    make_account("sms")
    hub, order, first = published_day()
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    assert desk.get(where(first), headers=HTMX).status_code == 204, "it is published already"
    promise(order, 14, 16)
    draft = plan(hub)
    drawer = desk.get(f"/console/plans/{draft.public_id}/publication/", headers=HTMX)
    assert where(draft) in drawer.content.decode()
    shown = " ".join(strip_tags(desk.get(where(draft), headers=HTMX).content.decode()).split())
    assert shown.startswith("At most 1 person will be written to: SMS 1")
    bound = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    assert bound.get(where(draft), headers=HTMX).status_code == 404
    set_section(section=section_of(PlanningPolicy), policy=PlanningPolicy())
    assert desk.get(where(draft), headers=HTMX).status_code == 204, "no dispatcher is asked"
