"""Runs a simulated cabinet without a screen: ``python -m lockers.simulator URL --token TOKEN``.

It reads one command a line: ``pin 12345678``, ``scan TOKEN``, ``put DOOR PARCEL``, ``take DOOR``,
``close DOOR``, ``sync``. It reports by itself every few seconds while it waits for input.
"""

from __future__ import annotations

import argparse
import datetime as dt
import select
import sys
import time
from pathlib import Path

from lockers.simulator.cabinet import Cabinet
from lockers.simulator.hardware import Hardware
from lockers.simulator.link import HttpTransport
from lockers.simulator.memory import Memory


def main(arguments: list[str] | None = None) -> int:
    """Run the cabinet until its input ends; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lockers.simulator", description=__doc__)
    parser.add_argument("url", help="address of the retailer, such as http://demo.localhost:8000")
    parser.add_argument("--token", default="", help="provisioning token of the bank")
    parser.add_argument("--doors", default="1,2,3,4", help="numbers of the doors")
    parser.add_argument("--memory", type=Path, default=None, help="file that survives a restart")
    parser.add_argument("--host", default="", help="Host header, if the address has another name")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between reports")
    options = parser.parse_args(arguments)
    cabinet = Cabinet(
        Memory(options.memory),
        Hardware.with_doors(*options.doors.split(",")),
        HttpTransport(options.url, options.host),
        clock=lambda: dt.datetime.now(dt.UTC),
        uptime_s=time.monotonic,
    )
    if options.token and not cabinet.provision(options.token):
        say("The token was refused.")
        return 1
    return run(cabinet, options.every)


def run(cabinet: Cabinet, every_s: float) -> int:
    """Read commands and report until the input ends."""
    while True:
        ready, _out, _errors = select.select([sys.stdin], [], [], every_s)
        if not ready:
            cabinet.sync()
            continue
        line = sys.stdin.readline()
        if not line:
            return 0
        say(act(cabinet, line.split()))


def say(text: str) -> None:
    """Write a line and send it at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def act(cabinet: Cabinet, words: list[str]) -> str:
    """Do one command and return what the cabinet says."""
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
        case ["sync"]:
            return "sent" if cabinet.sync() else "offline"
    return "unknown command"


if __name__ == "__main__":
    sys.exit(main())
