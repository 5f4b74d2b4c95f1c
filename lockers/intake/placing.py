"""Uses the rows of a file of points: adds and changes banks, or says why a row is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.intake.models import ImportBatch, RefusedRow
from dispatch.intake.parse import Fault, Parsed
from dispatch.intake.services import Counts, NewFile, read_batch, receive, refused_row
from dispatch.intake.services.reading import MOST_SPOTS, conventions_for
from lastmile.core import clock
from lastmile.core.errors import DomainError
from lastmile.core.geo import Point, distance_m
from lastmile.core.jobs import Lease
from lastmile.core.phones import is_country, region_of
from lockers.hours import Hours, HoursUnreadable
from lockers.intake.points import PointRow, params_of, parse_points
from lockers.models import LockerBank
from lockers.services.banks import BankDraft
from lockers.services.points import BankPut, put_banks
from lockers.services.vendor_points import add_places
from lockers.states import BankKind

KIND: Final = "lockers.import"
FARTHEST_M: Final = 200_000  # from its hub; a point that is farther has wrong coordinates

Draft = tuple[BankDraft, tuple[str, ...]]


def receive_points(
    *, content: bytes, filename: str, hub: Hub | None, kind: str, hubs_scope: frozenset[str] | None
) -> ImportBatch:
    """Store a file of points and queue the job of its preview.

    ``kind`` is the kind of points without one, "" to refuse them. Locks: nothing. Records: nothing.
    Raises: TooLarge, Invalid.
    """
    return receive(
        NewFile(
            kind=KIND,
            content=content,
            filename=filename,
            dry_run=True,
            hub=hub,
            hubs_scope=hubs_scope,
            options={"kind": kind},
        )
    )


def import_points(job: Lease) -> Mapping[str, object]:
    """Read the file of points that the job's payload names."""
    return read_batch(job, PointWork())


