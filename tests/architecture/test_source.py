"""Rules for the source that no linter knows; each rule is also tested with code that breaks it."""

from __future__ import annotations

import configparser
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from django.conf import settings

from tests.architecture.source import (
    PACKAGES,
    ROOT,
    Module,
    Rule,
    asks_the_databases_clock,
    calls,
    functions_longer_than,
    holds,
    imports_from,
    imports_in_functions,
    longer_than,
    modules,
    more_arguments_than,
    offences,
    reads_the_clock,
    templates,
    uses,
)

TENANCY = uses(
    "set_schema", "set_tenant", "set_schema_to_public", "schema_context", "tenant_context"
)
SIGNALS = imports_from("django.db.models.signals", "django.dispatch", "django_tenants.signals")
UNSAFE = uses("mark_safe", "csrf_exempt", "RawSQL", "xframe_options_exempt")
CALLED_SAFE = calls("SafeString", "SafeText")
RAW = calls("raw", "extra")
THREADS = uses("database_sync_to_async", "sync_to_async")
ASYNC_ORM = calls("aget", "afirst", "alast", "acount", "aexists", "acreate", "aupdate", "adelete",
                  "asave", "aiterator", "abulk_create", "aget_or_create")  # fmt: skip
NOTES = holds("TODO", "FIXME", "XXX")
UNESCAPED = holds("|safe", "autoescape off", "safeseq")

# Leases, back-off, codes, sessions and tickets: what runs in real time for every retailer.
MACHINERY = (
    *(
        f"lastmile/core/{name}.py"
        for name in ("timing", "models", "jobs", "outbox", "relay", "runner", "fair_queue")
    ),
    *(f"lastmile/core/{name}.py" for name in ("codes", "limits", "rotating")),
    "lastmile/worklist/",
    "dispatch/planning/search/parts.py",
    *(
        f"notifications/services/{name}.py"
        for name in ("accepting", "accounts", "claiming", "looking_up", "polling", "preparing")
    ),
    "notifications/services/reporting.py",
    "notifications/services/reports.py",
    "notifications/channels/known_accounts.py",
    *(f"tenants/people/{name}.py" for name in ("credentials", "services/tickets", "services/tidy")),
)
REAL_TIME = (
    *("lastmile/core/clock.py", "lastmile/core/idempotency.py", "lastmile/beat.py"),
    *(f"tenants/people/{name}.py" for name in ("models", "services/keys", "services/login")),
    *("tenants/people/services/tickets.py", "tenants/services/clock.py"),
    "notifications/channels/webpush/channel.py",  # push services check the time of a call
    # Phones of drivers and their log-in links, like sessions.
    *(f"dispatch/live/{name}/devices.py" for name in ("models", "selectors", "services")),
    "dispatch/driver/demo_drivers/phone.py",  # a phone has the real time
    # Cabinets of lockers sign with the real time; their keys, commands and reports have it too.
    *("lockers/models/devices.py", "lockers/device_api/views.py", "lockers/selectors/support.py"),
    *(
        f"lockers/services/{name}.py"
        for name in ("provisioning", "messages", "journals", "commanding", "sweeping", "forgetting")
    ),
    # Networks of lockers check and give the real time of a call.
    *("lockers/callbacks.py", "lockers/models/vendors.py"),
    *("lockers/services/vendor_reports.py", "lockers/vendors/inpost/adapter.py"),
    *("lockers/services/accounts.py", "lockers/vendor_jobs.py"),
    # Codes and confirmations of shoppers, like sessions and tickets.
    *(f"portal/shopper/{name}.py" for name in ("stepup", "typed")),
)

