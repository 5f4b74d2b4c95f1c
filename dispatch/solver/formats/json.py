"""The project's own JSON of problems and solutions. PURE.

A problem::

    {"format": "lastmile-problem/1", "name": "", "dimensions": ["weight_g"],
     "profiles": [{"name": "van", "duration_s": [[0, 60], [60, 0]], "distance_m": [[…], […]]}],
     "visits": [{"id": "a", "place": 1, "service_s": 120, "demand": [500],
                 "windows": [[0, 7200]], "unserved_cost": 5000, "skills": ["cold"],
                 "vehicles": null, …}],
     "vehicles": [{"id": "k", "start": 0, "end": 0, "opens_s": 0, "closes_s": 28800,
                   "capacity": [9000], "breaks": [[10800, 14400, 1800]], …}],
     "pairs": [["a", "b"]], "together": [["c", "d"]], "apart": [], "co2_cost_per_kg": 0,
     "fairness_cost": 0}

The names, units and defaults are those of ``problem.Problem`` and its parts. Fields with a default
may be omitted. Unknown names are refused, so that a typing error does not silently become a
default. Short lists:

- windows: ``[opens_s, closes_s]``
- breaks: ``[opens_s, closes_s, duration_s]``, with a fourth value ``false`` for an unpaid break
- chargers: ``[place, m_per_minute]``
- pairs: ``[pickup, delivery]``
- ``service_s``: one number, or one number per profile

``hourly`` of a profile is a list of ``{"from_s": 36000, "duration_s": [[…], […]]}``.

A solution::

    {"format": "lastmile-solution/1",
     "routes": [{"vehicle": "k", "start_s": 0, "depart_s": 0, "end_s": 300, "distance_m": 90,
                 "load": [500], "visits": [["a", 60, 60, 180]], "breaks": []}],
     "unserved": [{"visit": "b", "reason": "no_skill", "dimensions": [], "skills": ["cold"]}]}

with visits as ``[id, arrive_s, start_s, depart_s]``, breaks as
``[index, start_s, end_s, before]``, reloads as ``[place, arrive_s, start_s, end_s, before, load]``
and charges as ``[charger, arrive_s, start_s, end_s, before]``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, TypeVar

from dispatch.solver.formats.matrices import matrix, refuse, with_same_ways
from dispatch.solver.model.problem import (
    Break,
    Charger,
    Pair,
    Problem,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
    Window,
)
from dispatch.solver.model.solution import (
    Charge,
    NotServed,
    Reason,
    Reload,
    Served,
    Solution,
    TakenBreak,
    Tour,
)
from lastmile.core.errors import Invalid

PROBLEM: Final = "lastmile-problem/1"
SOLUTION: Final = "lastmile-solution/1"
T = TypeVar("T")
Read = Callable[[Any, str], Any]


def _whole(value: Any, pointer: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise refuse(pointer, f"give a whole number, not {str(value)[:40]!r}.")
    return value


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        raise refuse(pointer, f"give a text, not {str(value)[:40]!r}.")
    return value


def _optional(read: Read) -> Read:
    return lambda value, pointer: None if value is None else read(value, pointer)


def _list(read: Read, into: Callable[[Any], Any] = tuple) -> Read:
    def each(value: Any, pointer: str) -> Any:
        if not isinstance(value, list):
            raise refuse(pointer, "give a list.")
        return into(read(item, f"{pointer}/{at}") for at, item in enumerate(value))

    return each


def _row(kind: Callable[..., T], *reads: Read) -> Read:
    """Read a short list as the fields of ``kind``."""

    def one(value: Any, pointer: str) -> T:
        if not isinstance(value, list) or len(value) != len(reads):
            raise refuse(pointer, f"give a list of {len(reads)} values.")
        return kind(
            *(
                read(v, f"{pointer}/{at}")
                for at, (read, v) in enumerate(zip(reads, value, strict=True))
            )
        )

    return one


def _service(value: Any, pointer: str) -> int | tuple[int, ...]:
    if isinstance(value, list):
        return tuple(_whole(v, f"{pointer}/{at}") for at, v in enumerate(value))
    return _whole(value, pointer)


_WHOLES: Final = _list(_whole)
_NAMES: Final = _list(_text)
_NAME_SET: Final = _list(_text, frozenset)
_WINDOW: Final = _row(Window, _whole, _whole)
_PAIR: Final = _row(Pair, _text, _text)
_CHARGER: Final = _row(Charger, _whole, _whole)


def _boolean(value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        raise refuse(pointer, f"give true or false, not {str(value)[:40]!r}.")
    return value


def _break(value: Any, pointer: str) -> Break:
    paid = (_boolean,) if isinstance(value, list) and len(value) == 4 else ()
    return _row(Break, _whole, _whole, _whole, *paid)(value, pointer)  # type: ignore[no-any-return]


_SPECIAL: Final[Mapping[str, Read]] = {
    "id": _text,
    "name": _text,
    "duration_s": matrix,
    "distance_m": matrix,
    "service_s": _service,
    "demand": _WHOLES,
    "capacity": _WHOLES,
    "windows": _list(_WINDOW),
    "breaks": _list(_break),
    "chargers": _list(_CHARGER),
    "reloads": _WHOLES,
    "collect": _WHOLES,
    "group": _text,
    "prefix": _NAMES,
    "loaded": _optional(_NAME_SET),
    "skills": _NAME_SET,
    "vehicles": _optional(_NAME_SET),
    "latest_start_s": _optional(_whole),
    "max_distance_m": _optional(_whole),
    "max_duration_s": _optional(_whole),
    "max_stops": _optional(_whole),
    "overtime_after_s": _optional(_whole),
    "reload_s": _optional(_whole),
    "range_m": _optional(_whole),
    "start_range_m": _optional(_whole),
}


def _object(kind: Callable[..., T], reads: Mapping[str, Read]) -> Read:
    """Read an object as a dataclass: each field by its entry in ``reads``, or as a whole number."""
    allowed = {f.name: f for f in fields(kind) if f.init}  # type: ignore[arg-type]

    def one(value: Any, pointer: str) -> T:
        members = _members(value, pointer, set(allowed))
        for name, member in allowed.items():
            if name not in members and member.default is MISSING:
                raise refuse(pointer, f"{name} is missing.")
        return kind(**{k: reads.get(k, _whole)(v, f"{pointer}/{k}") for k, v in members.items()})

    return one


def _members(value: Any, pointer: str, allowed: set[str]) -> dict[str, Any]:
    """Check that a value is an object with allowed names only; return it."""
    if not isinstance(value, dict):
        raise refuse(pointer, "give an object.")
    unknown = sorted(set(value) - allowed)
    if unknown:
        raise refuse(pointer, f"{unknown[0]!r} is unknown; use one of {sorted(allowed)}.")
    return value


def _top(data: Any, kind: str, allowed: set[str]) -> dict[str, Any]:
    """Check the top-level object and its format; return it."""
    members = _members(data, "", allowed | {"format"})
    if members.get("format") != kind:
        raise refuse("/format", f"expected {kind!r}, not {members.get('format')!r}.")
    return members


def _plain(item: Any, defaults: type) -> dict[str, Any]:
    """Return a dataclass as a dict, without the fields that equal their default."""
    out: dict[str, Any] = {}
    for member in fields(defaults):
        value = getattr(item, member.name)
        if member.default is not MISSING and value == member.default:
            continue
        if isinstance(value, frozenset):
            value = sorted(value)
        elif isinstance(value, tuple):
            value = [_short(v) for v in value]
        out[member.name] = value
    return out


def _short(item: Any) -> Any:
    """Return a window, break or charger as a short list; numbers and names unchanged."""
    match item:
        case Window():
            return [item.opens_s, item.closes_s]
        case Break(paid=True):
            return [item.opens_s, item.closes_s, item.duration_s]
        case Break():
            return [item.opens_s, item.closes_s, item.duration_s, False]
        case Charger():
            return [item.place, item.m_per_minute]
    return item


def _profile(profile: TravelTable) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": profile.name,
        "duration_s": profile.duration_s.tolist(),
        "distance_m": profile.distance_m.tolist(),
    }
    if profile.hourly:
        out["hourly"] = [
            {"from_s": s.from_s, "duration_s": s.duration_s.tolist()} for s in profile.hourly
        ]
    return out


def statement(problem: Problem) -> dict[str, Any]:
    """Return a problem without its profiles as plain data; empty relations are omitted."""
    relations: dict[str, Any] = {
        "pairs": [[p.pickup, p.delivery] for p in problem.pairs],
        "together": [sorted(members) for members in problem.together],
        "apart": [sorted(members) for members in problem.apart],
        "co2_cost_per_kg": problem.co2_cost_per_kg,
        "fairness_cost": problem.fairness_cost,
    }
    return {
        "format": PROBLEM,
        "name": problem.name,
        "dimensions": list(problem.dimensions),
        "visits": [_plain(v, Visit) for v in problem.visits],
        "vehicles": [_plain(v, VehicleShift) for v in problem.vehicles],
    } | {name: value for name, value in relations.items() if value}


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain data."""
    return statement(problem) | {"profiles": [_profile(p) for p in problem.profiles]}


