"""M09: before an import the page says how many people will be written to, and on which channel."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils.html import strip_tags

from dispatch.intake.models import ImportBatch
from dispatch.intake.services import receive_file
from lastmile.core.clock import now
from lastmile.core.models import JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from notifications.models import Message
from notifications.selectors.would_tell import count_people
from tenants.permissions import Role
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account
from tests.people import add_member, logged_in

HTMX = {"hx-request": "true"}
HEAD = "order_id,name,phone,email,lat,lon,date,from,to\n"
DAY = (now() + dt.timedelta(days=5)).date().isoformat()
FILE = (
    f"{HEAD}A1,Ana,+351912345678,,38.72,-9.14,{DAY},09:00,12:00\n"
    f"A2,Rui,,rui@example.org,38.73,-9.15,{DAY},09:00,12:00\n"
    f"A3,Eva,,,38.73,-9.15,{DAY},09:00,12:00\n"
    "A4,Old,+351912345679,,38.73,-9.15,2020-01-01,09:00,12:00\n"
)


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    make_hub(name="Lisboa", lat=38.72, lon=-9.13)
    return logged_in(retailer, add_member(Role.DISPATCHER))


def previewed(*, dry_run: bool = True) -> ImportBatch:
    batch = receive_file(content=FILE.encode(), filename="day.csv", dry_run=dry_run)
    assert run_job(batch.job) == JobState.SUCCEEDED
    return ImportBatch.objects.get(pk=batch.pk)


def panel(desk: Client, batch: ImportBatch) -> str:
    answer = desk.get(f"/messages/of-import/{batch.public_id}/", headers=HTMX)
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode()).split())


def test_m09_the_preview_has_the_panel(desk: Client) -> None:
    batch = previewed()
    page = desk.get(f"/console/imports/{batch.public_id}/").content.decode()
    assert f"/messages/of-import/{batch.public_id}/" in page


def test_m09_the_panel_says_how_many_people_and_on_which_channel(desk: Client) -> None:
    batch = previewed()
    assert panel(desk, batch).startswith("Nobody will be written to. No channel is switched on.")
    make_account("sms")
    shown = panel(desk, batch)
    assert shown.startswith("At most 1 person will be written to: SMS 1")
    assert "2 people cannot be reached" in shown
    make_account("email")
    shown = panel(desk, batch)
    assert shown.startswith("At most 2 people will be written to:")
    assert "SMS 1" in shown
    assert "E-mail 1" in shown
    assert "2 messages: Window confirmed 2." in shown
    assert "1 order is over. Nobody is written to about it." in shown
    assert Message.objects.count() == 0, "a preview writes nothing"


def test_m09_an_import_that_was_made_has_no_panel(desk: Client) -> None:
    batch = previewed(dry_run=False)
    where = f"/messages/of-import/{batch.public_id}/"
    assert desk.get(where, headers=HTMX).status_code == 204


def test_m09_each_person_counts_on_the_first_channel_for_which_there_is_a_contact() -> None:
    counts = {
        "new_window": {
            "both": {"orders": 3, "people": 2},
            "email": {"orders": 1, "people": 1},
            "neither": {"orders": 4, "people": 4},
        },
        "without_window": {"phone": {"orders": 5, "people": 5}},
        "history": 7,
    }
    result = count_people(
        counts,
        {
            "new_window": ["email", "sms"],
            "changed_window": ["sms"],
            "without_window": None,
        },
    )
    assert result.by_channel == {"email": 3}
    assert (result.people, result.messages, result.unreachable, result.history) == (3, 4, 4, 7)
    assert result.silent == ("choose_invitation",)
