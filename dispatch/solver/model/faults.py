"""The door of a problem: every value looked at, every fault named with its remedy. PURE."""

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
MAX_FAULTS: Final = 50
MAX_SLICES: Final = 48


class Asked(Protocol):
    """A problem as far as its door looks at it."""

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


def stop_when_many(faults: Problems) -> None:
    """Raise once so many faults are found that more would help nobody."""
    if len(faults.found) >= MAX_FAULTS:
        faults.raise_if_any(f"The problem does not fit; the first {MAX_FAULTS} faults are named.")


def profile(given: TravelTable, at: int, faults: Problems) -> TravelTable:
    """Return the profile with its own read-only int32 matrices."""
    pointer = f"/profiles/{at}"
    duration = _matrix(given.duration_s, f"{pointer}/duration_s", faults)
    same = given.distance_m is given.duration_s  # as in benchmarks: kept once
    distance = duration if same else _matrix(given.distance_m, f"{pointer}/distance_m", faults)
    if duration.shape != distance.shape:
        faults.add(pointer, "duration_s and distance_m must have the same shape.")
    if len(given.hourly) > MAX_SLICES:
        faults.add(f"{pointer}/hourly", f"At most {MAX_SLICES} slices of a day.")
    slices: list[Slice] = []
    for number, part in enumerate(given.hourly[:MAX_SLICES]):
        where = f"{pointer}/hourly/{number}"
        matrix = _matrix(part.duration_s, f"{where}/duration_s", faults)
        if matrix.shape != duration.shape:
            faults.add(where, "A slice covers the same places as duration_s.")
        fine = _whole(part.from_s, f"{where}/from_s", faults, top=MAX_TIME_S)
        if fine and slices and part.from_s <= slices[-1].from_s:
            faults.add(where, "Slices stand in the order of the day, each from a later second.")
        slices.append(Slice(part.from_s, matrix))
    return TravelTable(given.name, duration, distance, tuple(slices))


def _matrix(given: npt.ArrayLike, pointer: str, faults: Problems) -> Int32:
    nothing: Int32 = np.zeros((0, 0), dtype=np.int32)
    try:
        array = np.asarray(given)
    except ValueError:
        faults.add(pointer, "Not a matrix: give N rows of N whole numbers.")
        return nothing
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        faults.add(pointer, f"Give a square matrix, not one of shape {array.shape}.")
        return nothing
    if array.dtype.kind not in "iu":
        faults.add(pointer, "Give whole numbers: round travel times and distances beforehand.")
        return nothing
    if array.min() < 0 or array.max() > MAX_TRAVEL:
        faults.add(pointer, f"Every value must lie between 0 and {MAX_TRAVEL}.")
        return nothing
    if np.diagonal(array).any():
        faults.add(pointer, "From a place to itself the value must be 0.")
    if array.dtype == np.int32 and array.flags.c_contiguous and not array.flags.writeable:
        return array  # already as a problem keeps it, perhaps mapped from a file
    own = np.array(array, dtype=np.int32, order="C")
    own.setflags(write=False)
    return own


def sizes(problem: Asked, faults: Problems) -> None:
    """Refuse what is larger than the solver takes."""
    if len(problem.visits) > MAX_VISITS:
        faults.add("/visits", f"At most {MAX_VISITS} visits; split the day by hub or zone.")
    if len(problem.vehicles) > MAX_VEHICLES:
        faults.add("/vehicles", f"At most {MAX_VEHICLES} vehicles; split the day by hub.")
    if len(set(problem.dimensions)) != len(problem.dimensions):
        faults.add("/dimensions", "Each load dimension needs a name of its own.")


def money(problem: Asked, faults: Problems) -> None:
    """Look at the prices that hold for the whole day."""
    _whole(problem.co2_cost_per_kg, "/co2_cost_per_kg", faults, top=10**9)
    _whole(problem.fairness_cost, "/fairness_cost", faults, top=10**9)


