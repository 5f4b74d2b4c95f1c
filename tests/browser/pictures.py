"""Takes the pictures of the README from a demo that it starts itself: ``make pictures``.

It runs ``manage.py up --demo`` with data under ``var/pictures``, photographs the bookshop's board
and orders, and writes them to ``lastmile/docs/pictures``. The first run takes some minutes.
"""

from __future__ import annotations

import sys
from typing import Final

from tests import chromium
from tests.browser import shots
from tests.embedded.helpers import ROOT
from tests.running import Running

INTO: Final = ROOT / "lastmile" / "docs" / "pictures"
EMAIL: Final = "dispatcher@faro.example"
PATHS: Final = {"board": "/console/", "orders": "/console/orders/"}
NO_STREETS: Final = (
    "The street network of the demo is missing, so the board would show straight lines. Check that "
    "this machine can reach its package index, then run `make pictures` again."
)


def password(logins: str) -> str:
    """Return the password of the bookshop's dispatcher from the file of the demo's logins.

    Raises
    ------
    LookupError
        If the file does not name the dispatcher.
    """
    for line in logins.splitlines():
        words = line.split()
        if EMAIL in words:
            return words[-1]
    raise LookupError(f"The file of the demo's logins has no password of {EMAIL}.")


def main() -> int:
    """Start the demo, take the pictures and stop it; return 1 if that is not possible."""
    if chromium.find() is None:
        print(shots.FOUND_NOWHERE)
        return 1
    var = ROOT / "var" / "pictures"
    var.mkdir(parents=True, exist_ok=True)
    print("Starting the demo; this takes some minutes the first time.", flush=True)
    with Running(var, "--demo") as demo:
        if not any((var / "roads").glob("*/*")):
            print(NO_STREETS)
            return 1
        login = password((var / "demo-logins.txt").read_text(encoding="utf-8"))
        address = f"http://faro.localhost:{demo.port}"
        paths = [word for name, path in PATHS.items() for word in ("--path", f"{name}={path}")]
        look = ["--into", str(INTO), "--size", "1440", "--scheme", "light"]
        return shots.main(["--url", address, "--email", EMAIL, "--password", login, *paths, *look])


if __name__ == "__main__":
    sys.exit(main())
