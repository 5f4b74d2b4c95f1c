"""The number of random tests: SOLVER_TRIALS=20 tries twenty times the usual number of problems."""

from __future__ import annotations

import os
from typing import Final

TRIALS: Final = max(1, int(os.environ.get("SOLVER_TRIALS", "1")))
