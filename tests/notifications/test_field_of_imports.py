"""M09: an import of history, or one that changes nothing, writes to nobody."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.intake.models import ImportBatch
from dispatch.intake.services import receive_file
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from notifications.models import Message
from notifications.selectors.accounts import fingerprint
from tenants.selectors import today
from tests.drain import drain
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account

HEAD = "order_id,name,phone,lat,lon,date,from,to\n"


@pytest.fixture(autouse=True)
def shop(retailer: RetailerRef) -> None:
    make_hub(name="Lisboa", lat=38.72, lon=-9.13)
    make_account("sms", on_at_machine=fingerprint())


def row(day: dt.date, lat: str = "38.72", until: str = "12:00") -> str:
    return f"A1,Ana,+351912345678,{lat},-9.14,{day},09:00,{until}\n"


def read_in(text: str) -> None:
    batch = receive_file(content=(HEAD + text).encode(), filename="day.csv")
    assert run_job(batch.job) == JobState.SUCCEEDED, Job.objects.get(public_id=batch.job).detail


def moments_after(*texts: str) -> list[str]:
    """Import files, deliver their events, and return the moments that were written."""
    before = set(Message.objects.values_list("pk", flat=True))
    for text in texts:
        read_in(text)
    drain()
    rows = Message.objects.exclude(pk__in=before).exclude(moment="import_ended")
    return sorted(rows.values_list("moment", flat=True))


def test_m09_an_import_of_history_writes_to_nobody() -> None:
    assert moments_after(row(today() - dt.timedelta(days=30))) == []
    assert ImportBatch.objects.get().created_count == 1


def test_m09_an_import_that_changes_nothing_or_only_the_address_writes_to_nobody() -> None:
    day = today() + dt.timedelta(days=5)
    assert "promise_confirmed" in moments_after(row(day))
    assert moments_after(row(day)) == []
    assert moments_after(row(day, lat="38.75")) == []
    assert "promise_confirmed" in moments_after(row(day, until="13:00")), (
        "nobody had read the first window yet, so the second one is confirmed"
    )


def test_m09_a_window_whose_address_was_corrected_before_its_event_is_handled_is_told_once() -> (
    None
):
    day = today() + dt.timedelta(days=5)
    moments = moments_after(row(day), row(day, lat="38.75"))
    assert moments.count("promise_confirmed") == 1
