"""The start-up checks report wrong names, missing permissions and schemas that differ."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from lastmile import switchboard
from lastmile.core import checks, wiring
from lastmile.core.tenancy import retailer_context
from lastmile.schedule import SCHEDULE, ScheduledTask
from tenants.models import Retailer
from tenants.permissions import Act, RetailerAPIView, open_to_all, page

LIVE = {"LOCAL": False, "BASE_DOMAIN": "deliveries.example.org", "DEBUG": False}


def messages_of(errors: list[Any]) -> list[str]:
    return [message.msg for message in errors]


def test_the_start_up_checks_find_no_error(db: None) -> None:
    assert messages_of(run_checks(include_deployment_checks=False, databases=["default"])) == []


def test_the_checks_see_names_views_and_sockets() -> None:
    assert len(list(checks._names_in_settings())) > 30
    assert len(list(checks.views("lastmile.urls"))) > 30
    assert list(checks.sockets())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("RETAILERS", "tenants.selectorz"),
        ("MIDDLEWARE", ["tenants.middleware.RetailerMiddleware", "tenants.middleware.Nobody"]),
        ("CACHES", {"default": {"KEY_FUNCTION": "lastmile.core.tenancy.no_function"}}),
        ("ASGI_APPLICATION", "lastmile.asgi.no_application"),
    ],
)
def test_a_wrong_name_in_settings_is_reported(settings: Any, setting: str, value: Any) -> None:
    errors = list(checks._names_in_settings())
    assert all(checks._resolves(name) for _where, name in errors)
    setattr(settings, setting, value)
    wrong = [where for where, name in checks._names_in_settings() if not checks._resolves(name)]
    assert f"settings.{setting}" in wrong


def test_a_wrong_name_in_switchboard_or_schedule_is_reported(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wired = SimpleNamespace(
        EVENTS=switchboard.EVENTS,
        HANDLERS={"order.placed": ["dispatch.orders.handlers.no_such"]},
        JOBS={"x.y": wiring.JobSpec("tenants.tasks.run_nothing")},
    )
    monkeypatch.setattr(wiring, "_table", lambda name, default: getattr(wired, name, default))
    monkeypatch.setitem(SCHEDULE, "ghost", ScheduledTask("core.no_such_task", 60))
    errors = " ".join(messages_of(checks.every_wired_name_resolves()))
    for name in ("handlers.no_such", "tasks.run_nothing", "core.no_such_task"):
        assert name in errors


def silent(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class SilentView(RetailerAPIView):
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse()


class SaidView(SilentView):
    acts = {"get": Act.ORDERS_VIEW}


urlpatterns = [
    path("closed/", page(Act.ORDERS_VIEW)(silent)),
    path("silent/", lambda request: HttpResponse()),
    path("api/", include([path("silent/", SilentView.as_view()), path("x/", SaidView.as_view())])),
    path("open/", open_to_all("a test")(lambda request: HttpResponse())),
]


def test_a_view_without_a_permission_is_reported(settings: Any) -> None:
    settings.ROOT_URLCONF = settings.PUBLIC_SCHEMA_URLCONF = __name__
    errors = messages_of(checks.every_view_declares_its_permission())
    assert errors == [
        "/api/silent/ does not declare its permission.",
        "/silent/ does not declare its permission.",
    ]


def test_a_websocket_without_a_permission_is_reported(settings: Any) -> None:
    settings.SOCKET_ROUTES = [f"{__name__}.ROUTES"]
    assert messages_of(checks.every_view_declares_its_permission()) == [
        "websocket /ws/silent/ does not declare its permission."
    ]


ROUTES = [path("ws/silent/", SimpleNamespace)]


def test_a_table_in_public_and_in_a_retailer_is_reported(db: None) -> None:
    with retailer_context("t1"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.core_event (id int)")
    errors = messages_of(checks.every_schema_has_the_same_tables(databases=["default"]))
    assert errors == ["The table core_event is in public and in a retailer's schema."]


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE t2.core_delivery",
        "CREATE TABLE t2.stray (id int)",
        "ALTER TABLE t2.core_delivery DROP COLUMN error",
        "ALTER TABLE t2.core_delivery ALTER error DROP NOT NULL",
        "ALTER TABLE t2.core_delivery ALTER error TYPE varchar(80)",
    ],
)
def test_a_retailer_whose_tables_differ_is_reported(db: None, change: str) -> None:
    with retailer_context("t2"), connection.cursor() as cursor:
        cursor.execute(change)
    errors = messages_of(checks.every_schema_has_the_same_tables(databases=["default"]))
    table = "stray" if "stray" in change else "core_delivery"
    assert errors == [f"t2 differs from the template in: {table}."]


def test_a_suspended_retailer_is_compared_too(db: None) -> None:
    with retailer_context("t2"), connection.cursor() as cursor:
        Retailer.objects.filter(schema_name="t2").update(status="suspended")
        cursor.execute("DROP TABLE t2.core_delivery")
    assert messages_of(checks.every_schema_has_the_same_tables(databases=["default"])) != []


def test_without_a_database_no_query_is_run() -> None:
    assert checks.every_schema_has_the_same_tables(databases=None) == []
    assert checks.no_demo_is_public(databases=None) == []


@pytest.fixture
def live(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    for name, value in LIVE.items():
        setattr(settings, name, value)
    settings.FIELD_KEYS = ("a key of the test, thirty-two long",)
    monkeypatch.delenv("ALLOW_TEST_CLOCK", raising=False)
    settings.SOCKET_FOLDER = tmp_path / "run"
    settings.SOCKET_FOLDER.mkdir(mode=0o700)
    return settings


def test_a_correct_public_installation_has_no_error(live: Any) -> None:
    assert checks.no_local_setting_is_public() == []


@pytest.mark.parametrize("fault", ["debug", "clock", "keys", "socket"])
def test_local_settings_are_refused_on_a_public_host(
    live: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "debug":
        live.DEBUG = True
    elif fault == "clock":
        monkeypatch.setenv("ALLOW_TEST_CLOCK", "1")
    elif fault == "keys":
        live.FIELD_KEYS = ()
    else:
        live.SOCKET_FOLDER.chmod(0o750)
    (refusal,) = checks.no_local_setting_is_public()
    assert refusal.msg.startswith("BASE_DOMAIN is deliveries.example.org, and ")
    live.LOCAL = True
    assert checks.no_local_setting_is_public() == []


def test_a_demo_retailer_is_refused_on_a_public_host(db: None, live: Any) -> None:
    with retailer_context("house"):
        Retailer.objects.filter(schema_name="t2").update(is_demo=True)
    (refusal,) = checks.no_demo_is_public(databases=["default"])
    assert "t2 is a demo retailer" in refusal.msg
