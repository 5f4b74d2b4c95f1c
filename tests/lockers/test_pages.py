"""The console's pages of lockers: by role and hub; banks, doors and imports by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.intake.models import ImportBatch
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from lockers.models import Compartment, LockerBank, LockerChange
from lockers.pages.journal import CAUSES
from tenants.permissions import Role
from tests.factories.fleet import LAT, LON, make_hub
from tests.factories.lockers import MEDIUM, SMALL, make_bank
from tests.people import add_member, logged_in

LIST = "/console/lockers/"


def client(retailer: RetailerRef, role: Role = Role.OWNER, **fields: object) -> Client:
    return logged_in(retailer, add_member(role, **fields))


def bank_form(**fields: object) -> dict[str, object]:
    return {
        "name": "Station", "external_id": "", "kind": "own", "network": "", "address": "Rua 1",
        "access": "", "lat": str(LAT), "lon": str(LON), "zone": "Europe/Lisbon", "country": "pt",
        "hours": "Mo-Su 06:00-23:00", "most_weight_kg": "20.5",
    } | fields  # fmt: skip


DOORS = {
    "columns": "3", "doors": "6", "size_class": "M", "width_mm": "380", "height_mm": "190",
    "depth_mm": "640", "low_doors": "2",
}  # fmt: skip


def test_a_bank_is_added_with_a_template_of_doors_and_shown_by_column(
    retailer: RetailerRef,
) -> None:
    hub, desk = make_hub(), client(retailer)
    assert "No lockers yet" in desk.get(LIST).content.decode()
    answer = desk.post(f"{LIST}new/", bank_form(hub=hub.public_id))
    bank = LockerBank.objects.get()
    assert (answer.status_code, bank.country, bank.most_weight_g) == (302, "PT", 20_500)
    assert desk.post(answer["Location"], DOORS).status_code == 302
    assert bank.compartments.count() == 18
    assert bank.compartments.filter(low=True).count() == 6
    assert desk.post(answer["Location"], DOORS | {"columns": "1", "doors": "1"}).status_code == 302
    last = Compartment.objects.order_by("-pk").first()
    assert last is not None
    assert (last.number, last.side) == ("19", "4")
    page = desk.get(f"{LIST}{bank.public_id}/").content.decode()
    assert page.count('class="door free"') == 19
    assert "Open until" in page or "Closed until" in page
    assert "19 of 19" in desk.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("hours", "from nine", "opening hours cannot be read"),
        ("country", "qq", "no country with this code"),
        ("zone", "Mars/North", ""),
    ],
)
def test_a_wrong_value_of_a_bank_is_told_beside_its_field_and_adds_nothing(
    retailer: RetailerRef, field: str, value: str, words: str
) -> None:
    hub, desk = make_hub(), client(retailer)
    answer = desk.post(f"{LIST}new/", bank_form(hub=hub.public_id) | {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not LockerBank.objects.exists()


def test_an_old_form_does_not_overwrite_a_newer_change(retailer: RetailerRef) -> None:
    bank, desk = make_bank(), client(retailer)
    form = bank_form(hub=bank.hub.public_id, active="on")
    assert desk.post(f"{LIST}{bank.public_id}/edit/", form | {"version": "1"}).status_code == 302
    late = desk.post(f"{LIST}{bank.public_id}/edit/", form | {"version": "1", "name": "Late"})
    assert "Reload the page" in late.content.decode()
    assert LockerBank.objects.get().name == "Station"


def test_a_compartment_is_changed_and_its_number_stays_the_only_one(retailer: RetailerRef) -> None:
    bank, desk = make_bank(boxes=[SMALL, MEDIUM]), client(retailer)
    box = bank.compartments.get(number="1")
    where = f"{LIST}{bank.public_id}/doors/{box.public_id}/"
    form = {"number": "A1", "side": "1", "size_class": "S", "width_mm": "400",
            "height_mm": "90", "depth_mm": "640", "low": "on"}  # fmt: skip
    assert desk.post(where, form).status_code == 302
    box.refresh_from_db()
    assert (box.number, box.low, box.least_mm, box.volume_mm3) == ("A1", True, 90, 23_040_000)
    answer = desk.post(where, form | {"number": "2"})
    assert "has this number" in answer.content.decode()
    journal = desk.get(f"{LIST}{bank.public_id}/").content.decode().split("Journal")[-1]
    assert "height, low door, number, column, size class, width" in " ".join(journal.split())
    assert "changed by hand" in journal


def test_every_cause_of_a_change_has_a_word() -> None:
    """A cause without a word would be a code on the page, in each language."""
    text = "\n".join(path.read_text() for path in Path("lockers").rglob("services/*.py"))
    causes = set(re.findall(r'cause="(\w+)"', text))
    assert len(causes) > 20
    assert causes <= CAUSES.keys()


def test_the_journal_tells_reservations_and_cabinets_in_words(retailer: RetailerRef) -> None:
    bank = make_bank(boxes=[SMALL])
    box = bank.compartments.get()
    LockerChange.objects.create(
        bank=bank, compartment=box, what="door", before="closed", after="open", cause="forced",
        actor="ldv_1",
    )  # fmt: skip
    page = client(retailer).get(f"{LIST}{bank.public_id}/").content.decode()
    row = " ".join(page.split("Journal")[-1].split())
    assert "door closed → door open" in row
    assert "opened without a code" in row
    assert "The cabinet" in row


def test_a_reader_sees_banks_but_changes_nothing(retailer: RetailerRef) -> None:
    bank, reader = make_bank(boxes=[SMALL]), client(retailer, Role.READONLY)
    for path in ("", "map.json", f"{bank.public_id}/", f"{bank.public_id}/edit/", "imports/"):
        assert reader.get(LIST + path).status_code == 200, path
    for path in ("new/", f"{bank.public_id}/edit/", f"{bank.public_id}/doors/", "imports/"):
        assert reader.post(LIST + path, bank_form()).status_code == 403, path
    assert LockerBank.objects.get().name == bank.name


def test_a_member_of_one_hub_sees_only_the_banks_of_that_hub(retailer: RetailerRef) -> None:
    own, other = make_hub(), make_hub()
    seen = make_bank(name="Seen bank", hub=own, boxes=[SMALL])
    hidden = make_bank(name="Hidden bank", hub=other, boxes=[SMALL])
    desk = client(retailer, Role.DISPATCHER, hubs=[own.public_id])
    assert "Hidden bank" not in desk.get(LIST).content.decode()
    assert [stop["id"] for stop in desk.get(f"{LIST}map.json").json()["stops"]] == [seen.public_id]
    box = hidden.compartments.get()
    for path in ("", "edit/", "doors/", f"doors/{box.public_id}/"):
        assert desk.get(f"{LIST}{hidden.public_id}/{path}").status_code == 404, path


def test_a_file_is_previewed_confirmed_and_its_refused_rows_downloaded(
    retailer: RetailerRef,
) -> None:
    make_hub()
    desk = client(retailer)
    text = f"id,name,kind,lat,lon\nP1,Kiosk,counter,{LAT},{LON}\nP2,Sea,counter,0,0\n"
    file = SimpleUploadedFile("points.csv", text.encode())
    answer = desk.post(f"{LIST}imports/", {"file": file, "hub": "", "kind": ""})
    batch = ImportBatch.objects.get()
    assert answer["Location"] == f"{LIST}imports/{batch.public_id}/"
    run_job(batch.job)
    page = desk.get(answer["Location"]).content.decode()
    assert "Import 1 point" in page
    assert "0, 0, which is in the sea" in page
    refused = desk.get(f"{answer['Location']}refused.csv")
    assert b"P2,Sea" in refused.content
    assert len(desk.get(f"{answer['Location']}map.json").json()["stops"]) == 1
    answer = desk.post(answer["Location"], {"what": "import"})
    run_job(ImportBatch.objects.exclude(pk=batch.pk).get().job)
    assert LockerBank.objects.get().name == "Kiosk"
    assert desk.get(f"/console/imports/{batch.public_id}/").status_code == 404
    assert desk.get(f"{LIST}imports/").status_code == 200


def test_the_list_takes_the_same_statements_for_many_banks(retailer: RetailerRef) -> None:
    desk = client(retailer)
    make_bank(boxes=[SMALL])
    desk.get(LIST)
    counts = []
    for _again in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(LIST).status_code == 200
        counts.append(len(queries))
        for _n in range(10):
            make_bank(boxes=[SMALL, MEDIUM])
    assert counts[0] == counts[1]
