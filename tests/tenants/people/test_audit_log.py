"""The audit log as people read it: sentences with names, for every action of the code."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from dispatch.fleet import events as fleet_events
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.services import (
    cancel_shift,
    change_driver,
    change_hub,
    change_vehicle,
    remove_zone,
    retire_vehicle,
)
from dispatch.orders.events import SHOPPER_ERASED
from dispatch.slots import events as slot_events
from lastmile.core.actor import acting_as
from lastmile.core.kinds import Kind, kinds_in
from lastmile.core.tenancy import RetailerRef
from lastmile.core.wiring import roll
from lockers.states import CommandKind
from tenants import services
from tenants.audit_words import AuditWords
from tenants.events import RETAILER
from tenants.people.audit_log import lines
from tenants.people.models import AuditEntry, Member
from tenants.people.services import (
    audit,
    change_member,
    create_key,
    end_sessions,
    set_section,
)
from tenants.permissions import Role
from tenants.policy import Brand, Policy
from tenants.retention import Retention
from tenants.sections import section_of
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle, make_zone
from tests.people import add_member, logged_in

ROOT = Path(__file__).parents[3]
_ID = re.compile(r"\b[a-z]{3}_[0-9a-z]{20}\b")

AUDITS = {"audit", "audit_sending"}
PASSED_ON = ("notifications/services/auditing.py", "act")  # audit_sending calls audit with its act


def _names(kinds: Iterable[Kind[Any]]) -> list[str]:
    return [kind.name for kind in kinds]


#: Calls of audit() whose action is not written out -> the actions that they audit.
COMPUTED: dict[tuple[str, str], list[str]] = {
    ("dispatch/fleet/services/writing.py", "kind.name"): _names(kinds_in(vars(fleet_events))),
    ("dispatch/fleet/services/zones.py", "ZONE_REMOVED.name"): [fleet_events.ZONE_REMOVED.name],
    ("dispatch/orders/services/erasing.py", "SHOPPER_ERASED.name"): [SHOPPER_ERASED.name],
    ("dispatch/slots/services/changing.py", "SLOT_CHANGED.name"): [slot_events.SLOT_CHANGED.name],
    ("dispatch/slots/services/writing.py", "kind.name"): [
        kind.name for kind in kinds_in(vars(slot_events)) if kind.facts is slot_events.RuleFacts
    ],
    ("lockers/services/commanding.py", "f'locker.{kind}'"): [f"locker.{k}" for k in CommandKind],
    ("tenants/services/lifecycle.py", "kind.name"): _names(RETAILER.values()),
}


def _audit_calls() -> Iterator[tuple[str, ast.expr]]:
    """Yield (file, first argument) of every call in the product that audits."""
    for package in ("dispatch", "lastmile", "lockers", "notifications", "portal", "tenants"):
        for file in sorted((ROOT / package).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if "audit" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in AUDITS and node.args:
                    name = file.relative_to(ROOT).as_posix()
                    if (name, ast.unparse(node.args[0])) != PASSED_ON:
                        yield name, node.args[0]


def _actions() -> set[str]:
    actions: set[str] = set()
    for file, action in _audit_calls():
        if isinstance(action, ast.Constant):
            actions.add(str(action.value))
        else:
            actions |= set(COMPUTED[file, ast.unparse(action)])
    return actions


def _words() -> list[AuditWords]:
    return [words() for _app, words in roll("AUDIT_WORDS")]


def test_every_action_of_the_code_has_a_sentence_and_every_sentence_an_action() -> None:
    actions = [action for words in _words() for action in words.sentences]
    assert len(actions) == len(set(actions))
    assert set(actions) == _actions()
    assert len(actions) > 30


def test_every_audited_field_has_a_label() -> None:
    fields = {noun: set(names) for words in _words() for noun, names in words.fields.items()}
    unaudited = {
        "id", "public_id", "created_at", "updated_at", "version",
        "polygon", "min_lat", "min_lon", "max_lat", "max_lon",
    }  # fmt: skip
    rows: list[type[models.Model]] = [Hub, Zone, Vehicle, Driver, Shift]
    for model in rows:
        columns = {column.name for column in model._meta.concrete_fields}
        assert fields[model.__name__.lower()] == columns - unaudited
    members = importlib.import_module("tenants.people.services.members")
    assert fields["member"] == set(members._SHOWN)
    policy = services.lifecycle.columns(Policy(name="A", zone="UTC", currency="EUR"))
    plain = {name for name in fields["policy"] if "." not in name}
    assert plain == set(policy) - {"brand"}
    brand = {name.partition(".")[2] for name in fields["policy"] if name.startswith("brand.")}
    assert brand == set(Brand.__dataclass_fields__)


def _member(role: Role, name: str) -> Member:
    member = add_member(role)
    Member.objects.filter(pk=member.pk).update(name=name)
    return member


def _text(entry: AuditEntry) -> str:
    (line,) = lines([entry])
    html = line.sentence + "".join(f" | {label}: {value}" for label, value in line.added)
    return re.sub(r"<[^>]+>", "", html)


def _last() -> str:
    return _text(AuditEntry.objects.latest("pk"))


def test_sentences_name_who_did_what_to_what_with_old_and_new_values(
    retailer: RetailerRef,
) -> None:
    boss = _member(Role.OWNER, "Ana Rojas")
    picker = _member(Role.PICKER, "Luis Vega")
    hub, other = make_hub(name="Centre"), make_hub(name="North")
    van = make_vehicle(hub=hub, name="Van 2", weight_g=800_000)
    with acting_as(boss.public_id):
        change_member(public_id=picker.public_id, by=None, role="dispatcher")
        assert (
            _last() == "Ana Rojas changed the member Luis Vega: “Role” from Picker to Dispatcher."
        )
        change_member(public_id=picker.public_id, by=None, hubs=[hub.public_id])
        assert _last().endswith("Luis Vega: “Hubs” from All hubs to Centre.")
        end_sessions(public_id=boss.public_id, by=None)
        assert _last() == "Ana Rojas ended all of their own sessions."
        change_vehicle(vehicle=van, weight_g=900_000, hub=other)
        assert _last() == (
            "Ana Rojas changed the vehicle Van 2: "
            "“Hub” from Centre to North; “Capacity, kg” from 800 to 900."
        )
        change_hub(hub=hub, hours=[[[480, 1200]]] * 5 + [[], []])
        assert _last() == (
            "Ana Rojas changed the hub Centre: “Opening hours” from Monday–Sunday 06:00-22:00 "
            "to Monday–Friday 08:00-20:00, Saturday–Sunday closed."
        )
        retire_vehicle(vehicle=Vehicle.objects.get(pk=van.pk))
        assert _last() == "Ana Rojas deactivated the vehicle Van 2."
        set_section(section=section_of(Retention), policy=Retention(audit_days=400))
        assert _last() == "Ana Rojas changed the settings: “Audit log, days” from 731 to 400."
    with acting_as(create_key(name="Web shop", role="integration")[0].public_id):
        driver = make_driver(hub=hub, name="Eva", phone="")
        change_driver(driver=driver, phone="+351912345678")
        assert _last() == (
            "API key “Web shop” changed the driver Eva: “Phone” set to +351912345678."
        )
    assert _text(AuditEntry.objects.filter(act="key.create").get()) == (
        "The system created the API key Web shop. | Role: Integration"
    )


def test_a_policy_with_a_brand_is_told_by_the_labels_of_its_form(retailer: RetailerRef) -> None:
    services.set_policy(Policy(name="Acme", zone="UTC", currency="EUR", brand=Brand(hue=100)))
    text = _last()
    assert "“Accent colour” set to 100" in text
    assert "“Time zone” from Europe/Lisbon to UTC" in text
    assert "{" not in text


def test_entries_whose_subject_or_actor_is_gone_still_read_well(retailer: RetailerRef) -> None:
    zone = make_zone(hub=make_hub(name="Centre"), name="Old town")
    zone_id = zone.public_id
    remove_zone(zone=zone)
    texts = [_text(entry) for entry in AuditEntry.objects.filter(subject=zone_id).order_by("pk")]
    assert texts[0].startswith("The system added the zone Old town.")
    assert texts[-1] == "The system removed the zone Old town."
    body = "0" * 20
    with transaction.atomic(), acting_as(f"mbr_{body}"):
        entry = audit("vehicle.changed", f"veh_{body}", {"hub": (f"hub_{body}", None)})
    assert _text(entry) == (
        "The operator changed the vehicle (no longer exists): "
        "“Hub” removed (it was (no longer exists))."
    )
    with transaction.atomic():
        entry = audit("shift.changed", f"sft_{body}", {"starts_at": ("[erased]", None)})
    assert _text(entry).endswith("“Starts” removed (it was [erased]).")
    with transaction.atomic(), acting_as(f"key_{body}"):
        entry = audit("thing.made", f"thg_{body}", {"some_thing": ({"a": [1]}, {"a": [2]})})
    assert _text(entry) == "An API key changed (no longer exists): “Some thing a” from 1 to 2."


def test_the_page_has_no_codes_ids_or_json_and_shows_local_times(retailer: RetailerRef) -> None:
    boss = _member(Role.OWNER, "Ana <b>Rojas</b>")
    browser = logged_in(retailer, boss)
    with acting_as(boss.public_id):
        hub = make_hub(name="Centre")
        shift = make_shift(vehicle=make_vehicle(hub=hub, name="Van 2"))
        cancel_shift(shift=shift)
        services.set_policy(Policy(name="Acme", zone="UTC", currency="EUR", brand=Brand(hue=100)))
    page = browser.get("/audit/").content.decode()
    rows = page[page.index("<tbody>") : page.index("</tbody>")]
    texts = re.sub(r"<[^>]+>", " ", rows)
    assert "cancelled the shift of" in texts
    assert "Ana &lt;b&gt;Rojas" in rows
    assert _ID.search(texts) is None
    assert not any(action in texts for action in _actions())
    assert "{" not in texts
    assert re.search(r'<time datetime="[^"]+" title="[^"]+">', rows)
    one = browser.get(f"/audit/?subject={hub.public_id}").content.decode()
    assert "Only entries about Centre." in one
    panel = browser.get(f"/audit/of/{hub.public_id}/", headers={"hx-request": "true"})
    assert "added the hub" in panel.content.decode()


def test_the_sentences_are_translated(retailer: RetailerRef) -> None:
    with transaction.atomic():
        van = make_vehicle(name="Van 2")
        entry = audit("vehicle.changed", van.public_id, {"active": (True, False)})
    with translation.override("es"):
        assert _text(entry) == "El sistema modificó el vehículo Van 2: “Activo” de sí a no."


@pytest.mark.parametrize("count", [2, 20])
def test_the_number_of_queries_does_not_grow_with_the_entries(
    retailer: RetailerRef, count: int
) -> None:
    boss = add_member(Role.OWNER)
    with acting_as(boss.public_id):
        for number in range(count):
            hub = make_hub(name=f"Hub {number}")
            make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub))
            make_zone(hub=hub)
    entries = list(AuditEntry.objects.all())
    with CaptureQueriesContext(connection) as queries:
        lines(entries)
    assert len(queries) <= 10  # one for each kind of name
