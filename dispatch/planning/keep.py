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

from dispatch.solver.problem import Break, Problem, Profile, Vehicle, Visit, Window

FORMAT = 1


def pack(problem: Problem) -> tuple[bytes, str]:
    """Return a problem as bytes, and the SHA-256 of its content."""
    said = {
        "format": FORMAT,
        "name": problem.name,
        "dimensions": problem.dimensions,
        "profiles": [p.name for p in problem.profiles],
        "visits": [asdict(v) for v in problem.visits],
        "vehicles": [asdict(v) for v in problem.vehicles],
    }
    text = json.dumps(said, sort_keys=True, default=sorted).encode()
    digest = hashlib.sha256(text)
    arrays: dict[str, Any] = {"problem": np.frombuffer(text, dtype=np.uint8)}
    for at, profile in enumerate(problem.profiles):
        for name, matrix in (("s", profile.duration_s), ("m", profile.distance_m)):
            arrays[f"{name}{at}"] = matrix
            digest.update(matrix.tobytes())
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue(), digest.hexdigest()


def unpack(data: bytes) -> Problem:
    """Return the problem that ``pack`` kept."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        said = json.loads(arrays["problem"].tobytes())
        return Problem(
            profiles=tuple(
                Profile(name, arrays[f"s{at}"], arrays[f"m{at}"])
                for at, name in enumerate(said["profiles"])
            ),
            visits=tuple(_visit(v) for v in said["visits"]),
            vehicles=tuple(_vehicle(v) for v in said["vehicles"]),
            dimensions=tuple(said["dimensions"]),
            name=said["name"],
        )


def _visit(said: dict[str, Any]) -> Visit:
    service, only = said["service_s"], said["vehicles"]
    return Visit(
        **said
        | {
            "service_s": tuple(service) if isinstance(service, list) else service,
            "demand": tuple(said["demand"]),
            "windows": tuple(Window(**w) for w in said["windows"]),
            "skills": frozenset(said["skills"]),
            "vehicles": None if only is None else frozenset(only),
        }
    )


def _vehicle(said: dict[str, Any]) -> Vehicle:
    return Vehicle(
        **said
        | {
            "capacity": tuple(said["capacity"]),
            "skills": frozenset(said["skills"]),
            "breaks": tuple(Break(**b) for b in said["breaks"]),
        }
    )
