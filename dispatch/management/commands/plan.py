"""``plan --schema t_acme --hub North --date 2026-11-23``: plan a hub's day."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from dispatch.fleet.models import Hub
from dispatch.planning.models import Plan
from dispatch.planning.selectors.words import say_unserved
from dispatch.planning.services import LEAST_S, MOST_S, USUAL_S, publish_plan, request_plan
from lastmile.core.errors import DomainError
from lastmile.core.models import Job, JobState
from lastmile.core.tenancy import NoRetailer, retailer_context
from lastmile.core.waiting import StillRunning, wait_for_job


class Command(BaseCommand):
    """Plan a day with the same service as the board and the API."""

    help = (
        "Plan a hub's day. Prints the id of the job; with --wait, the figures of the plan and the "
        "first 50 unserved orders with their reasons."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--hub", required=True, help="public id, external id or name of the hub"
        )
        parser.add_argument(
            "--date",
            required=True,
            type=dt.date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="service date to plan",
        )
        parser.add_argument(
            "--seconds",
            type=int,
            default=USUAL_S,
            help=f"time for the solver, {LEAST_S} to {MOST_S} seconds; default: %(default)s",
        )
        parser.add_argument(
            "--seed",
            type=int,
            default=1,
            help="seed of the solver's random numbers; default: %(default)s",
        )
        parser.add_argument("--wait", action="store_true", help="wait until the plan is ready")
        parser.add_argument(
            "--publish", action="store_true", help="publish the plan (implies --wait)"
        )
        parser.add_argument(
            "--timeout",
            type=int,
            default=900,
            metavar="SECONDS",
            help="longest wait with --wait, in seconds; default: %(default)s",
        )
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with retailer_context(options["schema"]):
                self._plan(options)
        except (DomainError, NoRetailer, StillRunning) as fault:
            raise CommandError(str(fault)) from fault

    def _plan(self, options: dict[str, Any]) -> None:
        job = request_plan(
            hub=_hub(options["hub"]),
            service_date=options["date"],
            seconds=options["seconds"],
            seed=options["seed"],
        )
        if not (options["wait"] or options["publish"]):
            self._print({"job": job.public_id, "state": job.state}, options)
            return
        ended = wait_for_job(job.public_id, timeout_s=options["timeout"])
        if ended.state != JobState.SUCCEEDED:
            raise CommandError(f"{ended.public_id} {ended.state}: {ended.detail or ended.reason}")
        plan = Plan.objects.get(public_id=(ended.result or {})["plan"])
        if options["publish"]:
            plan = publish_plan(plan=plan, version=plan.version)
        self._print(_facts(ended, plan), options)

    def _print(self, facts: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        for name, value in facts.items():
            if not isinstance(value, list):
                self.stdout.write(f"{name:>16}  {value}")
        for row in facts.get("unserved_orders", []):
            self.stdout.write(f"unserved {row['order']}: {row['why']} {row['remedy']}")


def _hub(name: str) -> Hub:
    hub = Hub.objects.filter(Q(public_id=name) | Q(external_id=name) | Q(name=name)).first()
    if hub is None:
        raise CommandError(f"There is no hub {name!r}. Give its id, external id or name.")
    return hub


def _facts(job: Job, plan: Plan) -> dict[str, Any]:
    unserved = []
    for row in plan.unserved.select_related("order")[:50]:
        why, remedy = say_unserved(row.reason, row.params)
        order = row.order.external_id or row.order.public_id
        unserved.append({"order": order, "reason": row.reason, "why": why, "remedy": remedy})
    return {
        "job": job.public_id,
        "plan": plan.public_id,
        "status": plan.status,
        "orders": plan.orders_count,
        "unserved": plan.unserved_count,
        "routes": plan.routes.count(),
        "violations": plan.violations_count,
        "feasible": plan.violations_count == 0,
        "cost_minor": plan.cost_minor,
        "currency": plan.currency,
        "distance_m": plan.distance_m,
        "duration_s": plan.duration_s,
        "co2_g": plan.co2_g,
        "engine": plan.engine,
        "solve_ms": plan.solve_ms,
        "input_sha256": plan.input_sha256,
        "travel_source": plan.travel_source,
        "travel_note": plan.travel_note,
        "unserved_orders": unserved,
    }