def index(what: str, ids: Sequence[str], faults: Problems) -> dict[str, int]:
    """Return where each id stands; ids must be texts, and differ."""
    found: dict[str, int] = {}
    for at, name in enumerate(ids):
        if not isinstance(name, str) or not name:
            faults.add(f"/{what}/{at}/id", "Give an id: a text that is not empty.")
        elif name in found:
            faults.add(f"/{what}/{at}/id", f"The id {name} stands twice; ids must differ.")
        else:
            found[name] = at
    return found


def _whole(value: object, pointer: str, faults: Problems, *, top: int = MAX_AMOUNT) -> bool:
    """Tell whether a value is a whole number from 0 to ``top``; note the fault if not."""
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top
    if not fine:
        faults.add(pointer, f"Give a whole number from 0 to {top}, not {value!r}.")
    return fine


def _amounts(problem: Asked, given: tuple[int, ...], pointer: str, faults: Problems) -> None:
    if len(given) != len(problem.dimensions):
        faults.add(pointer, f"Give one value for each dimension: {list(problem.dimensions)}.")
    for at, value in enumerate(given):
        _whole(value, f"{pointer}/{at}", faults)


def _span(opens: object, closes: object, pointer: str, faults: Problems) -> None:
    fine = _whole(opens, f"{pointer}/opens_s", faults, top=MAX_TIME_S)
    fine = _whole(closes, f"{pointer}/closes_s", faults, top=MAX_TIME_S + 1) and fine
    if fine and not opens < closes:  # type: ignore[operator]
        faults.add(pointer, f"It closes ({closes}) before it opens ({opens}).")


def _place(problem: Asked, place: object, pointer: str, faults: Problems) -> None:
    _whole(place, pointer, faults, top=problem.places - 1)


def visit(problem: Asked, given: Visit, pointer: str, faults: Problems) -> None:
    """Look at one visit by itself."""
    _place(problem, given.place, f"{pointer}/place", faults)
    services: Iterable[int] = (given.service_s,) if isinstance(given.service_s, int) else ()
    if isinstance(given.service_s, tuple):
        services = given.service_s
        if len(given.service_s) != len(problem.profiles):
            faults.add(f"{pointer}/service_s", "Give one value, or one for each profile.")
    elif not isinstance(given.service_s, int):
        faults.add(f"{pointer}/service_s", "Give seconds, or one value for each profile.")
    for value in services:
        _whole(value, f"{pointer}/service_s", faults, top=MAX_TIME_S)
    _amounts(problem, given.demand, f"{pointer}/demand", faults)
    if given.collect:
        _amounts(problem, given.collect, f"{pointer}/collect", faults)
    for at, window in enumerate(given.windows):
        _span(window.opens_s, window.closes_s, f"{pointer}/windows/{at}", faults)
    for before, after in zip(given.windows, given.windows[1:], strict=False):
        if before.closes_s > after.opens_s:
            faults.add(f"{pointer}/windows", "Windows must be in order and must not overlap.")
    for name in ("unserved_cost", "late_cost_per_hour", "service_cost"):
        _whole(getattr(given, name), f"{pointer}/{name}", faults)
    for name in ("release_s", "max_late_s"):
        _whole(getattr(given, name), f"{pointer}/{name}", faults, top=MAX_TIME_S)
    _whole(given.priority, f"{pointer}/priority", faults, top=MAX_PRIORITY)
    if not isinstance(given.group, str):
        faults.add(f"{pointer}/group", "Give the name of its group of alternatives: a text.")


def vehicle(problem: Asked, given: VehicleShift, pointer: str, faults: Problems) -> None:
    """Look at one vehicle by itself."""
    _whole(given.profile, f"{pointer}/profile", faults, top=len(problem.profiles) - 1)
    _place(problem, given.start, f"{pointer}/start", faults)
    _place(problem, given.end, f"{pointer}/end", faults)
    _span(given.opens_s, given.closes_s, pointer, faults)
    _amounts(problem, given.capacity, f"{pointer}/capacity", faults)
    for name in (
        "fixed_cost",
        "cost_per_km",
        "cost_per_hour",
        "overtime_cost_per_hour",
        "co2_mg_per_m",
    ):
        _whole(getattr(given, name), f"{pointer}/{name}", faults)
    _whole(given.loading_s, f"{pointer}/loading_s", faults, top=MAX_TIME_S)
    for name in ("latest_start_s", "max_distance_m", "max_duration_s", "max_stops"):
        _perhaps(given, name, MAX_AMOUNT, pointer, faults)
    for name in ("overtime_after_s", "reload_s", "range_m", "start_range_m"):
        _perhaps(given, name, MAX_TIME_S, pointer, faults)
    speed = given.speed_percent
    if not isinstance(speed, int) or not 10 <= speed <= 1000:
        faults.add(f"{pointer}/speed_percent", f"Give a per cent from 10 to 1000, not {speed!r}.")
    _breaks(given.breaks, f"{pointer}/breaks", faults)
    _facilities(problem, given, pointer, faults)


