"""What a rota is made of, looked at when it is stated: duties, vans, crews and prices. PURE.

Money is in minor units, summed exactly in units of 1/18,000 of one (the least common denominator
of the prices of a metre and a second) and rounded once, half up, at the very end. The maxima keep
every sum that CP-SAT forms, over all the pairs there can be, within 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lastmile.core.errors import Problems

UNIT: Final = 18_000
PER_METRE: Final = UNIT // 1000
PER_SECOND: Final = UNIT // 3600

MAX_MEMBERS: Final = 500  # of duties, of vans and of crews
MAX_CLOCK_S: Final = 10**7
MAX_DUTY_S: Final = 10**6
MAX_DISTANCE_M: Final = 5 * 10**6
MAX_MONEY: Final = 10**8
MAX_PER_KM: Final = 10**5
MAX_PER_HOUR: Final = 10**6
MAX_LOAD: Final = 10**12
MAX_FAULTS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A route to be driven once, by one van and one driver, from begin to end.

    Parameters
    ----------
    id : str
    begins_s, ends_s : int
        Seconds of the day, half-open.
    load : tuple of int
        The most it carries of each dimension; empty is nothing.
    distance_m : int
    skills : frozenset of str
        What van and driver must have between them.
    profile : str
        The kind of van its times were reckoned for; "" is any.
    vehicles, drivers : frozenset of str or None
        Locks: only these may take it; None is all.
    price : int
        Minor units of leaving it undone.
    """

    id: str
    begins_s: int
    ends_s: int
    price: int
    load: tuple[int, ...] = ()
    distance_m: int = 0
    skills: frozenset[str] = frozenset()
    profile: str = ""
    vehicles: frozenset[str] | None = None
    drivers: frozenset[str] | None = None

    @property
    def lasts_s(self) -> int:
        """Seconds from begin to end: what a driver works and is paid for."""
        return self.ends_s - self.begins_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Van:
    """A vehicle that is there from ``opens_s`` to ``closes_s``.

    ``range_m`` is for all its duties together (None: no limit). ``fixed_cost`` is paid once if
    it drives at all, ``cost_per_km`` for every metre.
    """

    id: str
    opens_s: int
    closes_s: int
    capacity: tuple[int, ...] = ()
    profile: str = ""
    skills: frozenset[str] = frozenset()
    range_m: int | None = None
    fixed_cost: int = 0
    cost_per_km: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A driver who is there from ``opens_s`` to ``closes_s`` and works ``max_work_s`` at most.

    Work is the seconds of the duties alone, and so is what ``cost_per_hour`` pays. ``prefers``
    names vans; empty is no preference.
    """

    id: str
    opens_s: int
    closes_s: int
    skills: frozenset[str] = frozenset()
    max_work_s: int | None = None
    cost_per_hour: int = 0
    prefers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """A day's duties, and who may take them.

    Parameters
    ----------
    duties, vans, crews : tuple
        At most 500 of each.
    turnaround_s : int
        Seconds between two duties of one van, and of one driver.
    mismatch_cost : int
        For each duty whose driver prefers some vans and is on none of them.
    change_cost : int
        For each duty on another van than the same driver's duty before it.
    fairness_cost_per_hour : int
        For the most seconds that a driver works less the fewest, among those with a duty.

    Raises
    ------
    Invalid
        Something does not fit; each fault by its JSON pointer.
    """

    duties: tuple[Duty, ...]
    vans: tuple[Van, ...]
    crews: tuple[Crew, ...]
    turnaround_s: int = 0
    mismatch_cost: int = 0
    change_cost: int = 0
    fairness_cost_per_hour: int = 0

    def __post_init__(self) -> None:
        _look(self)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A duty with its van and its driver, by id."""

    duty: str
    van: str
    crew: str


def _look(rota: Rota) -> None:
    faults = Problems()
    for name, kind in (("duties", Duty), ("vans", Van), ("crews", Crew)):
        members = getattr(rota, name)
        if not isinstance(members, tuple) or not all(isinstance(m, kind) for m in members):
            faults.add(f"/{name}", f"Give a tuple of {kind.__name__}.")
        elif len(members) > MAX_MEMBERS:
            faults.add(f"/{name}", f"At most {MAX_MEMBERS}; split the day by hub.")
    faults.raise_if_any("The rota does not fit; see errors.")
    _whole(rota.turnaround_s, "/turnaround_s", faults, MAX_CLOCK_S)
    _whole(rota.mismatch_cost, "/mismatch_cost", faults, MAX_MONEY)
    _whole(rota.change_cost, "/change_cost", faults, MAX_MONEY)
    _whole(rota.fairness_cost_per_hour, "/fairness_cost_per_hour", faults, MAX_PER_HOUR)
    vans = _ids("vans", rota.vans, faults)
    crews = _ids("crews", rota.crews, faults)
    _ids("duties", rota.duties, faults)
    for at, van in enumerate(rota.vans):
        _van(van, f"/vans/{at}", faults)
    for at, crew in enumerate(rota.crews):
        _crew(crew, vans, f"/crews/{at}", faults)
    for at, duty in enumerate(rota.duties):
        _duty(duty, vans, crews, f"/duties/{at}", faults)
    faults.raise_if_any("The rota does not fit; see errors.")
    _dimensions(rota, faults)
    faults.raise_if_any("The rota does not fit; see errors.")


