"""The solver's whole campaign: us and the open peers, same problems, same seconds, two referees.

``make proof solver`` runs every part (an hour and a half on a quiet machine); ``solver_table`` and
the like run one. ONLY=400,porto/1000 narrows a part to cases whose name holds one of the words,
SEEDS=1 takes fewer seeds. What was measured is kept (see ``solver_measure``); SOLVER.md has the
tables and plots.
"""

from __future__ import annotations

from tests.bench import solver_insertion, solver_redispatch, solver_table, solver_versus

PARTS = {
    "table": solver_table.run,
    "porto": solver_versus.porto,
    "pairs": solver_versus.pairs,
    "city": solver_versus.city,
    "real": solver_versus.real,
    "insertion": solver_insertion.run,
    "redispatch": solver_redispatch.run,
}


def run() -> str:
    """Run every part; return all their figures."""
    said = []
    for name, part in PARTS.items():
        print(f"{name}:", flush=True)
        said.append(f"{name}: {part()}")
    return " | ".join(said).replace("|", "·")
