"""Makes data with an older checkout and dumps it; ``python -m tests.upgrade`` runs this file.

The code and the factories are those of the older commit. So this file uses the names of that
commit; adapt them before you make a dump with a newer commit.
"""
# ruff: noqa: E402

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())  # noqa: PTH109  the older checkout, not this file's folder
os.environ["PYTHONPATH"] = os.getcwd()  # noqa: PTH109  for the solver's own process
os.environ["DJANGO_SETTINGS_MODULE"] = "lastmile.settings_test"

import django

django.setup()

from django.apps import apps
from django.conf import settings
from django.db import connections, transaction

from dispatch.intake.services import receive_file
from dispatch.orders.drafts import ParcelDraft, ShopperDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order, set_pin
from dispatch.planning import editing
from dispatch.planning.models import Plan
from dispatch.planning.services import publish_plan, request_plan, revise_plan
from lastmile.core.relay import relay_batch
from lastmile.core.runner import run_job
from lastmile.core.tenancy import HOUSE, RetailerRef, retailer_context, shared_context
from lastmile.embedded import binaries
from lastmile.embedded.keeper import services_in_use
from tenants.people import services as people
from tenants.permissions import KeyRole, Role
from tenants.policy import Policy
from tenants.services import Opening, migrate_house, open_retailer
from tests.architecture.filling import INSTANT, fill, in_order
from tests.databases import copy_of
from tests.dispatch.orders.actions import LOST, attempt, out
from tests.drain import drain
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle, make_zone
from tests.factories.orders import DAY, make_order, make_window
from tests.people import PASSWORD, add_member, key_client, logged_in

EVENING = dt.datetime.combine(DAY, dt.time(20), dt.UTC)
OPENINGS = (
    Opening("t_north", "north.localhost", Policy("Nørth & Søns", "Europe/Lisbon", "EUR")),
    Opening("t_south", "south.localhost", Policy("Tienda Sur", "America/Santiago", "CLP", "es")),
)
FILE = (
    "order;name;phone;address;lat;lon;date;weight_g\n"
    "F1;Álvaro Núñez;+351912000001;Rua do Ouro 5, Lisboa;38.7101;-9.1372;2026-11-23;900\n"
    "F2;O'Neill;+351912000002;Rua da Prata 8, Lisboa;38.7102;-9.1361;2026-11-23;no weight\n"
)
FIXED_VALUES: dict[str, dict[str, Any]] = {
    "orders.attempt": {"outcome": "delivered", "reason": ""},
    "slots.slot": {"book_until_at": INSTANT},
    "slots.hold": {"expires_at": INSTANT},
}


def make_data(ref: RetailerRef) -> None:
    """Use every part of the product once: orders, imports, plans, attempts, members and keys."""
    hub = make_hub()
    make_zone(hub=hub)
    make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub))
    placed = [make_order(hub=hub.public_id, window=make_window(9, 15)) for _n in range(8)]
    make_order(hub=hub.public_id, place=LOST, shopper=ShopperDraft(name="Søren", email="s@x.org"))
    make_order(hub=hub.public_id, parcels=(ParcelDraft(weight_g=2_000_000, volume_cm3=1),))
    moved = make_order(hub=hub.public_id, place=LOST, notes='Ring twice; "dog" ñ\'')
    set_pin(order=moved, lat=38.721, lon=-9.141)
    cancel_order(order=make_order(hub=hub.public_id))
    receive_file(content=FILE.encode(), filename="Pedidos ñ.csv", dry_run=True, hub=hub)
    receive_file(content=FILE.encode(), filename="Pedidos ñ.csv", hub=hub)
    drain()
    job = request_plan(hub=hub, service_date=DAY, seconds=1)
    run_job(job.public_id)
    job.refresh_from_db()
    assert job.state == "succeeded", f"{job.reason}: {job.detail}"
    plan = Plan.objects.latest("pk")
    plan = editing.take_off(plan=plan, version=None, order=placed[0].public_id)
    plan = editing.undo(plan=plan, version=None)
    plan = editing.take_off(plan=plan, version=None, order=placed[7].public_id)
    publish_plan(plan=plan)
    revise_plan(plan=plan)
    going = list(Order.objects.filter(state="planned").order_by("pk"))
    attempt(out(going[0]))
    attempt(out(going[1]), outcome="failed", reason="not_home")
    member = add_member(email=f"owner@{ref.domain}.org", role=Role.OWNER)
    logged_in(ref, member)
    people.issue_ticket(
        credential=people.tickets.Credential(kind="member", principal_id=member.public_id)
    )
    key_client(ref).post("/api/v1/orders/", {"external_id": "API-1", "place": {"text": "Rua 1"}})
    people.create_key(name="Shop", role=KeyRole.INTEGRATION, hubs=[hub.public_id], origins=[])
    drain()


def fill_empty(names: list[str]) -> None:
    """Put a row into each table that is still empty."""
    labels = {config.label for config in apps.get_app_configs() if config.name in names}
    models = [m for m in apps.get_models() if m._meta.app_label in labels - {"contenttypes"}]
    for model in in_order(models):
        if not model._default_manager.exists():
            keys = {
                field.name: field.related_model._default_manager.first()
                for field in model._meta.local_fields
                if field.many_to_one or field.one_to_one
            }
            fill(model, keys | FIXED_VALUES.get(model._meta.label_lower, {}))


def main(target: str) -> None:
    """Make the data and write the dump to the file ``target``."""
    with tempfile.NamedTemporaryFile("w", suffix=".clock") as clock:
        clock.write(EVENING.isoformat())
        clock.flush()
        os.environ |= {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": clock.name}
        with services_in_use(settings.VAR, durable=False), copy_of("template0") as name:
            migrate_house()
            with retailer_context(HOUSE):
                for opening in OPENINGS:
                    open_retailer(opening)
                people.add_member(
                    email="operator@lastmile.example", name="Op", role="owner", password=PASSWORD
                )
                drain()
            for opening in OPENINGS:
                with retailer_context(opening.schema) as ref:
                    make_data(ref)
                    while relay_batch()[0]:
                        pass
                    with transaction.atomic():
                        fill_empty(settings.TENANT_APPS)
            with shared_context(), transaction.atomic():
                fill_empty(settings.SHARED_APPS)
            connections.close_all()
            _dump(name, target)


def _dump(name: str, target: str) -> None:
    db = settings.DATABASES["default"]
    program = str(binaries.postgres_home() / "bin" / "pg_dump")
    flags = ["--no-owner", "--no-privileges", "--restrict-key=lastmile", "-h", str(db["HOST"])]
    subprocess.run([program, *flags, "-U", db["USER"], "-f", str(Path(target)), name], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
