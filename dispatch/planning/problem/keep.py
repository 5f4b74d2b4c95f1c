"""Packs a Problem into bytes and back: matrices as compressed arrays, the rest as JSON.

The plan stores exactly the problem that was solved. So an edit by hand is timed on the same
matrices, and a replay solves the same problem.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np

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

FORMAT = 2


def pack(problem: Problem) -> tuple[bytes, str]:
    """Return a problem as bytes, and the SHA-256 hex digest of its content."""
    content = {
        "format": FORMAT,
        "name": problem.name,
        "dimensions": problem.dimensions,
        "profiles": [
            {"name": p.name, "hourly_from_s": [s.from_s for s in p.hourly]}
            for p in problem.profiles
        ],
        "visits": [asdict(v) for v in problem.visits],
        "vehicles": [asdict(v) for v in problem.vehicles],
        "pairs": [asdict(p) for p in problem.pairs],
        "together": problem.together,
        "apart": problem.apart,
        "co2_cost_per_kg": problem.co2_cost_per_kg,
        "fairness_cost": problem.fairness_cost,
    }
    text = json.dumps(content, sort_keys=True, default=sorted).encode()
    digest = hashlib.sha256(text)
    arrays: dict[str, Any] = {"problem": np.frombuffer(text, dtype=np.uint8)}
    for at, profile in enumerate(problem.profiles):
        matrices = {f"s{at}": profile.duration_s, f"m{at}": profile.distance_m}
        matrices |= {f"s{at}_{n}": s.duration_s for n, s in enumerate(profile.hourly)}
        for name, matrix in matrices.items():
            arrays[name] = matrix
            digest.update(matrix.tobytes())
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue(), digest.hexdigest()


def unpack(data: bytes) -> Problem:
    """Return the problem that ``pack`` wrote, in the present format or in format 1."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        content = json.loads(arrays["problem"].tobytes())
        return Problem(
            profiles=tuple(
                _profile(profile, at, arrays) for at, profile in enumerate(content["profiles"])
            ),
            visits=tuple(_visit(v) for v in content["visits"]),
            vehicles=tuple(_vehicle(v) for v in content["vehicles"]),
            dimensions=tuple(content["dimensions"]),
            name=content["name"],
            pairs=tuple(Pair(**p) for p in content.get("pairs", ())),
            together=tuple(frozenset(m) for m in content.get("together", ())),
            apart=tuple(frozenset(m) for m in content.get("apart", ())),
            co2_cost_per_kg=content.get("co2_cost_per_kg", 0),
            fairness_cost=content.get("fairness_cost", 0),
        )


def _profile(profile: str | dict[str, Any], at: int, arrays: Any) -> TravelTable:
    """Return the travel table of one profile; in format 1 a profile was only its name."""
    name, later = (
        (profile, []) if isinstance(profile, str) else (profile["name"], profile["hourly_from_s"])
    )
    slices = tuple(Slice(from_s, arrays[f"s{at}_{n}"]) for n, from_s in enumerate(later))
    return TravelTable(name, arrays[f"s{at}"], arrays[f"m{at}"], slices)


def _visit(fields: dict[str, Any]) -> Visit:
    service, vehicles = fields["service_s"], fields["vehicles"]
    return Visit(
        **fields
        | {
            "service_s": tuple(service) if isinstance(service, list) else service,
            "demand": tuple(fields["demand"]),
            "collect": tuple(fields.get("collect", ())),
            "windows": tuple(Window(**w) for w in fields["windows"]),
            "skills": frozenset(fields["skills"]),
            "vehicles": None if vehicles is None else frozenset(vehicles),
        }
    )


def _vehicle(fields: dict[str, Any]) -> VehicleShift:
    loaded = fields.get("loaded")
    return VehicleShift(
        **fields
        | {
            "capacity": tuple(fields["capacity"]),
            "skills": frozenset(fields["skills"]),
            "breaks": tuple(Break(**b) for b in fields["breaks"]),
            "reloads": tuple(fields.get("reloads", ())),
            "chargers": tuple(Charger(**c) for c in fields.get("chargers", ())),
            "prefix": tuple(fields.get("prefix", ())),
            "loaded": None if loaded is None else frozenset(loaded),
        }
    )
