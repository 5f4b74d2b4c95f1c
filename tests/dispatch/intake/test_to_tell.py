"""M09: a preview knows whom its orders concern; history and equal orders concern nobody."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.fleet.models import Hub
from dispatch.intake.models import ImportBatch
from dispatch.intake.services import receive_file
from dispatch.orders.models import Order
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef

HEAD = "order_id,name,phone,email,lat,lon,date,from,to\n"
ANA = "A1,Ana,+351912345678,,38.72,-9.14,2099-12-01,09:00,12:00\n"
ANA_AGAIN = "A2,Ana,+351912345678,,38.72,-9.14,2099-12-02,09:00,12:00\n"
RUI = "A3,Rui,,rui@example.org,38.73,-9.15,2099-12-01,,\n"
ZE = "A4,Zé,+351912345679,ze@example.org,38.73,-9.15,2099-12-01,09:00,12:00\n"
EVA = "A5,Eva,,,38.73,-9.15,2099-12-01,09:00,12:00\n"


@pytest.fixture
def hub(retailer: RetailerRef) -> Hub:
    return Hub.objects.create(name="Lisboa", lat=38.72, lon=-9.13, zone="Europe/Lisbon")


def counted(*rows: str, dry_run: bool = True) -> dict[str, Any]:
    content = (HEAD + "".join(rows)).encode()
    batch = receive_file(content=content, filename="orders.csv", dry_run=dry_run)
    assert run_job(batch.job) == JobState.SUCCEEDED, Job.objects.get(public_id=batch.job).detail
    return dict(ImportBatch.objects.get(pk=batch.pk).to_tell)


def one(count: int = 1, people: int = 1) -> dict[str, int]:
    return {"orders": count, "people": people}


def test_m09_a_preview_counts_orders_and_people_by_what_happens_and_by_contact(hub: Hub) -> None:
    assert counted(ANA, ANA_AGAIN, RUI, ZE, EVA) == {
        "new_window": {"both": one(), "neither": one(), "phone": one(2, 1)},
        "without_window": {"email": one()},
    }
    assert Order.objects.count() == 0


def test_m09_an_import_counts_what_its_preview_counted(hub: Hub) -> None:
    assert counted(ANA, RUI) == counted(ANA, RUI, dry_run=False)


def test_m09_history_concerns_nobody(hub: Hub) -> None:
    old = ANA.replace("2099", "2020"), RUI.replace("2099", "2020")
    assert counted(*old) == {"history": 2}


def test_m09_an_import_that_changes_nothing_concerns_nobody(hub: Hub) -> None:
    counted(ANA, RUI, dry_run=False)
    assert counted(ANA, RUI) == {}


def test_m09_a_corrected_address_with_the_same_window_concerns_nobody(hub: Hub) -> None:
    counted(ANA, dry_run=False)
    assert counted(ANA.replace("38.72", "38.75")) == {}
    assert counted(ANA.replace("Ana", "Anna")) == {}


def test_m09_another_window_concerns_its_shopper(hub: Hub) -> None:
    counted(ANA, RUI, dry_run=False)
    later, first = ANA.replace("12:00", "13:00"), RUI.replace(",,\n", ",09:00,12:00\n")
    assert counted(later, first) == {
        "changed_window": {"phone": one()},
        "new_window": {"email": one()},
    }
