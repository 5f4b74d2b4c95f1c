"""Restores the stored dump into an empty database."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path
from typing import Final

from lastmile.embedded import binaries

DUMP: Final = Path(__file__).resolve().parents[1] / "data" / "before-upgrade.sql.gz"


def restore(settings: dict[str, object]) -> None:
    """Restore the dump into the database with these connection settings."""
    flags = {"-h": settings["HOST"], "-p": settings["PORT"], "-U": settings["USER"]}
    argv = [str(binaries.postgres_home() / "bin" / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    argv += [str(part) for flag in flags.items() if flag[1] for part in flag]
    done = subprocess.run(
        [*argv, "-d", str(settings["NAME"])],
        input=gzip.decompress(DUMP.read_bytes()),
        env={**os.environ, "PGPASSWORD": str(settings["PASSWORD"] or "")},
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The dump cannot be restored: {done.stderr.decode()[-2000:]}")
