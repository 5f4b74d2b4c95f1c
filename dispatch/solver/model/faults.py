"""The validation of a problem: each value is checked, each fault is listed with a remedy. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from dispatch.solver.model.elements import (
    MAX_AMOUNT,
    MAX_PRIORITY,
    MAX_TIME_S,
    MAX_TRAVEL,
    MAX_TRIPS,
    Break,
    Int32,
    Pair,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
)
from lastmile.core.errors import Problems

MAX_VISITS: Final = 20_000
MAX_VEHICLES: Final = 5_000
MAX_FAULTS: Final = 50  # faults after which the validation stops
MAX_SLICES: Final = 48  # slices of a day with travel times of their own: one per half-hour


class UncheckedProblem(Protocol):
    """The fields of a problem that the validation reads."""

    @property
    def profiles(self) -> tuple[TravelTable, ...]: ...
    @property
    def visits(self) -> tuple[Visit, ...]: ...
    @property
    def vehicles(self) -> tuple[VehicleShift, ...]: ...
    @property
    def dimensions(self) -> tuple[str, ...]: ...
    @property
    def pairs(self) -> tuple[Pair, ...]: ...
    @property
    def together(self) -> tuple[frozenset[str], ...]: ...
    @property
    def apart(self) -> tuple[frozenset[str], ...]: ...
    @property
    def co2_cost_per_kg(self) -> int: ...
    @property
    def fairness_cost(self) -> int: ...
    @property
    def places(self) -> int: ...
    @property
    def visit_index(self) -> dict[str, int]: ...


def raise_when_many(faults: Problems) -> None:
    """Raise after MAX_FAULTS faults."""
    if len(faults.entries) >= MAX_FAULTS:
        faults.raise_if_any(f"The problem is not valid; the first {MAX_FAULTS} faults are listed.")


def check_profile(table: TravelTable, at: int, faults: Problems) -> TravelTable:
    """Check a profile; return it with read-only int32 matrices of its own."""
    pointer = f"/profiles/{at}"
    duration = _matrix(table.duration_s, f"{pointer}/duration_s", faults)
    same = table.distance_m is table.duration_s  # as in benchmarks: one matrix is enough
    distance = duration if same else _matrix(table.distance_m, f"{pointer}/distance_m", faults)
    if duration.shape != distance.shape:
        faults.add(pointer, "duration_s and distance_m must have the same shape.")
    if len(table.hourly) > MAX_SLICES:
        faults.add(f"{pointer}/hourly", f"Give at most {MAX_SLICES} slices of a day.")
    slices: list[Slice] = []
    for number, part in enumerate(table.hourly[:MAX_SLICES]):
        where = f"{pointer}/hourly/{number}"
        matrix = _matrix(part.duration_s, f"{where}/duration_s", faults)
        if matrix.shape != duration.shape:
            faults.add(where, "A slice must cover the same places as duration_s.")
        fine = _whole(part.from_s, f"{where}/from_s", faults, top=MAX_TIME_S)
        if fine and slices and part.from_s <= slices[-1].from_s:
            faults.add(where, "List slices in the order of the day, each with a later from_s.")
        slices.append(Slice(part.from_s, matrix))
    return TravelTable(table.name, duration, distance, tuple(slices))


def _matrix(values: npt.ArrayLike, pointer: str, faults: Problems) -> Int32:
    """Check a travel matrix; return it as a read-only int32 array, empty if it has a fault."""
    empty: Int32 = np.zeros((0, 0), dtype=np.int32)
    try:
        array = np.asarray(values)
    except ValueError:
        faults.add(pointer, "Not a matrix: give N rows of N whole numbers.")
        return empty
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        faults.add(pointer, f"Give a square matrix, not one of shape {array.shape}.")
        return empty
    if array.dtype.kind not in "iu":
        faults.add(pointer, "Give whole numbers: round travel times and distances beforehand.")
        return empty
    if array.min() < 0 or array.max() > MAX_TRAVEL:
        row, column = np.argwhere((array < 0) | (array > MAX_TRAVEL))[0].tolist()
        faults.add(
            f"{pointer}/{row}/{column}",
            f"From place {row} to place {column} the value is {array[row, column]}. It must be "
            f"between 0 and {MAX_TRAVEL}. If there is no way, give null.",
        )
        return empty
    if np.diagonal(array).any():
        faults.add(pointer, "From a place to itself the value must be 0.")
    if array.dtype == np.int32 and array.flags.c_contiguous and not array.flags.writeable:
        return array  # no copy is needed; the array may be mapped from a file
    own = np.array(array, dtype=np.int32, order="C")
    own.setflags(write=False)
    return own


def check_sizes(problem: UncheckedProblem, faults: Problems) -> None:
    """Refuse more visits or vehicles than the solver takes, and duplicate dimension names."""
    if len(problem.visits) > MAX_VISITS:
        faults.add("/visits", f"At most {MAX_VISITS} visits; split the day by hub or zone.")
    if len(problem.vehicles) > MAX_VEHICLES:
        faults.add("/vehicles", f"At most {MAX_VEHICLES} vehicles; split the day by hub.")
    if len(set(problem.dimensions)) != len(problem.dimensions):
        faults.add("/dimensions", "Each load dimension needs a name of its own.")


def check_prices(problem: UncheckedProblem, faults: Problems) -> None:
    """Check the prices that apply to all routes."""
    _whole(problem.co2_cost_per_kg, "/co2_cost_per_kg", faults, top=10**9)
    _whole(problem.fairness_cost, "/fairness_cost", faults, top=10**9)


def index_ids(collection: str, ids: Sequence[str], faults: Problems) -> dict[str, int]:
    """Return the position of each id; ids must be unique, non-empty texts."""
    positions: dict[str, int] = {}
    for at, name in enumerate(ids):
        if not isinstance(name, str) or not name:
            faults.add(f"/{collection}/{at}/id", "Give an id: a text that is not empty.")
        elif name in positions:
            faults.add(f"/{collection}/{at}/id", f"The id {name} is used twice; ids must differ.")
        else:
            positions[name] = at
    return positions


def _whole(value: object, pointer: str, faults: Problems, *, top: int = MAX_AMOUNT) -> bool:
    """Return True if a value is a whole number from 0 to ``top``; record the fault if not."""
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top
    if not fine:
        faults.add(pointer, f"Give a whole number from 0 to {top}, not {value!r}.")
    return fine


def _amounts(
    problem: UncheckedProblem, amounts: tuple[int, ...], pointer: str, faults: Problems
) -> None:
    """Check a load: one whole number for each dimension."""
    if len(amounts) != len(problem.dimensions):
        faults.add(pointer, f"Give one value for each dimension: {list(problem.dimensions)}.")
    for at, value in enumerate(amounts):
        _whole(value, f"{pointer}/{at}", faults)


def _span(opens: object, closes: object, pointer: str, faults: Problems) -> None:
    fine = _whole(opens, f"{pointer}/opens_s", faults, top=MAX_TIME_S)
    fine = _whole(closes, f"{pointer}/closes_s", faults, top=MAX_TIME_S + 1) and fine
    if fine and not opens < closes:  # type: ignore[operator]
        faults.add(pointer, f"It must close later than it opens: {opens} to {closes} does not.")


def _place(problem: UncheckedProblem, place: object, pointer: str, faults: Problems) -> None:
    _whole(place, pointer, faults, top=problem.places - 1)


def check_visit(problem: UncheckedProblem, visit: Visit, pointer: str, faults: Problems) -> None:
    """Check the fields of one visit, without its relations to other visits."""
    _place(problem, visit.place, f"{pointer}/place", faults)
    services: Iterable[int] = (visit.service_s,) if isinstance(visit.service_s, int) else ()
    if isinstance(visit.service_s, tuple):
        services = visit.service_s
        if len(visit.service_s) != len(problem.profiles):
            faults.add(f"{pointer}/service_s", "Give one value, or one for each profile.")
    elif not isinstance(visit.service_s, int):
        faults.add(f"{pointer}/service_s", "Give seconds, or one value for each profile.")
    for value in services:
        _whole(value, f"{pointer}/service_s", faults, top=MAX_TIME_S)
    _amounts(problem, visit.demand, f"{pointer}/demand", faults)
    if visit.collect:
        _amounts(problem, visit.collect, f"{pointer}/collect", faults)
    for at, window in enumerate(visit.windows):
        _span(window.opens_s, window.closes_s, f"{pointer}/windows/{at}", faults)
    for before, after in zip(visit.windows, visit.windows[1:], strict=False):
        if before.closes_s > after.opens_s:
            faults.add(f"{pointer}/windows", "Windows must be in order and must not overlap.")
    for name in ("unserved_cost", "late_cost_per_hour", "service_cost"):
        _whole(getattr(visit, name), f"{pointer}/{name}", faults)
    for name in ("release_s", "max_late_s"):
        _whole(getattr(visit, name), f"{pointer}/{name}", faults, top=MAX_TIME_S)
    _whole(visit.priority, f"{pointer}/priority", faults, top=MAX_PRIORITY)
    if not isinstance(visit.group, str):
        faults.add(f"{pointer}/group", "Give the name of its group of alternatives: a text.")


def check_vehicle(
    problem: UncheckedProblem, vehicle: VehicleShift, pointer: str, faults: Problems
) -> None:
    """Check the fields of one vehicle, without the visits it names."""
    _whole(vehicle.profile, f"{pointer}/profile", faults, top=len(problem.profiles) - 1)
    _place(problem, vehicle.start, f"{pointer}/start", faults)
    _place(problem, vehicle.end, f"{pointer}/end", faults)
    _span(vehicle.opens_s, vehicle.closes_s, pointer, faults)
    _amounts(problem, vehicle.capacity, f"{pointer}/capacity", faults)
    for name in (
        "fixed_cost",
        "cost_per_km",
        "cost_per_hour",
        "overtime_cost_per_hour",
        "co2_mg_per_m",
    ):
        _whole(getattr(vehicle, name), f"{pointer}/{name}", faults)
    _whole(vehicle.loading_s, f"{pointer}/loading_s", faults, top=MAX_TIME_S)
    for name in ("latest_start_s", "max_distance_m", "max_duration_s", "max_stops"):
        _optional(vehicle, name, MAX_AMOUNT, pointer, faults)
    for name in ("overtime_after_s", "reload_s", "range_m", "start_range_m"):
        _optional(vehicle, name, MAX_TIME_S, pointer, faults)
    speed = vehicle.speed_percent
    if not isinstance(speed, int) or not 10 <= speed <= 1000:
        faults.add(f"{pointer}/speed_percent", f"Give a per cent from 10 to 1000, not {speed!r}.")
    _breaks(vehicle.breaks, f"{pointer}/breaks", faults)
    _facilities(problem, vehicle, pointer, faults)


def _optional(vehicle: VehicleShift, name: str, top: int, pointer: str, faults: Problems) -> None:
    value = getattr(vehicle, name)
    if value is not None:
        _whole(value, f"{pointer}/{name}", faults, top=top)


def _breaks(breaks: tuple[Break, ...], pointer: str, faults: Problems) -> None:
    for at, rest in enumerate(breaks):
        _span(rest.opens_s, rest.closes_s, f"{pointer}/{at}", faults)
        _whole(rest.duration_s, f"{pointer}/{at}/duration_s", faults, top=MAX_TIME_S)
        if rest.duration_s == 0:
            faults.add(f"{pointer}/{at}/duration_s", "A break lasts at least a second.")
    for first, second in pairwise(breaks):
        if first.opens_s > second.opens_s or first.closes_s > second.closes_s:
            faults.add(pointer, "List breaks in the order in which they are taken.")


def _facilities(
    problem: UncheckedProblem, vehicle: VehicleShift, pointer: str, faults: Problems
) -> None:
    """Check the reload places, chargers and battery of a vehicle."""
    for at, place in enumerate(vehicle.reloads):
        _place(problem, place, f"{pointer}/reloads/{at}", faults)
    fine = _whole(vehicle.max_trips, f"{pointer}/max_trips", faults, top=MAX_TRIPS)
    if fine and vehicle.max_trips < 1:
        faults.add(f"{pointer}/max_trips", f"Give the number of trips: 1 to {MAX_TRIPS}.")
    for at, charger in enumerate(vehicle.chargers):
        _place(problem, charger.place, f"{pointer}/chargers/{at}/place", faults)
        where = f"{pointer}/chargers/{at}/m_per_minute"
        if _whole(charger.m_per_minute, where, faults, top=MAX_TRAVEL) and not charger.m_per_minute:
            faults.add(where, "A charger gives at least one metre a minute.")
    if vehicle.range_m is None and (vehicle.chargers or vehicle.start_range_m is not None):
        faults.add(f"{pointer}/range_m", "Chargers and start_range_m need a range_m.")
    elif vehicle.start_range_m is not None and vehicle.start_range_m > (vehicle.range_m or 0):
        faults.add(f"{pointer}/start_range_m", "start_range_m cannot be more than range_m.")


def check_relations(problem: UncheckedProblem, faults: Problems) -> None:
    """Check all references between visits and vehicles; the ids are already checked."""
    _pairs(problem, faults)
    for name in ("together", "apart"):
        for at, members in enumerate(getattr(problem, name)):
            _check_ids(problem, members, f"/{name}/{at}", faults)
    owner: dict[str, str] = {}
    for at, vehicle in enumerate(problem.vehicles):
        for name in ("prefix", "loaded"):
            members = getattr(vehicle, name) or ()
            pointer = f"/vehicles/{at}/{name}"
            _check_ids(problem, members, pointer, faults)
            for visit_id in members:
                if owner.setdefault(visit_id, vehicle.id) != vehicle.id:
                    faults.add(pointer, f"{visit_id} is already on {owner[visit_id]}.")
        if len(set(vehicle.prefix)) != len(vehicle.prefix):
            faults.add(f"/vehicles/{at}/prefix", "A visit is listed twice.")


def _check_ids(
    problem: UncheckedProblem, members: Iterable[str], pointer: str, faults: Problems
) -> None:
    """Record each id that is no visit of the problem."""
    for visit_id in sorted(set(members) - set(problem.visit_index), key=str):
        faults.add(pointer, f"The problem has no visit {visit_id}.", "unknown")


def _pairs(problem: UncheckedProblem, faults: Problems) -> None:
    seen: set[str] = set()
    for at, pair in enumerate(problem.pairs):
        pointer = f"/pairs/{at}"
        _check_ids(problem, (pair.pickup, pair.delivery), pointer, faults)
        for visit_id in (pair.pickup, pair.delivery):
            if visit_id in seen:
                faults.add(pointer, f"{visit_id} is already in a pair.")
            seen.add(visit_id)
            number = problem.visit_index.get(visit_id)
            if number is None:
                continue
            visit = problem.visits[number]
            if visit.group or visit.release_s:
                detail = f"{visit_id} is in a pair: it cannot have a group or a release_s."
                faults.add(pointer, detail)
        number = problem.visit_index.get(pair.pickup)
        if number is not None:
            visit = problem.visits[number]
            if any(visit.demand) or any(visit.collect):
                faults.add(
                    pointer,
                    f"{pair.pickup} is a pickup: state the goods as the demand of its delivery.",
                )