_SLICE: Final = _object(Slice, _SPECIAL)


def problem_from_json(data: Any) -> Problem:
    """Read a problem from plain data. Raises ``Invalid`` with the position and the cause."""
    members = _top(data, PROBLEM, {f.name for f in fields(Problem) if f.init})
    if "profiles" not in members:
        raise refuse("", "profiles is missing.")
    read = _list(_object(TravelTable, {**_SPECIAL, "hourly": _list(_SLICE)}))
    profiles = tuple(with_same_ways(table) for table in read(members["profiles"], "/profiles"))
    return problem_from_statement(members, profiles)


def problem_from_statement(data: Any, profiles: tuple[TravelTable, ...]) -> Problem:
    """Read a problem from a ``statement`` and its profiles."""
    members = _top(data, PROBLEM, {f.name for f in fields(Problem) if f.init})
    for name in ("visits", "vehicles"):
        if name not in members:
            raise refuse("", f"{name} is missing.")
    return Problem(
        profiles=profiles,
        visits=_list(_object(Visit, _SPECIAL))(members["visits"], "/visits"),
        vehicles=_list(_object(VehicleShift, _SPECIAL))(members["vehicles"], "/vehicles"),
        dimensions=_NAMES(members.get("dimensions", []), "/dimensions"),
        name=_text(members.get("name", ""), "/name"),
        pairs=_list(_PAIR)(members.get("pairs", []), "/pairs"),
        together=_list(_NAME_SET)(members.get("together", []), "/together"),
        apart=_list(_NAME_SET)(members.get("apart", []), "/apart"),
        co2_cost_per_kg=_whole(members.get("co2_cost_per_kg", 0), "/co2_cost_per_kg"),
        fairness_cost=_whole(members.get("fairness_cost", 0), "/fairness_cost"),
    )


