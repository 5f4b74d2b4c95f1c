"""A command that compiles the solver, so that no plan has to wait for the compiler. PURE.

    python -m dispatch.solver.warm

Run it when Lastmile is installed and after each change of the solver's sources. It takes about
half a minute the first time, and a second if nothing has changed.
"""

from __future__ import annotations

import shutil
from typing import Final

from dispatch.solver.classic.samples import problems
from dispatch.solver.compiling.compiled import CACHE_FOLDER
from dispatch.solver.compiling.sources import PREFIX
from dispatch.solver.engines.registry import CLASSIC, RICH
from dispatch.solver.placing.draft import Context
from dispatch.solver.solve import solve

COMPILED: Final = (CLASSIC, RICH)  # the engines with compiled code of this repository


def main() -> None:
    """Solve small sample problems, then delete the code compiled from older sources."""
    for problem in problems():
        for name in COMPILED:
            solve(problem, iterations=20, engine=name)
        scanner = Context(problem).scanner
        scanner.gaps({}, 0)
        single = [at for at, visit in enumerate(problem.visits) if len(visit.windows) == 1]
        for at in single[:1]:
            scanner.best({}, at, [(0, 1)])
    for folder in CACHE_FOLDER.parent.glob(f"{PREFIX}*"):
        if folder != CACHE_FOLDER:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
