"""The solver's whole campaign: Lastmile and the open peers, same problems, same seconds.

``make proof solver`` runs every part (an hour and a half on a quiet machine); ``solver_table`` and
the other names run one part. ONLY=400,porto/1000 limits a part to cases whose name contains one of
the words; SEEDS=1 uses fewer seeds. Measured runs are stored (see ``solver_measure``); SOLVER.md
has the tables and plots.
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
    """Run every part; return all figures."""
    figures = []
    for name, part in PARTS.items():
        print(f"{name}:", flush=True)
        figures.append(f"{name}: {part()}")
    return " | ".join(figures).replace("|", "·")
