"""``python -m tests.halves``: the suite as two pytest runs at once, one for each of two cores.

Both use the same test servers, and each has its own copy of the database (tests/databases.py). The
output of the second run is printed after that of the first. The exit status is the worse one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent
SECOND = ("dispatch", "notifications", "portal")  # take about as long as all the others together


def halves() -> tuple[list[str], list[str]]:
    """Return the folders of each half; a new folder joins the first."""
    folders = sorted(p.parent.name for p in TESTS.glob("*/__init__.py"))
    first = [name for name in folders if name not in SECOND]
    return [f"tests/{name}" for name in first], [f"tests/{name}" for name in SECOND]


def main(arguments: list[str]) -> int:
    """Run both halves; a call that names tests runs just those, in one process."""
    pytest = [sys.executable, "-m", "pytest", "--durations=10"]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=TESTS.parent, check=False).returncode
    first, second = halves()
    with tempfile.TemporaryFile() as output:
        other = subprocess.Popen(
            [*pytest, *second], cwd=TESTS.parent, stdout=output, stderr=subprocess.STDOUT
        )
        worst = subprocess.run([*pytest, *first], cwd=TESTS.parent, check=False).returncode
        worst = other.wait() or worst
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
