"""The board's acts: plan, move, take off, undo, publish, discard, revise. Each is one service.

Every act names the version that the person saw. When somebody else was faster the answer is 409
with the board as it stands now, and says who changed what.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dispatch.console.board import cards, words
from dispatch.console.board.pages import address_of, hub_of, id_in, plan_of, show
from dispatch.planning import services
from dispatch.planning.errors import OrderNotInPlan, PlanMoved
from dispatch.planning.models import Plan
from dispatch.planning.selectors import board_data
from dispatch.planning.selectors.jobs import JOBS
from dispatch.planning.services import editing, redispatching
from lastmile.core import jobs
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.http import toast
from lastmile.core.http.forms import whole_number
from lastmile.core.http.htmx import is_fragment
from lastmile.core.models import Job
from lastmile.core.refusals import unknown
from tenants.people.selectors import names_of
from tenants.permissions import Act, PageRequest, page, require

Change = Callable[[Plan, int], Plan]


def _number(request: PageRequest, name: str, least: int = 1, most: int = 10**9) -> int:
    """A whole number of the form, or of the address (a toast's button). Raises Invalid."""
    return whole_number(request.POST.get(name) or request.GET.get(name, ""), least, most, name)


def _changed(
    request: PageRequest, public_id: str, change: Change, said: str, *, act: Act = Act.PLANS_EDIT
) -> HttpResponse:
    """Make a change to a plan and show the board as it is then, with a toast that can undo it."""
    plan = plan_of(request, public_id)
    require(request.principal, act, plan.hub.public_id)
    version = _number(request, "version")
    try:
        plan = change(plan, version)
    except PlanMoved as moved:
        return _stale(request, public_id, version, moved)
    undo = reverse("console:undo", args=[plan.public_id]) if _can_undo(plan) else ""
    return _answer(request, plan, said, undo)


def _can_undo(plan: Plan) -> bool:
    return plan.status == Plan.Status.DRAFT and plan.edits.filter(undone=False).exists()


def _answer(request: PageRequest, plan: Plan, said: str, undo: str = "") -> HttpResponse:
    if not is_fragment(request):
        messages.success(request, said)
        return HttpResponseRedirect(address_of(plan))
    response = show(request, "console/board/_board.html", plan.hub, plan.service_date, plan)
    response["HX-Retarget"], response["HX-Reswap"] = "#board", "outerHTML"
    toast(response, said)
    if undo:
        told = json.loads(response["HX-Trigger"])
        told["toast"]["undo"] = {"url": f"{undo}?version={plan.version}"}
        response["HX-Trigger"] = json.dumps(told)
    return response


def _stale(request: PageRequest, public_id: str, version: int, moved: PlanMoved) -> HttpResponse:
    """Say who changed what since, above the plan as it is now."""
    plan = plan_of(request, public_id)
    changes = board_data.acts_since(plan, version)[-5:]
    names = names_of({change.actor for change in changes})
    lines = [
        f"{names.get(change.actor, _('The system'))} {words.said_of_change(change.act)}"
        for change in changes
    ]
    if not is_fragment(request):
        messages.error(request, " ".join([moved.detail, *lines]))
        return HttpResponseRedirect(address_of(plan))
    more = {"notice": moved.detail, "notice_lines": lines, "notice_changes": changes}
    response = show(
        request, "console/board/_board.html", plan.hub, plan.service_date, plan, status=409, **more
    )
    response["HX-Retarget"], response["HX-Reswap"] = "#board", "outerHTML"
    return response


@page(Act.PLANS_EDIT)
@require_POST
def move(request: PageRequest, public_id: str) -> HttpResponse:
    """Put an order at a position of a route, from wherever it is."""
    order, shift = id_in(request.POST, "order"), id_in(request.POST, "shift")
    position = _number(request, "position", most=20_000)
    return _changed(
        request,
        public_id,
        lambda plan, version: editing.move_stop(
            plan=plan, version=version, order=order, shift=shift, position=position
        ),
        _("Order moved. Times, cost and CO2e were recalculated."),
    )


@page(Act.PLANS_EDIT)
@require_POST
def step(request: PageRequest, public_id: str) -> HttpResponse:
    """Put a stop one place earlier or later on its own route."""
    order, by = id_in(request.POST, "order"), id_in(request.POST, "by")
    if by not in {"-1", "1"}:
        raise Invalid(_("A stop can move one place earlier (-1) or later (1)."))

    def change(plan: Plan, version: int) -> Plan:
        stop = board_data.stop_for(plan, order)
        if stop is None:
            raise OrderNotInPlan(_("This order is no longer on a route. Reload the board."))
        return editing.move_stop(
            plan=plan,
            version=version,
            order=order,
            shift=stop.route.shift.public_id,
            position=max(1, stop.position + int(by)),
        )

    earlier = by == "-1"
    return _changed(
        request,
        public_id,
        change,
        _("Moved one place earlier.") if earlier else _("Moved one place later."),
    )


@page(Act.PLANS_EDIT)
@require_POST
def take_off(request: PageRequest, public_id: str) -> HttpResponse:
    """Take an order off its route."""
    order = id_in(request.POST, "order")
    return _changed(
        request,
        public_id,
        lambda plan, version: editing.take_off(plan=plan, version=version, order=order),
        _("Removed from its route. The order is now unserved."),
    )


@page(Act.PLANS_EDIT)
@require_POST
def undo(request: PageRequest, public_id: str) -> HttpResponse:
    """Take the last edit back."""
    return _changed(
        request,
        public_id,
        lambda plan, version: editing.undo(plan=plan, version=version),
        _("Undone."),
    )


@page(Act.PLANS_PUBLISH)
@require_POST
def publish(request: PageRequest, public_id: str) -> HttpResponse:
    """Make a draft the plan that counts."""
    return _changed(
        request,
        public_id,
        lambda plan, version: services.publish_plan(plan=plan, version=version),
        _("Published. This is now the current plan."),
        act=Act.PLANS_PUBLISH,
    )


@page(Act.PLANS_EDIT)
@require_POST
def discard(request: PageRequest, public_id: str) -> HttpResponse:
    """Put a draft away, and show what is left of the day."""
    plan = plan_of(request, public_id)
    require(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    version = _number(request, "version")
    try:
        services.discard_plan(plan=plan, version=version)
    except PlanMoved as moved:
        return _stale(request, public_id, version, moved)
    messages.success(request, _("Draft %(number)d was discarded.") % {"number": plan.number})
    return _go(request, reverse("console:board-day", args=[plan.hub.public_id, plan.service_date]))


@page(Act.PLANS_EDIT)
@require_POST
def revise(request: PageRequest, public_id: str) -> HttpResponse:
    """Make a new draft that is the same as this plan, to change it."""
    plan = plan_of(request, public_id)
    require(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    draft = services.revise_plan(plan=plan)
    messages.success(
        request,
        _("Draft %(number)d is a copy of version %(old)d. Change it, then publish it.")
        % {"number": draft.number, "old": plan.number},
    )
    return _go(request, address_of(draft))


def _go(request: PageRequest, address: str) -> HttpResponse:
    """Lead to another page; htmx makes the whole window go there."""
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


@page(Act.PLANS_EDIT)
@require_POST
def plan_day(request: PageRequest, hub: str, date: dt.date) -> HttpResponse:
    """Ask for a plan of the day; the job's panel shows how far it is."""
    where = hub_of(request, hub)
    require(request.principal, Act.PLANS_EDIT, where.public_id)
    seconds = _number(request, "seconds", services.LEAST_S, services.MOST_S)
    job = services.request_plan(hub=where, service_date=date, seconds=seconds)
    if not is_fragment(request):
        return redirect("console:board-day", hub=hub, date=date)
    return render(
        request, "console/board/_job.html", {"job": cards.job_card(job), "may_plan": True}
    )


@page(Act.PLANS_EDIT)
@require_POST
def redispatch(request: PageRequest, public_id: str) -> HttpResponse:
    """Ask for a draft in which a plan fits the day as it is now; the job's panel shows how far."""
    plan = plan_of(request, public_id)
    require(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    version = _number(request, "version")
    bounds = redispatching.Bounds(
        moved=_bound(request, "most_moved", redispatching.MOST_MOVED),
        shifted_min=_bound(request, "most_shifted_minutes", redispatching.MOST_MINUTES),
    )
    try:
        job = redispatching.request_redispatch(plan=plan, version=version, bounds=bounds)
    except PlanMoved as moved:
        return _stale(request, public_id, version, moved)
    if not is_fragment(request):
        return HttpResponseRedirect(address_of(plan))
    return render(
        request, "console/board/_job.html", {"job": cards.job_card(job), "may_plan": True}
    )


def _bound(request: PageRequest, name: str, most: int) -> int | None:
    """A bound of the form; None where it is not given."""
    return _number(request, name, 0, most) if request.POST.get(name) else None


def _job_of(request: PageRequest, public_id: str, act: Act) -> Job:
    """A planning job at one of the member's hubs. Raises NotFound."""
    job = jobs.job_by_id(public_id)
    if job.kind not in JOBS:
        raise unknown()
    require(request.principal, act, hub_of(request, job.subject).public_id)
    return job


@page(Act.PLANS_VIEW)
@require_safe
def job(request: PageRequest, public_id: str) -> HttpResponse:
    """Return how far a planning job is; once it has made a draft, lead who asked for it there."""
    found = _job_of(request, public_id, Act.PLANS_VIEW)
    context = {"job": cards.job_card(found), "may_plan": request.principal.may(Act.PLANS_EDIT)}
    response = render(request, "console/board/_job.html", context)
    if found.result and found.actor == request.principal.public_id:
        response["HX-Redirect"] = address_of(plan_of(request, found.result["plan"]))
    return response


@page(Act.PLANS_EDIT)
@require_POST
def cancel_job(request: PageRequest, public_id: str) -> HttpResponse:
    """Stop a planning job."""
    found = _job_of(request, public_id, Act.PLANS_EDIT)
    try:
        found = jobs.cancel(found.public_id)
    except DomainError:  # it ended first: the panel says how
        found.refresh_from_db()
    if not is_fragment(request):
        date = found.payload["service_date"]
        return redirect("console:board-day", hub=found.subject, date=date)
    return render(
        request, "console/board/_job.html", {"job": cards.job_card(found), "may_plan": True}
    )
