"""Compiled messages agree with their sources: ``python -m tests.messages [--write]``.

Written with polib, so that no machine needs GNU gettext.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
STOREYS = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal")


def compiled(source: Path) -> bytes:
    """Return the .mo that belongs to a .po."""
    return polib.pofile(str(source)).to_binary()


def main(argv: list[str]) -> int:
    """Check every catalogue, or write it; return 1 when one is stale."""
    stale = []
    sources = [po for name in STOREYS for po in (ROOT / name).rglob("locale/*/LC_MESSAGES/*.po")]
    for source in sorted(sources):
        target = source.with_suffix(".mo")
        wanted = compiled(source)
        if target.exists() and target.read_bytes() == wanted:
            continue
        if "--write" in argv:
            target.write_bytes(wanted)
        else:
            stale.append(str(target.relative_to(ROOT)))
    if stale:
        print(f"Stale: {', '.join(stale)}. Run `python -m tests.messages --write`.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
