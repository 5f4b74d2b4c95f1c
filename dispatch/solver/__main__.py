"""``python -m dispatch.solver``: a problem in, a solution out. See ``cli``."""

import time

BEGAN = time.perf_counter()

from dispatch.solver.cli import main  # noqa: E402 - the clock of start-up runs from before

if __name__ == "__main__":
    raise SystemExit(main(began=BEGAN))
