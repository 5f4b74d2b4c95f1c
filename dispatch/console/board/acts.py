"""The views that change plans: plan, move, take off, undo, publish, discard, revise.

Each view calls one service. Each request names the plan version that the person saw. If someone
else changed the plan first, the answer is 409 with the current board and the list of changes.
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
    """Return a whole number from the form or the query string. Raises Invalid.

    The undo button of a toast sends its values in the query string.
    """
    return whole_number(request.POST.get(name) or request.GET.get(name, ""), least, most, name)


def _changed(
    request: PageRequest, public_id: str, change: Change, message: str, *, act: Act = Act.PLANS_EDIT
) -> HttpResponse:
    """Change a plan and return the new board with a toast that offers to undo the change."""
    plan = plan_of(request, public_id)
    require(request.principal, act, plan.hub.public_id)
    version = _number(request, "version")
    try:
        plan = change(plan, version)
    except PlanMoved as moved:
        return _stale(request, public_id, version, moved)
    undo = reverse("console:undo", args=[plan.public_id]) if _can_undo(plan) else ""
    return _answer(request, plan, message, undo)


def _can_undo(plan: Plan) -> bool:
    return plan.status == Plan.Status.DRAFT and plan.edits.filter(undone=False).exists()


def _answer(request: PageRequest, plan: Plan, message: str, undo: str = "") -> HttpResponse:
    if not is_fragment(request):
        messages.success(request, message)
        return HttpResponseRedirect(address_of(plan))
    response = show(request, "console/board/_board.html", plan.hub, plan.service_date, plan)
    response["HX-Retarget"], response["HX-Reswap"] = "#board", "outerHTML"
    toast(response, message)
    if undo:
        payload = json.loads(response["HX-Trigger"])
        payload["toast"]["undo"] = {"url": f"{undo}?version={plan.version}"}
        response["HX-Trigger"] = json.dumps(payload)
    return response


def _stale(request: PageRequest, public_id: str, version: int, moved: PlanMoved) -> HttpResponse:
    """Return the current board with a notice that lists what others changed, and by whom."""
    plan = plan_of(request, public_id)
    changes = board_data.acts_since(plan, version)[-5:]
    names = names_of({change.actor for change in changes})
    lines = [
        f"{names.get(change.actor, _('The system'))} {words.act_text(change.act)}"
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
    """Move an order to a position of a route, from another route or from the unserved list."""
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
    """Move a stop one place earlier or later on its own route."""
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
    """Remove an order from its route; the order becomes unserved."""
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
    """Undo the last edit of a draft."""
    return _changed(
        request,
        public_id,
        lambda plan, version: editing.undo(plan=plan, version=version),
        _("Undone."),
    )


@page(Act.PLANS_PUBLISH)
@require_POST
def publish(request: PageRequest, public_id: str) -> HttpResponse:
    """Publish a draft, so that it becomes the current plan of its day."""
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
    """Discard a draft and go to the day's board."""
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
    """Create a draft that is a copy of this plan, so that it can be edited."""
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
    """Redirect to another page; for an htmx request the whole window is redirected."""
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


@page(Act.PLANS_EDIT)
@require_POST
def plan_day(request: PageRequest, hub: str, date: dt.date) -> HttpResponse:
    """Start a planning job for the day and return the panel with its progress."""
    hub_row = hub_of(request, hub)
    require(request.principal, Act.PLANS_EDIT, hub_row.public_id)
    seconds = _number(request, "seconds", services.LEAST_S, services.MOST_S)
    job = services.request_plan(hub=hub_row, service_date=date, seconds=seconds)
    if not is_fragment(request):
        return redirect("console:board-day", hub=hub, date=date)
    return render(
        request, "console/board/_job.html", {"job": cards.job_card(job), "may_plan": True}
    )


@page(Act.PLANS_EDIT)
@require_POST
def redispatch(request: PageRequest, public_id: str) -> HttpResponse:
    """Start a job that updates a plan to the day's changes; return the panel with its progress."""
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
    """Return a whole number from the form as a bound, or None if the field is empty."""
    return _number(request, name, 0, most) if request.POST.get(name) else None


def _job_of(request: PageRequest, public_id: str, act: Act) -> Job:
    """Return a planning job at one of the member's hubs. Raises NotFound."""
    job = jobs.job_by_id(public_id)
    if job.kind not in JOBS:
        raise unknown()
    require(request.principal, act, hub_of(request, job.subject).public_id)
    return job


@page(Act.PLANS_VIEW)
@require_safe
def job(request: PageRequest, public_id: str) -> HttpResponse:
    """Return the progress of a planning job.

    When the job has made a draft, the member who started the job is redirected to the draft.
    """
    row = _job_of(request, public_id, Act.PLANS_VIEW)
    context = {"job": cards.job_card(row), "may_plan": request.principal.may(Act.PLANS_EDIT)}
    response = render(request, "console/board/_job.html", context)
    if row.result and row.actor == request.principal.public_id:
        response["HX-Redirect"] = address_of(plan_of(request, row.result["plan"]))
    return response


@page(Act.PLANS_EDIT)
@require_POST
def cancel_job(request: PageRequest, public_id: str) -> HttpResponse:
    """Stop a planning job."""
    row = _job_of(request, public_id, Act.PLANS_EDIT)
    try:
        row = jobs.cancel(row.public_id)
    except DomainError:  # the job has already ended: the panel shows its result
        row.refresh_from_db()
    if not is_fragment(request):
        date = row.payload["service_date"]
        return redirect("console:board-day", hub=row.subject, date=date)
    return render(
        request, "console/board/_job.html", {"job": cards.job_card(row), "may_plan": True}
    )