RULES = {
    "the schema is moved by core alone": (TENANCY, ("lastmile/core/postgres/",)),
    "no signals": (SIGNALS, ()),
    # A callback carries no cookie: its signature says who sends it. A mail program ends messages
    # without a cookie (RFC 8058): the secret in the address is the proof. The key of a GPS app is
    # in each call.
    "nothing is marked safe, no door left unguarded": (
        UNSAFE,
        (
            *("lastmile/core/callback_views.py", "portal/feedback/opting_out.py"),
            "dispatch/api/gps.py",
            "lockers/device_api/views.py",  # a cabinet signs each call
        ),
    ),
    "no text is called safe": (CALLED_SAFE, ()),
    "no raw or extra queries": (RAW, ()),
    "threads are entered through in_retailer": (
        THREADS,
        ("lastmile/core/tenancy.py", "tenants/gate.py", "tenants/middleware.py"),
    ),
    "no async ORM": (ASYNC_ORM, ()),
    "no import inside a function": (imports_in_functions, ("lastmile/embedded/", "lastmile/asgi")),
    "nothing is left for later": (NOTES, ()),
    # A simulated cabinet is a program of its own, with its own clock.
    "one clock": (
        reads_the_clock,
        ("lastmile/core/clock.py", "lockers/simulator/", "lockers/conformance/"),
    ),
    "only machinery goes by the database's clock": (asks_the_databases_clock, MACHINERY),
    "business goes by the retailer's clock": (uses("real_now"), REAL_TIME),
    "a module has at most 400 lines": (longer_than(400), ()),
    "a function has at most 60 lines": (functions_longer_than(60), ()),
    "a function takes at most seven arguments": (
        more_arguments_than(7),
        ("dispatch/orders/services/attempting.py", "notifications/channels/base.py"),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_source_keeps_the_rule(name: str) -> None:
    rule, but = RULES[name]
    assert offences(rule, modules(), but=but) == []


def test_templates_escape_everything() -> None:
    assert offences(UNESCAPED, templates()) == []


@pytest.mark.parametrize(
    ("rule", "breach"),
    [
        (TENANCY, "from django_tenants.utils import schema_context"),
        (TENANCY, "connection.set_tenant(t)"),
        (SIGNALS, "from django.db.models.signals import post_save"),
        (UNSAFE, "from django.utils.safestring import mark_safe"),
        (CALLED_SAFE, "SafeString('<b>')"),
        (RAW, "Order.objects.raw('SELECT 1')"),
        (THREADS, "x = database_sync_to_async(f)"),
        (ASYNC_ORM, "async def f(): await Order.objects.aget()"),
        (imports_in_functions, "def f():\n    from tenants import services"),
        (imports_in_functions, "async def f():\n    import dispatch.orders"),
        (NOTES, "x = 1  # TODO later"),
        (reads_the_clock, "dt.date.today()"),
        (reads_the_clock, "dt.datetime.now(dt.UTC)"),
        (reads_the_clock, "time.time()"),
        (asks_the_databases_clock, "rows.filter(at__lt=Now())"),
        (asks_the_databases_clock, "cursor.execute('SELECT now()')"),
        (asks_the_databases_clock, "X = 'made_at < CURRENT_TIMESTAMP'"),
        (asks_the_databases_clock, "at = models.DateTimeField(auto_now=True)"),
        (uses("real_now"), "from lastmile.core.clock import real_now"),
        (longer_than(3), "a = 1\nb = 2\nc = 3\nd = 4\n"),
        (
            functions_longer_than(3),
            "def f():\n    'doc'\n    a = 1\n    b = 2\n    c = 3\n    d = 4\n",
        ),
        (more_arguments_than(2), "def f(a, b, *, c): ..."),
        (more_arguments_than(2), "class A:\n    def f(self, a, b, c): ..."),
        (UNESCAPED, "{{ name|safe }}"),
    ],
)
def test_each_rule_bites(rule: Rule, breach: str) -> None:
    assert offences(rule, (Module("dispatch/x.py", breach),)) != []


def test_there_is_source_to_read() -> None:
    assert len(modules()) > 80
    assert {module.path.split("/")[0] for module in modules()} == set(PACKAGES)
    assert templates()


# --- the import rules themselves -------------------------------------------------------------
def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def listed(section: str, key: str) -> set[str]:
    return set(contracts()[f"importlinter:contract:{section}"][key].split())


def test_no_import_rule_is_ignored() -> None:
    for section in contracts().sections():
        assert "ignore_imports" not in contracts()[section], section
        assert contracts()[section].get("unmatched_ignore_imports_alerting") is None


def test_every_room_with_layers_is_held_to_their_order() -> None:
    layered = {
        str(path.parent.relative_to(ROOT)).replace("/", ".")
        for package in PACKAGES[1:]
        for path in chain(
            (ROOT / package).rglob("services.py"),
            (ROOT / package).rglob("selectors.py"),
            (ROOT / package).rglob("services/__init__.py"),
        )
        if path.name != "__init__.py"
    } | {
        str(path.parent.parent.relative_to(ROOT)).replace("/", ".")
        for package in PACKAGES[1:]
        for path in (ROOT / package).rglob("services/__init__.py")
    }
    in_contract = {
        container
        for section in contracts().sections()
        if contracts()[section].get("type") == "layers"
        for container in contracts()[section].get("containers", "").split()
    }
    assert layered - in_contract == set()


def test_the_six_packages_are_in_order() -> None:
    layers = contracts()["importlinter:contract:tower"]["layers"].split()
    assert layers == ["portal", "notifications", "lockers", "dispatch", "tenants", "lastmile"]


def test_every_package_and_core_are_held_free_of_circles() -> None:
    assert listed("acyclic", "ancestors") == set(PACKAGES)


def test_every_module_is_in_a_contract_that_leaves_none_out() -> None:
    in_contract = {
        container
        for section in contracts().sections()
        if contracts()[section].get("exhaustive") == "True"
        for container in contracts()[section]["containers"].split()
    }
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    empty = {"lockers", "notifications"}
    missing = {
        name
        for name in packages - in_contract - empty
        if not any(name.startswith(f"{container}.") for container in in_contract)
    }
    assert missing == set()


def test_pure_modules_are_listed() -> None:
    pure = listed("pure", "source_modules")
    assert {"dispatch.solver", "dispatch.roads", "dispatch.emissions"} <= pure
    marked = {
        module.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for module in modules()
        if (module.text.partition('"""')[2].partition('"""')[0]).rstrip().endswith("PURE.")
    }
    assert {name for name in marked if not name.startswith(tuple(pure))} == set()


# --- files of the repository -----------------------------------------------------------------
def tracked() -> list[Path]:
    named = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [ROOT / name for name in named.stdout.split("\0") if name]


def test_no_shared_app_is_a_retailers_app_too() -> None:
    assert set(settings.SHARED_APPS) & set(settings.TENANT_APPS) == set()


def test_no_tracked_file_names_a_machine() -> None:
    words = (b"/work" + b"/", b"farm" + b"-bench", b"farm" + b"-studio", b"/root" + b"/.pyenv")
    places = [
        (str(path.relative_to(ROOT)), word)
        for path in tracked()
        if path.is_file()
        for word in words
        if word in path.read_bytes()
    ]
    assert places == []


def test_the_text_for_not_found_is_defined_once() -> None:
    text = "Not found: it does not exist or you do not have access."
    assert [one.path for one in modules() if text in one.text] == ["lastmile/core/refusals.py"]