def _perhaps(given: VehicleShift, name: str, top: int, pointer: str, faults: Problems) -> None:
    value = getattr(given, name)
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
            faults.add(pointer, "Breaks must stand in the order they are taken in.")


def _facilities(problem: Asked, given: VehicleShift, pointer: str, faults: Problems) -> None:
    for at, place in enumerate(given.reloads):
        _place(problem, place, f"{pointer}/reloads/{at}", faults)
    fine = _whole(given.max_trips, f"{pointer}/max_trips", faults, top=MAX_TRIPS)
    if fine and given.max_trips < 1:
        faults.add(f"{pointer}/max_trips", f"Give the number of trips: 1 to {MAX_TRIPS}.")
    for at, charger in enumerate(given.chargers):
        _place(problem, charger.place, f"{pointer}/chargers/{at}/place", faults)
        where = f"{pointer}/chargers/{at}/m_per_minute"
        if _whole(charger.m_per_minute, where, faults, top=MAX_TRAVEL) and not charger.m_per_minute:
            faults.add(where, "A charger gives at least one metre a minute.")
    if given.range_m is None and (given.chargers or given.start_range_m is not None):
        faults.add(f"{pointer}/range_m", "Chargers and start_range_m need a range_m.")
    elif given.start_range_m is not None and given.start_range_m > (given.range_m or 0):
        faults.add(f"{pointer}/start_range_m", "There cannot be more in it than range_m.")


def relations(problem: Asked, faults: Problems) -> None:
    """Look at what visits and vehicles say of one another; ids are known to be good."""
    _pairs(problem, faults)
    for name in ("together", "apart"):
        for at, members in enumerate(getattr(problem, name)):
            _known(problem, members, f"/{name}/{at}", faults)
    owner: dict[str, str] = {}
    for at, it in enumerate(problem.vehicles):
        for name in ("prefix", "loaded"):
            members = getattr(it, name) or ()
            pointer = f"/vehicles/{at}/{name}"
            _known(problem, members, pointer, faults)
            for visit_id in members:
                if owner.setdefault(visit_id, it.id) != it.id:
                    faults.add(pointer, f"{visit_id} is on {owner[visit_id]} already.")
        if len(set(it.prefix)) != len(it.prefix):
            faults.add(f"/vehicles/{at}/prefix", "A visit stands twice.")


def _known(problem: Asked, members: Iterable[str], pointer: str, faults: Problems) -> None:
    for visit_id in sorted(set(members) - set(problem.visit_index), key=str):
        faults.add(pointer, f"The problem has no visit {visit_id}.", "unknown")


def _pairs(problem: Asked, faults: Problems) -> None:
    seen: set[str] = set()
    for at, pair in enumerate(problem.pairs):
        pointer = f"/pairs/{at}"
        _known(problem, (pair.pickup, pair.delivery), pointer, faults)
        for visit_id in (pair.pickup, pair.delivery):
            if visit_id in seen:
                faults.add(pointer, f"{visit_id} is in a pair already.")
            seen.add(visit_id)
            number = problem.visit_index.get(visit_id)
            if number is None:
                continue
            it = problem.visits[number]
            if it.group or it.release_s:
                faults.add(pointer, f"{visit_id} is in a pair: it has no group and no release_s.")
        number = problem.visit_index.get(pair.pickup)
        if number is not None:
            it = problem.visits[number]
            if any(it.demand) or any(it.collect):
                faults.add(
                    pointer,
                    f"{pair.pickup} is a pickup: what is fetched stands as its delivery's demand.",
                )
