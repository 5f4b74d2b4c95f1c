"""The command ``python -m dispatch.solver``; see ``process/cli.py``."""

import gc
import time

BEGAN = time.perf_counter()
# Garbage collection during imports takes a tenth of the start-up and frees nothing.
gc.disable()

from dispatch.solver.process.cli import main  # noqa: E402 - BEGAN must be taken before the imports

if __name__ == "__main__":
    raise SystemExit(main(began=BEGAN))
