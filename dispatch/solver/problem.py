"""The one neutral statement of a day's planning: places, visits, vehicles. PURE.

Times are whole seconds from the problem's own origin, distances whole metres, money whole minor
units. A ``Problem`` checks itself when it is made, so everything behind it can trust it.

Rules the words stand for (``check.py`` enforces exactly these):

- A window is half open, ``[opens_s, closes_s)``: service begins inside it. A vehicle that is
  early waits.
- A vehicle starts work between ``opens_s`` and ``latest_start_s``, loads for ``loading_s``,
  leaves ``start``, and is back at ``end`` by ``closes_s``. ``max_duration_s`` and the price of an
  hour count everything from the start of work to the end: loading, driving, service, waiting and
  breaks (waiting is working time).
- A break lasts ``duration_s`` and begins within its own half-open window. In it the driver
  neither serves nor loads; a drive may be interrupted. A break that fits within its window
  before the start of work or after its end needs no place in the route.
- Travel takes ``ceil(duration * 100 / speed_percent)`` seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lastmile.core.errors import Problems

Int32 = npt.NDArray[np.int32]

MAX_TIME_S: Final = 10**8  # three years: far beyond a plan, far below any overflow
MAX_TRAVEL: Final = 10**8
MAX_AMOUNT: Final = 10**12  # of a load, of money
MAX_VISITS: Final = 20_000
MAX_VEHICLES: Final = 5_000
MAX_FAULTS: Final = 50


@dataclass(frozen=True, slots=True)
class Window:
    """Service may begin at ``opens_s <= t < closes_s``."""

    opens_s: int
    closes_s: int


@dataclass(frozen=True, slots=True)
class Break:
    """A rest of ``duration_s`` that begins at ``opens_s <= t < closes_s``."""

    opens_s: int
    closes_s: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One stop to be made once, by one vehicle.

    Parameters
    ----------
    place : int
        Row of the profiles' matrices.
    service_s : int or tuple of int
        Seconds at the door; a tuple gives one value per profile.
    demand : tuple of int
        What it takes of the vehicle, one value per dimension of the problem.
    windows : tuple of Window
        Any one of them; none means any time.
    unserved_cost : int
        What it costs not to serve it. A visit dearer to reach than this stays at home.
    skills : frozenset of str
        The vehicle must have all of them.
    vehicles : frozenset of str or None
        Ids of the only vehicles that may come; None means any.
    """

    id: str
    place: int
    service_s: int | tuple[int, ...] = 0
    demand: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ()
    unserved_cost: int = 10**9
    skills: frozenset[str] = frozenset()
    vehicles: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle in one shift: at most one route.

    ``cost_per_km`` and ``cost_per_hour`` are minor units per 1,000 m and per 3,600 s;
    ``fixed_cost`` falls due when the vehicle leaves at all. ``max_distance_m`` is its range.
    """

    id: str
    start: int
    end: int
    opens_s: int
    closes_s: int
    profile: int = 0
    latest_start_s: int | None = None
    capacity: tuple[int, ...] = ()
    skills: frozenset[str] = frozenset()
    fixed_cost: int = 0
    cost_per_km: int = 0
    cost_per_hour: int = 0
    max_distance_m: int | None = None
    max_duration_s: int | None = None
    breaks: tuple[Break, ...] = ()
    loading_s: int = 0
    speed_percent: int = 100
    co2_mg_per_m: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """How one kind of vehicle gets about: seconds and metres from each place to each place."""

    name: str
    duration_s: Int32
    distance_m: Int32


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A day to be planned. Raises ``Invalid`` with every fault named when it does not fit.

    Parameters
    ----------
    profiles : tuple of Profile
        N x N matrices over the same N places, row = from; not assumed symmetric.
    dimensions : tuple of str
        Names of the load dimensions, e.g. ``("weight_g", "volume_cm3", "parcels")``.
    """

    profiles: tuple[Profile, ...]
    visits: tuple[Visit, ...]
    vehicles: tuple[Vehicle, ...]
    dimensions: tuple[str, ...] = ()
    name: str = ""
    visit_index: dict[str, int] = field(init=False, repr=False)
    vehicle_index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        faults = Problems()
        profiles = tuple(_profile(p, at, faults) for at, p in enumerate(self.profiles))
        object.__setattr__(self, "profiles", profiles)
        if not profiles:
            faults.add("/profiles", "Give at least one profile with its two matrices.")
        elif len({len(p.duration_s) for p in profiles}) > 1:
            faults.add("/profiles", "All profiles must cover the same places.")
        faults.raise_if_any("The travel matrices do not fit; see errors.")
        _sizes(self, faults)
        faults.raise_if_any("The problem is larger than this solver takes; see errors.")
        for at, visit in enumerate(self.visits):
            _visit(self, visit, f"/visits/{at}", faults)
            _stop_when_many(faults)
        for at, vehicle in enumerate(self.vehicles):
            _vehicle(self, vehicle, f"/vehicles/{at}", faults)
            _stop_when_many(faults)
        object.__setattr__(
            self, "visit_index", _index("visits", [v.id for v in self.visits], faults)
        )
        object.__setattr__(
            self, "vehicle_index", _index("vehicles", [v.id for v in self.vehicles], faults)
        )
        faults.raise_if_any("The problem does not fit; see errors.")

    @property
    def places(self) -> int:
        """How many places the matrices cover."""
        return len(self.profiles[0].duration_s)


def service_s(visit: Visit, vehicle: Vehicle) -> int:
    """Seconds this vehicle needs at this visit's door."""
    if isinstance(visit.service_s, tuple):
        return visit.service_s[vehicle.profile]
    return visit.service_s


