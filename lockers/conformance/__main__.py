"""Checks a cabinet against the device plane: ``python -m lockers.conformance --port 8300``.

The kit plays the server. Point your cabinet to its address, give it the token, and do what the
terminal says. A program can do it too: ``--rig COMMAND``, with {url}, {token} and {doors} in it.
The exit status is 0 if every check passed, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from threading import Thread

from lockers.conformance.checks import CHECKS
from lockers.conformance.hands import Hands, Person, Rig
from lockers.conformance.kit import Kit
from lockers.conformance.report import Result, as_json, is_passed, line_of, run_checks
from lockers.conformance.server import KitServer


def main(arguments: list[str] | None = None) -> int:
    """Run the checks; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lockers.conformance", description=__doc__)
    parser.add_argument("--port", type=int, default=8300, help="port of the kit; 0: any free one")
    parser.add_argument("--bind", default="127.0.0.1", help="address on which the kit listens")
    parser.add_argument("--doors", default="1,2,3,4", help="numbers of four doors of the cabinet")
    parser.add_argument("--rig", default="", help="a program that works the cabinet")
    parser.add_argument("--wait", type=float, default=150.0, help="seconds to wait for a report")
    parser.add_argument("--only", default="", help="names of checks, with commas")
    parser.add_argument("--json", type=Path, default=None, help="file for the report")
    parser.add_argument("--list", action="store_true", help="show the checks and end")
    options = parser.parse_args(arguments)
    if options.list:
        for check in CHECKS:
            sys.stdout.write(f"{check.name:<16} {check.wanted}\n")
        return 0
    doors = tuple(one.strip() for one in options.doors.split(","))
    only = frozenset(filter(None, options.only.split(",")))
    unknown = only - {check.name for check in CHECKS}
    if len(doors) < 4 or unknown:
        parser.error("name four doors, and checks of --list")
    return _run(options, doors, only)


def _run(options: argparse.Namespace, doors: tuple[str, ...], only: frozenset[str]) -> int:
    server = KitServer(options.port, host=options.bind)
    server.world.boxes = doors
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{options.bind}:{server.own_port}"
    sys.stdout.write(f"Address: {url}\nToken:   {server.world.token}\n")
    sys.stdout.flush()
    hands: Hands = Person(input)
    rig = None
    if options.rig:
        values = {"url": url, "token": server.world.token, "doors": ",".join(doors)}
        hands = rig = Rig(options.rig.format(**values))
    try:
        kit = Kit(server, hands, options.wait)
        results = run_checks(kit, only=only, tell=_tell)
    finally:
        if rig is not None:
            rig.end()
        server.shutdown()
        server.server_close()
    if options.json is not None:
        firmware = str((server.world.claims or [{}])[0].get("firmware", ""))
        options.json.write_text(json.dumps(as_json(results, firmware=firmware), indent=1) + "\n")
    return 0 if is_passed(results) else 1


def _tell(result: Result) -> None:
    sys.stdout.write(f"{line_of(result)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