class PointWork:
    """The work on files of points: each row adds or changes a bank."""

    def parse(self, batch: ImportBatch) -> Parsed[PointRow]:
        """Read the file. Raises BadFile."""
        return parse_points(
            bytes(batch.file.content),
            max_rows=settings.LIMIT_IMPORT_ROWS,
            kind=str(batch.options.get("kind", "")),
            conventions=conventions_for(batch),
        )

    def parts(self, rows: Sequence[PointRow]) -> list[Sequence[PointRow]]:
        """Divide a chunk of rows into transactions: all of them in one."""
        return [rows]

    def use(
        self,
        lease: Lease,
        batch: ImportBatch,
        parsed: Parsed[Any],
        rows: Sequence[PointRow],
        counts: Counts,
    ) -> list[RefusedRow]:
        """Add and change the banks of the rows; return the refused rows."""
        with lease.fenced():
            reading = Reading(batch, rows)
            drafts: list[Draft] = []
            refused: list[RefusedRow] = []
            for row in rows:
                draft = reading.draft_of(row)
                if isinstance(draft, Fault):
                    cells = parsed.cells[row.number]
                    refused.append(refused_row(batch, row.number, cells, (draft,)))
                else:
                    drafts.append(draft)
            puts = put_banks(drafts)
            add_places(banks=[put.bank for put in puts])
            for put in puts:
                _count(put, counts)
            if batch.dry_run:
                transaction.set_rollback(True)
        return refused


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The hub of a point, and how it was chosen."""

    hub: Hub
    way: str


class Reading:
    """The hubs and banks against which the rows of a chunk are checked."""

    def __init__(self, batch: ImportBatch, rows: Sequence[PointRow]) -> None:
        self.batch = batch
        self.hubs = list(Hub.objects.filter(active=True).order_by("pk"))
        scope = batch.hubs_scope
        self.scope = None if scope is None else frozenset(scope)
        ids = [row.external_id for row in rows]
        banks = LockerBank.objects.filter(external_id__in=ids).select_related("hub")
        self.banks = {bank.external_id: bank for bank in banks}

    def draft_of(self, row: PointRow) -> Draft | Fault:
        """Return the bank to put for a row, or why the row is refused."""
        chosen = self._hub(row)
        if isinstance(chosen, Fault):
            return chosen
        hub, bank = chosen.hub, self.banks.get(row.external_id)
        zone = row.zone or hub.zone
        country = row.country or region_of(zone) or region_of(hub.zone)
        fault = (
            self._fault_of_bank(row, bank)
            or _fault_of_place(row.point, hub)
            or _fault_of_words(row, zone, country)
        )
        if fault is not None:
            return fault
        values = params_of(row)
        draft = BankDraft(
            external_id=row.external_id,
            hub=hub,
            point=row.point,
            zone=zone,
            country=country,
            kind=row.kind,
            **{name: value for name, value in values.items() if name not in {"lat", "lon"}},  # type: ignore[arg-type]
        )
        filled = {"kind", "zone", "country", "hub"} & row.filled
        if chosen.way == "given":
            filled |= {"hub"}
        return draft, (*values, *sorted(filled))

    def _hub(self, row: PointRow) -> _Chosen | Fault:
        """Return the hub of a point: of its row, of the file, of its bank, or the nearest."""
        allowed = [hub for hub in self.hubs if self.scope is None or hub.public_id in self.scope]
        if row.hub:
            name = row.hub.strip().removeprefix("external_id:").casefold()
            named = [hub for hub in self.hubs if name in _names(hub)]
            if len(named) != 1:
                return Fault("hub", "unknown_hub", {"value": row.hub})
            if named[0] not in allowed:
                return Fault("hub", "hub_not_yours", {"value": row.hub})
            return _Chosen(named[0], "given")
        if self.batch.hub is not None:
            return _Chosen(self.batch.hub, "given")
        bank = self.banks.get(row.external_id)
        if bank is not None:
            return _Chosen(bank.hub, "bank")
        if not allowed:
            return Fault("hub", "no_hub")
        return _Chosen(min(allowed, key=lambda hub: distance_m(hub.point, row.point)), "nearest")

    def _fault_of_bank(self, row: PointRow, bank: LockerBank | None) -> Fault | None:
        if bank is None:
            return None
        value = {"value": row.external_id}
        if self.scope is not None and bank.hub.public_id not in self.scope:
            return Fault("point_id", "bank_not_yours", {"value": row.name})
        if bank.kind == BankKind.OWN:
            return Fault("point_id", "own_bank", value)
        if row.network and bank.network and fold_case(row.network) != fold_case(bank.network):
            return Fault("point_id", "other_network", value | {"network": bank.network})
        return None


def fold_case(text: str) -> str:
    """Return a name without differences of capitals and spaces."""
    return "".join(text.casefold().split())


def _names(hub: Hub) -> set[str]:
    names = (hub.public_id, hub.external_id or "", hub.name)
    return {name.casefold() for name in names if name}


def _fault_of_place(point: Point, hub: Hub) -> Fault | None:
    away = distance_m(point, hub.point)
    if away <= FARTHEST_M:
        return None
    km = round(away / 1000)
    if abs(point.lon) <= 90:
        swapped = Point(lat=point.lon, lon=point.lat)
        if distance_m(swapped, hub.point) <= FARTHEST_M:
            return Fault("lat", "swapped", {"km": km})
    return Fault("lat", "far_from_hub", {"km": km, "hub": hub.name})


def _fault_of_words(row: PointRow, zone: str, country: str) -> Fault | None:
    """Return the fault of time zone, country or opening hours."""
    try:
        clock.zone(zone)
    except DomainError:
        return Fault("zone", "unknown_zone", {"value": zone})
    if not is_country(country):
        return Fault("country", "unknown_country", {"value": country})
    try:
        Hours(text=row.hours, zone=zone, country=country, point=row.point).check()
    except HoursUnreadable:
        return Fault("hours", "hours_unreadable", {"value": row.hours[:200]})
    return None


def _count(put: BankPut, counts: Counts) -> None:
    setattr(counts, put.status, getattr(counts, put.status) + 1)
    counts.changes.update(put.changed)
    counts.hubs[put.bank.hub.name, "given"] += 1
    if len(counts.spots) < MOST_SPOTS:
        spot = (round(put.bank.lon, 5), round(put.bank.lat, 5), put.status)
        counts.spots.append(spot)
