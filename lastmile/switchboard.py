"""The list of all wiring between apps, by dotted name. A start-up check resolves every name.

``EVENTS``    modules that declare event kinds. No other kind can be recorded or handled.
``HANDLERS``  event kind -> handlers ``def on_x(event: DomainEvent) -> None``. Each handler runs
              once per event, in its own transaction. A handler that must call an external system
              enqueues a job for it.
``JOBS``      job kind -> its ``JobSpec``: the function ``def run(job: Lease) -> Mapping | None``
              that does the work, and the functions that run after its end (``on_end``).
``CALLBACKS``, ``CREDENTIALS``, ``POLICIES``
              name -> class: vendors that call us, types of credentials, sections of a policy.
Rolls         lists of functions, usually one per app, that one command of core calls in order:
              ``LEDGER``, ``INVARIANTS``, ``ERASE_SHOPPER``, ``FORGET``, ``SEED_DEMO`` and others.
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
    "portal.tracking.events",
    "dispatch.slots.events",
    "dispatch.live.events",
    "lockers.events",
    "notifications.events",
    "portal.shopper.events",
]

_BOARD = "dispatch.console.board.handlers.on_plan_changed"
_BOARD_JOB = "dispatch.console.board.handlers.on_planning_ended"
_BOARD_RUN = "dispatch.console.board.handlers.on_run_changed"
_BOARD_VISIT = "dispatch.console.board.handlers.on_order_visited"
_BOARD_INCIDENT = "dispatch.console.board.handlers.on_incident_changed"
_LINK_ENDS = "dispatch.orders.handlers.on_order_ended"
_LINK_LIVES = "dispatch.orders.handlers.on_order_failed"
_DAY = "dispatch.planning.handlers"
_ORDER_DAY, _SHIFT_DAY = f"{_DAY}.on_order_changed", f"{_DAY}.on_shift_changed"
_FLEET_DAY, _HUB_DAY = f"{_DAY}.on_vehicle_changed", f"{_DAY}.on_hub_changed"
_SLOT = "dispatch.slots.handlers.on_order_changed"  # its place follows its promise
_HUB_SLOTS = "dispatch.slots.handlers.on_hub_changed"
_LIVE = "dispatch.live.handlers"
_COURIER = "lockers.courier.handlers"
_STOP, _STOP_KEPT = f"{_COURIER}.on_order_changed", f"{_COURIER}.on_reservation_changed"
_PHONE, _PHONE_SHIFT = f"{_LIVE}.on_stop_changed", f"{_LIVE}.on_shift_changed"
_ETA, _ETA_RUN = f"{_LIVE}.on_order_moved", f"{_LIVE}.on_run_changed"
_TRACK = "portal.tracking.handlers.on_order_changed"  # open pages of the order's shopper
_LOCKER = "lockers.handlers.on_order_changed"  # its reservations of compartments
_TRACK_LOCKER = "portal.tracking.handlers.on_locker_changed"
_TELL = "notifications.handlers.on_event"  # every kind of a moment (notifications/catalogue)
HANDLERS: dict[str, list[str]] = {
    "order.placed": [_ORDER_DAY, _TELL],
    "order.ready": [_ORDER_DAY, _SLOT, _TELL, _LOCKER, _STOP],
    "order.waiting": [_ORDER_DAY, _SLOT, _TELL],
    "order.needs_pin": [_ORDER_DAY, _SLOT],
    "order.pinned": [_ORDER_DAY, _SLOT, _PHONE],
    "order.promised": [_ORDER_DAY, _SLOT, _ETA, _TELL, _PHONE, _TRACK, _LOCKER, _STOP],
    "order.redated": [_STOP],
    "order.planned": [_TELL],
    "order.changed": [_ORDER_DAY, _SLOT, _PHONE],
    "order.stop_changed": [_ORDER_DAY, _PHONE, _TELL, _TRACK],
    "order.loaded": [_ORDER_DAY, _ETA, _TELL, _BOARD_VISIT, _TRACK],
    "order.out": [_ORDER_DAY, _TELL, _TRACK],
    "order.awaiting_collection": [_ORDER_DAY, _ETA, _BOARD_VISIT, _TRACK],
    "shift.added": [_SHIFT_DAY],
    "shift.changed": [_SHIFT_DAY, _PHONE_SHIFT],
    "shift.cancelled": [_SHIFT_DAY, _PHONE_SHIFT],
    "vehicle.changed": [_FLEET_DAY],
    "vehicle.retired": [_FLEET_DAY],
    "driver.changed": [_FLEET_DAY],
    "driver.retired": [_FLEET_DAY],
    "hub.changed": [_HUB_DAY, _HUB_SLOTS],
    "hub.retired": [_HUB_DAY, _HUB_SLOTS],
    "slots.opened": ["dispatch.slots.handlers.on_slots_opened"],
    "zone.changed": ["dispatch.slots.handlers.on_zone_changed"],
    "order.delivered": [_LINK_ENDS, _ETA, _TELL, _BOARD_VISIT, _TRACK, _LOCKER],
    "order.failed": [_LINK_LIVES, _ETA, _TELL, _BOARD_VISIT, _TRACK],
    "order.returned": [_LINK_ENDS, _TRACK, _LOCKER],
    "order.cancelled": [_LINK_ENDS, _ORDER_DAY, _SLOT, _ETA, _TELL, _PHONE, _TRACK, _LOCKER],
    "shopper.erased": ["lockers.handlers.on_shopper_erased"],
    "order.step_up_confirmed": [_TELL],
    "proof.checked": [_TELL, _TRACK],
    "choice.used": ["portal.choice.handlers.on_choice_used"],
    "delivery.rated": ["notifications.handlers.on_rated"],
    "retailer.clock_set": ["notifications.handlers.on_clock_set"],
    "import.done": [_TELL],
    "import.failed": [_TELL],
    "day.unplanned": [_TELL],
    "budget.reached": [_TELL],
    "channel.paused": [_TELL],
    "plan.requested": ["dispatch.console.board.handlers.on_planning_asked"],
    "plan.drafted": [_BOARD],
    "plan.edited": [_BOARD],
    "plan.published": [_BOARD, f"{_LIVE}.on_plan_published", f"{_LIVE}.on_route_changed"],
    "plan.discarded": [_BOARD],
    "run.started": [_ETA_RUN, _BOARD_RUN],
    "run.left": [_ETA_RUN, _BOARD_RUN],
    "run.back": [_ETA_RUN, _BOARD_RUN],
    "run.ended": [_ETA_RUN, _BOARD_RUN],
    "visit.arrived": [_ETA, _BOARD_RUN, _TRACK],
    "visit.at_bank": [f"{_COURIER}.on_courier_act", _ETA, _BOARD_VISIT],
    "visit.left": [_ETA, _BOARD_RUN, _TRACK],
    "arrival.changed": [_TELL, _TRACK],
    "arrival.late": [_TELL],
    "locker.reservation.held": [_STOP_KEPT, _TRACK_LOCKER],
    "locker.reservation.moved": [_STOP_KEPT, _TELL, _TRACK_LOCKER],
    "locker.reservation.cancelled": [_STOP_KEPT, _TRACK_LOCKER],
    "locker.parcel.lost": [_TRACK_LOCKER],
    "locker.parcel.ready": [_TELL, _TRACK_LOCKER],
    "locker.parcel.reminder_due": [_TELL],
    "locker.parcel.collected": [_TRACK_LOCKER],
    "locker.parcel.collect_expired": [_TELL, _TRACK_LOCKER],
    "locker.reservation.expired": [_STOP_KEPT, _TELL, _TRACK_LOCKER],
    "locker.reservation.rejected": [_STOP_KEPT, _TELL, _TRACK_LOCKER],
    "incident.opened": [_BOARD_INCIDENT],
    "incident.settled": [_BOARD_INCIDENT],
}

#: Handler -> the function that does for many events at once what the handler does for each:
#: ``def f(events: Sequence[DomainEvent]) -> None``. It acts as the actor of each event itself.
#: If it raises, nothing is kept, and each event is delivered alone; with ``DeliverAlone`` only
#: those that it names.
MANY: dict[str, str] = {
    _TELL: "notifications.handlers.on_events",
    _ORDER_DAY: f"{_DAY}.on_orders_changed",
    _ETA: f"{_LIVE}.on_orders_moved",
    _BOARD_RUN: "dispatch.console.board.handlers.on_runs_changed",
    _BOARD_VISIT: "dispatch.console.board.handlers.on_orders_visited",
    _BOARD_INCIDENT: "dispatch.console.board.handlers.on_incidents_changed",
    _LINK_ENDS: "dispatch.orders.handlers.on_orders_ended",
    _TRACK: "portal.tracking.handlers.on_orders_changed",
    _LOCKER: "lockers.handlers.on_orders_changed",
    _SLOT: "dispatch.slots.handlers.on_orders_changed",
    _PHONE: f"{_LIVE}.on_stops_changed",
    _STOP: f"{_COURIER}.on_orders_changed",
}

#: Old name of a handler -> its current name. A delivery that waits during an upgrade is stored
#: with the old name.
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
    "planning.tentative": JobSpec(
        "dispatch.planning.tasks.tentative_day", time_limit_s=120, queue="solve", fair=True
    ),
    "planning.improve": JobSpec(
        "dispatch.planning.tasks.improve", time_limit_s=180, max_attempts=1, queue="solve", low=True
    ),
    "planning.late": JobSpec(
        "dispatch.planning.tasks.publish_late", time_limit_s=120, queue="solve"
    ),
    "slots.adopt": JobSpec("dispatch.slots.tasks.adopt", time_limit_s=120, queue="bulk"),
    "live.photo": JobSpec("dispatch.live.photo_jobs.keep_photo", time_limit_s=60, queue="bulk"),
    "intake.import": JobSpec("dispatch.intake.tasks.import_orders", queue="bulk"),
    "lockers.import": JobSpec("lockers.intake.placing.import_points", queue="bulk"),
    "lockers.follow_bank": JobSpec("lockers.tasks.follow_changed_bank", queue="bulk"),
    "lockers.vendor_reserve": JobSpec("lockers.vendor_jobs.reserve_at_network", max_attempts=8),
    "lockers.vendor_cancel": JobSpec("lockers.vendor_jobs.cancel_at_network", max_attempts=8),
    "lockers.vendor_poll": JobSpec("lockers.vendor_jobs.poll_networks", queue="bulk"),
    "lockers.vendor_points": JobSpec("lockers.vendor_jobs.read_points", queue="bulk"),
    "retailer.open": JobSpec("tenants.tasks.run_opening", time_limit_s=120, queue="default"),
}

# Kinds of pointers to work (``lastmile.worklist``) -> the retailer's task that does the work.
POINTERS: dict[str, str] = {
    "planning.days": "planning.tend_days",
    "live.runs": "live.look_after_runs",
    "lockers.look": "lockers.look_after",
    "choice.take": "choice.take",
    "notifications.send": "notifications.hint",
    "notifications.reports": "notifications.take_reports_left",
}

# External systems that call /callbacks/<name>/: name -> class (`core.callbacks.Vendor`).
CALLBACKS: dict[str, str] = {
    "twilio": "notifications.callbacks.Twilio",
    "email": "notifications.bounces.MailServerReports",
    "inpost": "lockers.callbacks.InPostCalls",
}

# Credential types: name -> class (`tenants.credentials.CredentialType`). They are tried in this
# order; the first type whose credential is in the request decides.
CREDENTIALS: dict[str, str] = {
    # First: at the address of a shopper's socket only the secret in it counts.
    "shopper_link": "dispatch.orders.links.ShopperLink",
    "key": "tenants.people.credentials.KeyBearer",
    "ticket": "tenants.people.credentials.Ticket",
    "driver_device": "dispatch.live.credentials.DriverDevice",
    "member": "tenants.people.credentials.MemberSession",
    "password_link": "tenants.people.credentials.PasswordLink",
    "opt_out_link": "notifications.links.OptOutLink",
}

# Sections of the policy: name -> frozen dataclass (`tenants.sections`). Each gets a page.
POLICIES: dict[str, str] = {
    "slots": "dispatch.slots.policy.SlotPolicy",
    "planning": "dispatch.planning.policy.PlanningPolicy",
    "retention": "tenants.retention.Retention",
    "drivers": "dispatch.live.policy.DriverPolicy",
    "failed_attempts": "dispatch.live.policy.FailedPolicy",
    "proof": "dispatch.live.policy.ProofPolicy",
    "lockers": "lockers.policy.LockerPolicy",
    "tracking": "dispatch.live.policy.TrackingPolicy",
    "shopper_links": "dispatch.orders.policy.ShopperLinks",
    "shopper_pages": "portal.shopper.policy.ShopperPages",
    "notifications": "notifications.policy.MessagePolicy",
}

# Rolls of the commands `ledger` and `invariants`: each function is `def f() -> Mapping` and runs
# in the retailer's context.
LEDGER: list[str] = [
    "dispatch.fleet.rolls.ledger",
    "dispatch.orders.rolls.ledger",
    "dispatch.intake.selectors.rolls.ledger",
    "dispatch.planning.rolls.ledger",
    "portal.tracking.rolls.ledger",
    "dispatch.slots.rolls.ledger",
    "dispatch.live.rolls.ledger",
    "lockers.rolls.ledger",
    "notifications.rolls.ledger",
    "portal.choice.rolls.ledger",
]
INVARIANTS: list[str] = [
    "dispatch.fleet.rolls.invariants",
    "dispatch.orders.rolls.invariants",
    "dispatch.intake.selectors.rolls.invariants",
    "dispatch.planning.rolls.invariants",
    "portal.tracking.rolls.invariants",
    "dispatch.slots.rolls.invariants",
    "dispatch.live.rolls.invariants",
    "lockers.rolls.invariants",
    "notifications.rolls.invariants",
    "portal.choice.rolls.invariants",
]
# Returns public id -> name of all hubs, for pages on which a user chooses hubs: `def f() -> dict`.
HUB_NAMES: list[str] = ["dispatch.fleet.rolls.hub_names"]
# Words of the audit log, one function an app: `def words() -> tenants.audit_words.AuditWords`.
AUDIT_WORDS: list[str] = [
    "tenants.people.audit_words.words",
    "dispatch.console.fleet.audit_words.words",
    "dispatch.console.orders.audit_words.words",
    "dispatch.console.slots.audit_words.words",
    "dispatch.live.audit_words.words",
    "lockers.audit_words.words",
    "notifications.audit_words.words",
    "notifications.pages.text_audit.words",
]
# Rolls of erasing. FIND_SHOPPER finds the person (`def f(query) -> Person | None`). ERASE_SHOPPER
# has one function per app, the highest layer first (`def f(person) -> Mapping`). FORGET deletes
# what is old (`def f() -> Mapping`).
FIND_SHOPPER: list[str] = ["dispatch.orders.services.find_person"]
ERASE_SHOPPER: list[str] = [
    "portal.choice.services.erase_person",
    "portal.tracking.services.erase_person",
    "notifications.services.erase_kept",
    "notifications.services.erase_person",
    "dispatch.intake.services.erase_person",
    "dispatch.slots.services.erase_person",
    "dispatch.live.services.erase_person",
    "dispatch.planning.services.erase_person",
    "dispatch.orders.services.erase_person",
    "tenants.people.services.erase_person",
    "lastmile.core.erasing.erase",
]
FORGET: list[str] = [
    "portal.choice.services.forget_sessions",
    "portal.tracking.services.forget_texts",
    "notifications.services.forget_messages",
    "notifications.services.forget_budgets",
    "dispatch.intake.services.forget_rows",
    "dispatch.intake.services.forget_kept_files",
    "dispatch.slots.services.forget_places",
    "dispatch.live.services.forget_places",
    "dispatch.live.services.forget_arrivals",
    "dispatch.live.services.forget_photos",
    "dispatch.live.services.forget_devices",
    "dispatch.live.services.forget_positions",
    "lockers.services.forget_devices",
    "lockers.services.forget_vendor_reports",
    "lockers.services.reports.forget_events",
    "dispatch.planning.services.forget_days",
    "tenants.people.services.tidy",
    "notifications.services.forget_kept",
    "dispatch.orders.services.end_links_of_ended_orders",
    "lastmile.core.codes.forget_codes",
    "lastmile.core.derived.forget_secrets",
    "lastmile.core.limits.forget_counts",
    "lastmile.core.callbacks.forget_callbacks",
]
# Rolls of the demo: `def f(demo: Demo) -> Mapping`, called in this order. OPEN_DEMO runs once, in
# the reserved retailer `house`; SEED_DEMO runs in each demo retailer.
OPEN_DEMO: list[str] = [
    "dispatch.fleet.demo.open_demo",
    "tenants.demo.open_demo",
]
SEED_DEMO: list[str] = [
    "dispatch.fleet.demo.seed_demo",
    "dispatch.orders.demo.seed_demo",
    "lockers.demo.seed_demo",
    "dispatch.planning.demo.seed_demo",
    "dispatch.slots.demo.seed_demo",
    "lockers.demo_cabinets.seed_demo",
    "dispatch.live.demo.seed_demo",
    "notifications.demo.seed_demo",
    "portal.choice.demo.seed_demo",
]