def _whole(value: object, pointer: str, faults: Problems, top: int) -> bool:
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= top
    if not fine:
        _add(faults, pointer, f"Give a whole number from 0 to {top}, not {value!r:.40}.")
    return fine


def _add(faults: Problems, pointer: str, detail: str, code: str = "invalid") -> None:
    faults.add(pointer, detail, code)
    if len(faults.found) >= MAX_FAULTS:
        faults.raise_if_any(f"The rota does not fit; the first {MAX_FAULTS} faults are named.")


def _ids(name: str, members: Iterable[Duty | Van | Crew], faults: Problems) -> set[str]:
    seen: set[str] = set()
    for at, member in enumerate(members):
        if not isinstance(member.id, str) or not member.id:
            _add(faults, f"/{name}/{at}/id", "Give an id: a text that is not empty.")
        elif member.id in seen:
            _add(faults, f"/{name}/{at}/id", f"The id {member.id} stands twice; ids must differ.")
        else:
            seen.add(member.id)
    return seen


def _span(begin: object, end: object, names: tuple[str, str], at: str, faults: Problems) -> bool:
    fine = _whole(begin, f"{at}/{names[0]}", faults, MAX_CLOCK_S)
    fine = _whole(end, f"{at}/{names[1]}", faults, MAX_CLOCK_S) and fine
    if fine and not begin < end:  # type: ignore[operator]
        _add(faults, f"{at}/{names[1]}", f"It ends ({end}) before it begins ({begin}).")
        return False
    return fine


def _texts(given: object, pointer: str, faults: Problems) -> bool:
    fine = isinstance(given, frozenset) and all(isinstance(text, str) for text in given)
    if not fine:
        _add(faults, pointer, "Give a frozenset of texts.")
    return fine


def _known(given: frozenset[str], known: set[str], pointer: str, faults: Problems) -> None:
    if _texts(given, pointer, faults):
        for name in sorted(given - known):
            _add(faults, pointer, f"The rota has no {name}.", "unknown")


def _amounts(given: object, pointer: str, faults: Problems) -> None:
    if not isinstance(given, tuple):
        _add(faults, pointer, "Give a tuple with a value for each dimension.")
        return
    for at, value in enumerate(given):
        _whole(value, f"{pointer}/{at}", faults, MAX_LOAD)


def _text(given: object, pointer: str, faults: Problems) -> None:
    if not isinstance(given, str):
        _add(faults, pointer, "Give a text.")


def _van(van: Van, at: str, faults: Problems) -> None:
    _span(van.opens_s, van.closes_s, ("opens_s", "closes_s"), at, faults)
    _amounts(van.capacity, f"{at}/capacity", faults)
    _text(van.profile, f"{at}/profile", faults)
    _texts(van.skills, f"{at}/skills", faults)
    if van.range_m is not None:
        _whole(van.range_m, f"{at}/range_m", faults, MAX_MEMBERS * MAX_DISTANCE_M)
    _whole(van.fixed_cost, f"{at}/fixed_cost", faults, MAX_MONEY)
    _whole(van.cost_per_km, f"{at}/cost_per_km", faults, MAX_PER_KM)


def _crew(crew: Crew, vans: set[str], at: str, faults: Problems) -> None:
    _span(crew.opens_s, crew.closes_s, ("opens_s", "closes_s"), at, faults)
    _texts(crew.skills, f"{at}/skills", faults)
    if crew.max_work_s is not None:
        _whole(crew.max_work_s, f"{at}/max_work_s", faults, MAX_CLOCK_S)
    _whole(crew.cost_per_hour, f"{at}/cost_per_hour", faults, MAX_PER_HOUR)
    _known(crew.prefers, vans, f"{at}/prefers", faults)


def _duty(duty: Duty, vans: set[str], crews: set[str], at: str, faults: Problems) -> None:
    fine = _span(duty.begins_s, duty.ends_s, ("begins_s", "ends_s"), at, faults)
    if fine and duty.lasts_s > MAX_DUTY_S:
        _add(faults, f"{at}/ends_s", f"A duty lasts {MAX_DUTY_S} seconds at most.")
    _amounts(duty.load, f"{at}/load", faults)
    _whole(duty.distance_m, f"{at}/distance_m", faults, MAX_DISTANCE_M)
    _whole(duty.price, f"{at}/price", faults, MAX_MONEY)
    _texts(duty.skills, f"{at}/skills", faults)
    _text(duty.profile, f"{at}/profile", faults)
    if duty.vehicles is not None:
        _known(duty.vehicles, vans, f"{at}/vehicles", faults)
    if duty.drivers is not None:
        _known(duty.drivers, crews, f"{at}/drivers", faults)


def _dimensions(rota: Rota, faults: Problems) -> None:
    sizes = {len(van.capacity) for van in rota.vans} | {len(d.load) for d in rota.duties if d.load}
    due = max(sizes, default=0)
    for at, van in enumerate(rota.vans):
        if len(van.capacity) != due:
            _add(faults, f"/vans/{at}/capacity", f"Give one value for each of {due} dimensions.")
    for at, duty in enumerate(rota.duties):
        if duty.load and len(duty.load) != due:
            _add(faults, f"/duties/{at}/load", f"Give one value for each of {due} dimensions.")
