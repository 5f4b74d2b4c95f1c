"""Checks a cabinet against the device plane: ``python -m lockers.conformance --port 8300``.

The kit plays the server. Point your cabinet to its address, give it the token, and do what the
terminal says. A program can do it too: ``--rig COMMAND``, with {url}, {token} and {doors} in it.
The exit status is 0 if every check passed, 1 if not, and 2 if the kit could not start.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from pathlib import Path
from threading import Thread

from lockers.conformance.checks import CHECKS
from lockers.conformance.hands import Hands, HandsFailed, Person, Rig
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
    try:
        if options.json is not None:
            options.json.touch()
        server = KitServer(options.port, host=options.bind)
    except (OSError, OverflowError) as fault:
        sys.stderr.write(
            f"The kit cannot start: {fault}. Choose another --port, --bind or --json.\n"
        )
        return 2
    server.world.boxes = doors
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{address_for(options.bind)}:{server.own_port}"
    sys.stdout.write(f"Address: {url}\nToken:   {server.world.token}\n")
    sys.stdout.flush()
    rig = None
    results: list[Result] = []
    try:
        hands: Hands = Person(input)
        if options.rig:
            hands = rig = Rig(_filled(options.rig, url, server.world.token, doors))
        results = run_checks(Kit(server, hands, options.wait), only=only, tell=_tell)
    except HandsFailed as fault:
        sys.stderr.write(f"The kit cannot work the cabinet: {fault}.\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The checks are not complete.\n")
        return 1
    finally:
        if rig is not None:
            rig.end()
        server.shutdown()
        server.server_close()
    if options.json is not None:
        firmware = str((server.world.claims or [{}])[0].get("firmware", ""))
        options.json.write_text(json.dumps(as_json(results, firmware=firmware), indent=1) + "\n")
    return 0 if is_passed(results) else 1


def _filled(rig: str, url: str, token: str, doors: tuple[str, ...]) -> str:
    """Return the command of a rig with its values. Other braces stay as they are."""
    for name, value in (("url", url), ("token", token), ("doors", ",".join(doors))):
        rig = rig.replace(f"{{{name}}}", value)
    return rig


def address_for(bind: str) -> str:
    """Return an address at which a cabinet reaches the kit.

    ``0.0.0.0`` means all addresses of this computer: then it is the one of the usual network.
    """
    if bind not in {"0.0.0.0", ""}:  # noqa: S104 - compared, not bound
        return bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent; the system only chooses the way
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _tell(result: Result) -> None:
    sys.stdout.write(f"{line_of(result)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