def _stop_when_many(faults: Problems) -> None:
    if len(faults.found) >= MAX_FAULTS:
        faults.raise_if_any(f"The problem does not fit; the first {MAX_FAULTS} faults are named.")


def _profile(profile: Profile, at: int, faults: Problems) -> Profile:
    """Return the profile with its own read-only int32 matrices."""
    pointer = f"/profiles/{at}"
    duration = _matrix(profile.duration_s, f"{pointer}/duration_s", faults)
    distance = _matrix(profile.distance_m, f"{pointer}/distance_m", faults)
    if duration.shape != distance.shape:
        faults.add(pointer, "duration_s and distance_m must have the same shape.")
    return Profile(profile.name, duration, distance)


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
    own = np.array(array, dtype=np.int32, order="C")
    own.setflags(write=False)
    return own


def _sizes(problem: Problem, faults: Problems) -> None:
    if len(problem.visits) > MAX_VISITS:
        faults.add("/visits", f"At most {MAX_VISITS} visits; split the day by hub or zone.")
    if len(problem.vehicles) > MAX_VEHICLES:
        faults.add("/vehicles", f"At most {MAX_VEHICLES} vehicles; split the day by hub.")
    if len(set(problem.dimensions)) != len(problem.dimensions):
        faults.add("/dimensions", "Each load dimension needs a name of its own.")


def _index(what: str, ids: Sequence[str], faults: Problems) -> dict[str, int]:
    index: dict[str, int] = {}
    for at, name in enumerate(ids):
        if not isinstance(name, str) or not name:
            faults.add(f"/{what}/{at}/id", "Give an id: a text that is not empty.")
        elif name in index:
            faults.add(f"/{what}/{at}/id", f"The id {name} stands twice; ids must differ.")
        else:
            index[name] = at
    return index


def _whole(value: object, pointer: str, faults: Problems, *, top: int = MAX_AMOUNT) -> bool:
    """Tell whether a value is a whole number from 0 to ``top``; note the fault if not."""
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top
    if not fine:
        faults.add(pointer, f"Give a whole number from 0 to {top}, not {value!r}.")
    return fine


def _amounts(problem: Problem, given: tuple[int, ...], pointer: str, faults: Problems) -> None:
    if len(given) != len(problem.dimensions):
        faults.add(pointer, f"Give one value for each dimension: {list(problem.dimensions)}.")
    for at, value in enumerate(given):
        _whole(value, f"{pointer}/{at}", faults)


def _span(opens: object, closes: object, pointer: str, faults: Problems) -> None:
    fine = _whole(opens, f"{pointer}/opens_s", faults, top=MAX_TIME_S)
    fine = _whole(closes, f"{pointer}/closes_s", faults, top=MAX_TIME_S + 1) and fine
    if fine and not opens < closes:  # type: ignore[operator]
        faults.add(pointer, f"It closes ({closes}) before it opens ({opens}).")


def _place(problem: Problem, place: object, pointer: str, faults: Problems) -> None:
    _whole(place, pointer, faults, top=problem.places - 1)


def _visit(problem: Problem, visit: Visit, pointer: str, faults: Problems) -> None:
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
    for at, window in enumerate(visit.windows):
        _span(window.opens_s, window.closes_s, f"{pointer}/windows/{at}", faults)
    for before, after in zip(visit.windows, visit.windows[1:], strict=False):
        if before.closes_s > after.opens_s:
            faults.add(f"{pointer}/windows", "Windows must be in order and must not overlap.")
    _whole(visit.unserved_cost, f"{pointer}/unserved_cost", faults)


def _vehicle(problem: Problem, vehicle: Vehicle, pointer: str, faults: Problems) -> None:
    _whole(vehicle.profile, f"{pointer}/profile", faults, top=len(problem.profiles) - 1)
    _place(problem, vehicle.start, f"{pointer}/start", faults)
    _place(problem, vehicle.end, f"{pointer}/end", faults)
    _span(vehicle.opens_s, vehicle.closes_s, pointer, faults)
    _amounts(problem, vehicle.capacity, f"{pointer}/capacity", faults)
    for name in ("fixed_cost", "cost_per_km", "cost_per_hour", "co2_mg_per_m"):
        _whole(getattr(vehicle, name), f"{pointer}/{name}", faults)
    _whole(vehicle.loading_s, f"{pointer}/loading_s", faults, top=MAX_TIME_S)
    for name in ("latest_start_s", "max_distance_m", "max_duration_s"):
        value = getattr(vehicle, name)
        if value is not None:
            _whole(value, f"{pointer}/{name}", faults, top=MAX_AMOUNT)
    speed = vehicle.speed_percent
    if not isinstance(speed, int) or not 10 <= speed <= 1000:
        faults.add(f"{pointer}/speed_percent", f"Give a per cent from 10 to 1000, not {speed!r}.")
    for at, rest in enumerate(vehicle.breaks):
        _span(rest.opens_s, rest.closes_s, f"{pointer}/breaks/{at}", faults)
        _whole(rest.duration_s, f"{pointer}/breaks/{at}/duration_s", faults, top=MAX_TIME_S)
        if rest.duration_s == 0:
            faults.add(f"{pointer}/breaks/{at}/duration_s", "A break lasts at least a second.")
    for first, second in zip(vehicle.breaks, vehicle.breaks[1:], strict=False):
        if first.opens_s > second.opens_s or first.closes_s > second.closes_s:
            faults.add(f"{pointer}/breaks", "Breaks must stand in the order they are taken in.")
