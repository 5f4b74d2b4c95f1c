"""The command ``python -m tests.upgrade REVISION``: makes the dump with an older commit.

The commit is checked out in a temporary folder. Its own code opens two retailers, works in them
and puts a row into every empty table (``making.py``). The dump is plain SQL, compressed without a
date, so that the same data gives the same bytes.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.upgrade.restoring import DUMP

ROOT = Path(__file__).resolve().parents[2]


def main(revision: str) -> int:
    """Make the dump of a revision."""
    git = ["git", "-C", str(ROOT)]
    with tempfile.TemporaryDirectory(prefix="lastmile-upgrade-") as folder:
        old = Path(folder) / "old"
        subprocess.run([*git, "worktree", "add", "-q", "--detach", str(old), revision], check=True)
        try:
            (old / ".venv").symlink_to(ROOT / ".venv")
            sql = Path(folder) / "dump.sql"
            maker = [sys.executable, str(Path(__file__).with_name("making.py")), str(sql)]
            # Compile the solver first, or the plan waits for the compilation.
            warm = [sys.executable, "-m", "dispatch.solver.warm"]
            subprocess.run(warm, cwd=old, check=True)
            subprocess.run(maker, cwd=old, check=True)
            with DUMP.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
                packed.write(sql.read_bytes())
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(old)], check=True)
    print(f"{DUMP.relative_to(ROOT)}: {DUMP.stat().st_size // 1024} kB, made by {revision}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
