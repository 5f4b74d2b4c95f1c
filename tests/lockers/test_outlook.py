"""The page of a bank: parcels that stay too long, misuse, the forecast, names in words."""

from __future__ import annotations

import datetime as dt

from dispatch.console.incident_words import text_of
from dispatch.live.models import Incident
from lastmile.core.tenancy import RetailerRef
from lockers import selectors
from lockers.models import LockerBank, LockerChange
from lockers.services.sweeping import look_after_lockers
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.factories.live import at
from tests.factories.lockers import make_bank, make_reservation, make_station, pin_of
from tests.people import add_member, logged_in


def expected(bank: LockerBank) -> list[tuple[int, tuple[int, ...]]]:
    """Return what is free now and expected later, by class."""
    classes = selectors.occupancy_of([bank])[bank.pk]
    return [(row.free, row.expected) for row in selectors.forecast_of(bank, classes)]


def test_the_forecast_frees_what_is_due_and_nothing_else(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(4)
    first = make_reservation(bank, collect_within=dt.timedelta(hours=20))
    second = make_reservation(bank, collect_within=dt.timedelta(hours=40))
    make_reservation(bank, mode="soft")
    station = make_station(retailer, bank)
    for row in (first, second):
        station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    # 12 h: the soft hold is over. 24 h: the first parcel has left. 48 h: the second one too.
    assert expected(bank) == [(1, (2, 3, 4))]
    clock(at(8) + dt.timedelta(hours=21))
    station.cabinet.sync()
    look_after_lockers()
    # Nobody collected the first one: it stays until a courier takes it out.
    assert expected(bank) == [(2, (2, 3, 3))]
    page = logged_in(retailer, add_member(Role.READONLY)).get(f"/console/lockers/{bank.public_id}/")
    content = page.content.decode()
    assert "This is modelled from the holds" in content
    assert "Parcels whose time to collect is over" in content
    assert [row.pk for row in selectors.long_inside(bank)] == [first.pk]


def test_misuse_is_counted_from_the_journal_of_the_cabinet(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    bank = make_bank(2)
    station = make_station(retailer, bank)
    station.cabinet.force("1")
    for _try in range(6):
        station.cabinet.type_pin("00000000")
    station.cabinet.sync()
    misuse = selectors.misuse_of(bank)
    assert (misuse.forced, misuse.locked_out, misuse.left_open) == (1, 1, 0)
    incident = Incident.objects.get()
    assert bank.name in text_of(incident).what
    assert bank.public_id not in text_of(incident).what
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    assert f"/console/lockers/{bank.public_id}/" in desk.get("/console/incidents/").content.decode()


def test_an_added_bank_is_in_its_journal_and_in_the_audit_log(retailer: RetailerRef) -> None:
    bank = make_bank(1)
    assert LockerChange.objects.filter(bank=bank, what="bank", cause="added").count() == 1
    entry = AuditEntry.objects.get(act="locker.add_bank")
    assert entry.subject == bank.public_id
    owner = logged_in(retailer, add_member(Role.OWNER))
    page = owner.get(f"/console/lockers/{bank.public_id}/").content.decode()
    assert "added by hand" in page.split("Journal")[-1]
