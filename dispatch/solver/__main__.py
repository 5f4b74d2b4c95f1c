"""``python -m dispatch.solver``: a problem in, a solution out. See ``cli``."""

import gc
import time

BEGAN = time.perf_counter()
gc.disable()  # a tenth of the start-up: nothing that is loaded ever becomes garbage

from dispatch.solver.process.cli import main  # noqa: E402 - the clock of start-up runs from before

if __name__ == "__main__":
    raise SystemExit(main(began=BEGAN))
