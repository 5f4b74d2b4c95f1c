"""The wiring of the whole house on one page, by name: a boot check resolves every one.

``EVENTS``    the modules that declare kinds of events; nothing else may be recorded or handled.
``HANDLERS``  event kind -> handlers ``def on_x(event: DomainEvent) -> None``, each run once per
              event in a transaction of its own; what goes outside the house enqueues a job.
``JOBS``      job kind -> how it is run, ``def run(job: Lease) -> Mapping | None``, and what follows
              its end (``on_end``).
``CALLBACKS``, ``CREDENTIALS``, ``POLICIES``
              name -> class: who calls us, what somebody is recognised by, what a retailer decides.
Rolls         acts over the whole installation: one function for each app, walked by a command in
              core.
"""

from __future__ import annotations

from lastmile.core.wiring import JobSpec

EVENTS: list[str] = [
    "lastmile.core.events",
    "tenants.events",
    "dispatch.fleet.events",
    "dispatch.orders.events",
    "dispatch.intake.events",
    "dispatch.planning.events",
]

_BOARD = "dispatch.console.board.handlers.on_plan_changed"
_BOARD_JOB = "dispatch.console.board.handlers.on_planning_ended"
HANDLERS: dict[str, list[str]] = {
    "plan.requested": ["dispatch.console.board.handlers.on_planning_asked"],
    "plan.drafted": [_BOARD],
    "plan.edited": [_BOARD],
    "plan.published": [_BOARD],
    "plan.discarded": [_BOARD],
}

#: Old name of a handler -> its present one: deliveries that wait during an upgrade name the old.
RENAMED: dict[str, str] = {
    "dispatch.console.handlers.on_planning_asked": (
        "dispatch.console.board.handlers.on_planning_asked"
    ),
    "dispatch.console.handlers.on_plan_changed": _BOARD,
    "dispatch.console.handlers.on_job_finished": _BOARD_JOB,
    "dispatch.planning.handlers.on_job_finished": "dispatch.planning.handlers.on_solve_ended",
}

JOBS: dict[str, JobSpec] = {
    "planning.solve": JobSpec(
        "dispatch.planning.tasks.plan_day",
        time_limit_s=420,
        queue="solve",
        fair=True,
        on_end=(_BOARD_JOB, "dispatch.planning.handlers.on_solve_ended"),
    ),
    "planning.redispatch": JobSpec(
        "dispatch.planning.tasks.redispatch",
        time_limit_s=120,
        queue="solve",
        fair=True,
        on_end=(_BOARD_JOB,),
    ),
    "intake.import": JobSpec("dispatch.intake.tasks.import_orders", queue="bulk"),
    "retailer.open": JobSpec("tenants.tasks.run_opening", time_limit_s=120, queue="default"),
}

# Systems outside that call /callbacks/<name>/: name -> class (`core.callbacks.Vendor`).
CALLBACKS: dict[str, str] = {}

# What somebody is recognised by: name -> class (`tenants.credentials.CredentialType`). They are
# asked in this order, and the first whose credential was sent decides.
CREDENTIALS: dict[str, str] = {
    "key": "tenants.people.credentials.KeyBearer",
    "ticket": "tenants.people.credentials.Ticket",
    "member": "tenants.people.credentials.MemberSession",
    "password_link": "tenants.people.credentials.PasswordLink",
}

# Sections of the policy: name -> frozen dataclass (`tenants.sections`). Each gets a page.
POLICIES: dict[str, str] = {"retention": "tenants.retention.Retention"}

# Rolls: command -> functions, each `def room() -> Mapping` in the retailer's context.
LEDGER: list[str] = [
    "dispatch.fleet.rolls.ledger",
    "dispatch.orders.rolls.ledger",
    "dispatch.intake.selectors.rolls.ledger",
    "dispatch.planning.rolls.ledger",
]
INVARIANTS: list[str] = [
    "dispatch.fleet.rolls.invariants",
    "dispatch.orders.rolls.invariants",
    "dispatch.intake.selectors.rolls.invariants",
    "dispatch.planning.rolls.invariants",
]
# Public id -> name of the hubs, for pages that let somebody choose hubs: `def f() -> dict`.
HUB_NAMES: list[str] = ["dispatch.fleet.rolls.hub_names"]
# Rolls of erasing: who is meant (`def f(query) -> Person | None`), then one function an app, the
# highest layer first (`def f(person) -> Mapping`), and what is forgotten by age (`def f()`).
FIND_SHOPPER: list[str] = ["dispatch.orders.services.find_person"]
ERASE_SHOPPER: list[str] = [
    "dispatch.intake.services.erase_person",
    "dispatch.planning.services.erase_person",
    "dispatch.orders.services.erase_person",
    "tenants.people.services.erase_person",
    "lastmile.core.erasing.erase",
]
FORGET: list[str] = [
    "dispatch.intake.services.forget_rows",
    "dispatch.intake.services.forget_kept_files",
    "tenants.people.services.tidy",
    "lastmile.core.codes.forget_codes",
    "lastmile.core.callbacks.forget_callbacks",
]
# Rolls of the demo: `def room(demo: Demo) -> Mapping`, in this order; first in the house, then in
# each demo retailer.
OPEN_DEMO: list[str] = [
    "dispatch.fleet.demo.open_demo",
    "tenants.demo.open_demo",
]
SEED_DEMO: list[str] = [
    "dispatch.fleet.demo.seed_demo",
    "dispatch.orders.demo.seed_demo",
    "dispatch.planning.demo.seed_demo",
]
