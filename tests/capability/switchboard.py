"""The real switchboard plus the lines of remarks. A real app adds its lines to the real file."""

from __future__ import annotations

from lastmile.core.wiring import JobSpec
from lastmile.switchboard import *  # noqa: F403
from lastmile.switchboard import CALLBACKS as _CALLBACKS
from lastmile.switchboard import CREDENTIALS as _CREDENTIALS
from lastmile.switchboard import ERASE_SHOPPER as _ERASE_SHOPPER
from lastmile.switchboard import EVENTS as _EVENTS
from lastmile.switchboard import FORGET as _FORGET
from lastmile.switchboard import HANDLERS as _HANDLERS
from lastmile.switchboard import INVARIANTS as _INVARIANTS
from lastmile.switchboard import JOBS as _JOBS
from lastmile.switchboard import POLICIES as _POLICIES

EVENTS = [*_EVENTS, "tests.capability.events"]
HANDLERS = {
    **_HANDLERS,
    "remark.added": [
        "tests.capability.handlers.ask_translation",
        "tests.capability.handlers.tell_open_pages",
    ],
}
JOBS = {
    **_JOBS,
    "remarks.translate": JobSpec(
        "tests.capability.tasks.translate", on_end=("tests.capability.handlers.on_translated",)
    ),
}
INVARIANTS = [*_INVARIANTS, "tests.capability.rolls.invariants"]
CREDENTIALS = {**_CREDENTIALS, "remark_link": "tests.capability.credentials.RemarkLink"}
POLICIES = {**_POLICIES, "remarks": "tests.capability.policy.Policy"}
ERASE_SHOPPER = ["tests.capability.services.erase_person", *_ERASE_SHOPPER]
FORGET = [*_FORGET, "tests.capability.services.forget_remarks"]
CALLBACKS = {**_CALLBACKS, "corrections": "tests.capability.vendors.corrections.Corrections"}
