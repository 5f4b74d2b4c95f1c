"""``python -m portal.choice.demo_shop FILE``: serve the shops of a configuration file."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from portal.choice.demo_shop.config import read_config
from portal.choice.demo_shop.server import serve


def main(argv: list[str]) -> int:
    """Serve until the process is asked to end; return 2 for a missing or damaged file."""
    if len(argv) != 1:
        sys.stderr.write("usage: python -m portal.choice.demo_shop FILE\n")
        return 2
    try:
        config = read_config(Path(argv[0]))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        sys.stderr.write(f"{argv[0]} cannot be read ({fault}). Run `manage.py seed_demo`.\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    serve(config)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