def _route(r: Tour) -> dict[str, Any]:
    out: dict[str, Any] = {
        "vehicle": r.vehicle,
        "start_s": r.start_s,
        "depart_s": r.depart_s,
        "end_s": r.end_s,
        "distance_m": r.distance_m,
        "load": list(r.load),
        "visits": [[s.visit, s.arrive_s, s.start_s, s.depart_s] for s in r.visits],
        "breaks": [[b.index, b.start_s, b.end_s, b.before] for b in r.breaks],
    }
    if r.reloads:
        out["reloads"] = [
            [f.place, f.arrive_s, f.start_s, f.end_s, f.before, list(f.load)] for f in r.reloads
        ]
    if r.charges:
        out["charges"] = [[f.charger, f.arrive_s, f.start_s, f.end_s, f.before] for f in r.charges]
    return out


def solution_to_json(solution: Solution) -> dict[str, Any]:
    """Return a solution as plain data."""
    return {
        "format": SOLUTION,
        "routes": [_route(r) for r in solution.routes],
        "unserved": [
            {
                "visit": u.visit,
                "reason": u.reason.value,
                "dimensions": list(u.dimensions),
                "skills": list(u.skills),
            }
            for u in solution.unserved
        ],
    }


def _reason(value: Any, pointer: str) -> Reason:
    try:
        return Reason(value)
    except ValueError as fault:
        allowed = ", ".join(r.value for r in Reason)
        raise refuse(pointer, f"there is no such reason; use one of {allowed}.") from fault


_ROUTE: Final = _object(
    Tour,
    {
        "vehicle": _text,
        "load": _WHOLES,
        "visits": _list(_row(Served, _text, _whole, _whole, _whole)),
        "breaks": _list(_row(TakenBreak, _whole, _whole, _whole, _whole)),
        "reloads": _list(_row(Reload, _whole, _whole, _whole, _whole, _whole, _WHOLES)),
        "charges": _list(_row(Charge, _whole, _whole, _whole, _whole, _whole)),
    },
)
_UNSERVED: Final = _object(
    NotServed, {"visit": _text, "reason": _reason, "dimensions": _NAMES, "skills": _NAMES}
)


def solution_from_json(data: Any) -> Solution:
    """Read a solution from plain data. Raises ``Invalid`` with the position and the cause."""
    members = _top(data, SOLUTION, {"routes", "unserved"})
    return Solution(
        routes=_list(_ROUTE)(members.get("routes", []), "/routes"),
        unserved=_list(_UNSERVED)(members.get("unserved", []), "/unserved"),
    )


def loads(text: str | bytes) -> Any:
    """Parse JSON text. Raises ``Invalid`` if the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise Invalid(f"This is not JSON ({fault}).") from fault


def dumps(data: Any) -> str:
    """Return plain data as JSON on one line; the same data gives the same bytes."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
