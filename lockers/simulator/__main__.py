"""Runs a simulated cabinet: ``python -m lockers.simulator URL --token TOKEN``.

Without a page it reads one command a line: ``pin 12345678``, ``scan TOKEN``, ``put DOOR PARCEL``,
``take DOOR``, ``close DOOR``, ``force DOOR``, ``network on``, ``network off``, ``restart``,
``sync``. With ``--page PORT`` it shows the doors at http://localhost:PORT/ instead. It reports by
itself every few seconds.
"""

from __future__ import annotations

import argparse
import json
import select
import signal
import sys
import threading
import time
from pathlib import Path

from lockers.simulator.flaws import FLAWS
from lockers.simulator.link import HttpTransport, Offline
from lockers.simulator.page import PageServer
from lockers.simulator.station import DEMO_FIRMWARE, ShownCabinet, Station


def main(arguments: list[str] | None = None) -> int:
    """Run the cabinet until its input ends, or for ever with a page; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lockers.simulator", description=__doc__)
    parser.add_argument(
        "url", nargs="?", help="address of the retailer, such as http://demo.localhost:8000"
    )
    parser.add_argument("--token", default="", help="provisioning token of the bank")
    parser.add_argument("--doors", default="1,2,3,4", help="numbers of the doors")
    parser.add_argument("--memory", type=Path, default=None, help="file that survives a restart")
    parser.add_argument("--host", default="", help="Host header, if the address has another name")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between reports")
    parser.add_argument("--page", type=int, default=0, help="port of the page with the doors")
    parser.add_argument("--title", default="Lockers", help="title of the page")
    parser.add_argument(
        "--config", type=Path, default=None, help="file of the demo, instead of all the others"
    )
    parser.add_argument("--name", default="", help="the cabinet in that file")
    parser.add_argument(
        "--flaw", choices=sorted(FLAWS), default="", help="a cabinet that does one thing wrong"
    )
    options = parser.parse_args(arguments)
    if options.config is not None:
        try:
            _read_config(options)
        except (OSError, ValueError, KeyError, TypeError, StopIteration) as fault:
            say(f"{options.config} cannot be read ({fault!r}). Run `manage.py seed_demo`.")
            return 2
    if not options.url:
        parser.error("name the address of the retailer")
    doors = tuple(options.doors.split(","))
    kind = type("Flawed", (FLAWS[options.flaw], ShownCabinet), {}) if options.flaw else ShownCabinet
    station = Station(doors, options.memory, HttpTransport(options.url, options.host), kind)
    if options.config is not None:
        station.cabinet.firmware = DEMO_FIRMWARE
    if options.page:
        return serve(station, options)
    try:
        accepted = station.provision(options.token)
    except Offline as fault:
        say(f"The server does not answer: {fault}")
        return 1
    if not accepted:
        say("The token was refused.")
        return 1
    return run(station, options.every)


def _read_config(options: argparse.Namespace) -> None:
    """Take the settings of one cabinet from the file of the demo."""
    values = json.loads(options.config.read_text(encoding="utf-8"))
    one = next(c for c in values["cabinets"] if c["name"] == options.name)
    options.url = f"http://127.0.0.1:{values['port']}"
    options.host = f"{one['host']}:{values['port']}"
    options.token, options.page, options.title = one["token"], one["page"], one["title"]
    options.doors, options.memory = ",".join(one["doors"]), Path(one["memory"])


def serve(station: Station, options: argparse.Namespace) -> int:
    """Show the page until the process is asked to end; report meanwhile."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    server = PageServer(station, options.title, options.page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        try:
            accepted = station.provision(options.token)
            break
        except Offline:
            time.sleep(1.0)
    if not accepted:
        say("The token was refused. Make a new one." if options.token else "There is no token.")
    while True:
        station.tick()
        time.sleep(options.every)


def run(station: Station, every_s: float) -> int:
    """Read commands and report until the input ends."""
    while True:
        ready, _out, _errors = select.select([sys.stdin], [], [], every_s)
        if not ready:
            station.tick()
            continue
        line = sys.stdin.readline()
        if not line:
            return 0
        say(act(station, line.split()))


def say(text: str) -> None:
    """Write a line and send it at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def act(station: Station, words: list[str]) -> str:
    """Do one command and return what the cabinet says."""
    cabinet = station.cabinet
    try:
        match words:
            case ["pin", typed]:
                outcome = cabinet.type_pin(typed)
                return f"{outcome.word} {outcome.box}".strip()
            case ["scan", text]:
                outcome = cabinet.scan(text)
                return f"{outcome.word} {outcome.box}".strip()
            case ["put", number, parcel]:
                cabinet.hardware.put(number, parcel)
                return "put"
            case ["take", number]:
                return " ".join(["took", *cabinet.hardware.take(number)])
            case ["close", number]:
                cabinet.close(number)
                return "closed"
            case ["force", number]:
                cabinet.force(number)
                return "forced"
            case ["network", ("on" | "off") as value]:
                station.wire.is_on = value == "on"
                return f"network {value}"
            case ["restart"]:
                station.act("restart", {})
                return "restarted"
            case ["sync"]:
                return "sent" if cabinet.sync() else "offline"
    except (KeyError, RuntimeError) as fault:
        return f"not possible: {fault}"
    return "unknown command"


if __name__ == "__main__":
    sys.exit(main())
