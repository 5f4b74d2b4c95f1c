"""Keeps a Problem with its plan, whole: matrices as compressed arrays, the rest as JSON.

What is kept is what was solved, byte for byte: a hand edit is timed on the same matrices, and a
replay asks the same question.
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
    """Return a problem as bytes, and the SHA-256 of its content."""
    said = {
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
    text = json.dumps(said, sort_keys=True, default=sorted).encode()
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
    """Return the problem that ``pack`` kept, in this format or the first."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        said = json.loads(arrays["problem"].tobytes())
        return Problem(
            profiles=tuple(
                _profile(profile, at, arrays) for at, profile in enumerate(said["profiles"])
            ),
            visits=tuple(_visit(v) for v in said["visits"]),
            vehicles=tuple(_vehicle(v) for v in said["vehicles"]),
            dimensions=tuple(said["dimensions"]),
            name=said["name"],
            pairs=tuple(Pair(**p) for p in said.get("pairs", ())),
            together=tuple(frozenset(m) for m in said.get("together", ())),
            apart=tuple(frozenset(m) for m in said.get("apart", ())),
            co2_cost_per_kg=said.get("co2_cost_per_kg", 0),
            fairness_cost=said.get("fairness_cost", 0),
        )


def _profile(said: str | dict[str, Any], at: int, arrays: Any) -> TravelTable:
    """Read one profile; in format 1 it was its name alone."""
    name, later = (said, []) if isinstance(said, str) else (said["name"], said["hourly_from_s"])
    slices = tuple(Slice(from_s, arrays[f"s{at}_{n}"]) for n, from_s in enumerate(later))
    return TravelTable(name, arrays[f"s{at}"], arrays[f"m{at}"], slices)


def _visit(said: dict[str, Any]) -> Visit:
    service, only = said["service_s"], said["vehicles"]
    return Visit(
        **said
        | {
            "service_s": tuple(service) if isinstance(service, list) else service,
            "demand": tuple(said["demand"]),
            "collect": tuple(said.get("collect", ())),
            "windows": tuple(Window(**w) for w in said["windows"]),
            "skills": frozenset(said["skills"]),
            "vehicles": None if only is None else frozenset(only),
        }
    )


def _vehicle(said: dict[str, Any]) -> VehicleShift:
    loaded = said.get("loaded")
    return VehicleShift(
        **said
        | {
            "capacity": tuple(said["capacity"]),
            "skills": frozenset(said["skills"]),
            "breaks": tuple(Break(**b) for b in said["breaks"]),
            "reloads": tuple(said.get("reloads", ())),
            "chargers": tuple(Charger(**c) for c in said.get("chargers", ())),
            "prefix": tuple(said.get("prefix", ())),
            "loaded": None if loaded is None else frozenset(loaded),
        }
    )
