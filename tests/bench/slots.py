"""All campaigns of slots, one after the other; each can be resumed by itself."""

from __future__ import annotations

from tests.bench import slots_joint, slots_latency, slots_marginal, slots_races


def run() -> str:
    """Run the four parts; return their figures. Raises what a part raises."""
    parts = {
        "races": slots_races.run,
        "joint": slots_joint.run,
        "marginal": slots_marginal.run,
        "latency": slots_latency.run,
    }
    return ". ".join(f"{name}: {part()}" for name, part in parts.items())
