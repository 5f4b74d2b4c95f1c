"""Runs a long campaign by name: ``python -m tests.bench [NAME …]``; `make proof NAME` calls it.

A campaign is a function `run() -> str` in a module of this folder, or the function named after a
colon. It measures, raises when a promise is broken, and returns one line of figures. The line goes
to RESULTS.md with command, commit, machine and date. A campaign that can be resumed keeps files
under var/proof/NAME.
"""

from __future__ import annotations

import datetime as dt
import importlib
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")

# name -> (module or module:function, what it shows)
CAMPAIGNS: dict[str, tuple[str, str]] = {
    "orders": (
        "tests.bench.orders",
        "20,000 orders placed, placed again, searched, read for a plan",
    ),
    "opening": ("tests.bench.opening", "a retailer opened, in each possible way"),
    "startup": ("tests.bench.startup", "`make run` on a fresh clone, and again on its data"),
    "board": ("tests.bench.board", "the board with 1,000 stops: interactive, memory"),
    "board_frames": (
        "tests.bench.board_frames",
        "40 vehicles move over 1,000 stops at 1 Hz: script and layout of a frame, memory",
    ),
    "addresses": ("tests.bench.addresses", "real addresses found, and interpolated when left out"),
    "address_pins": ("tests.bench.address_pins", "pins set without a person, typos, spellings"),
    "roads": ("tests.bench.roads", "Greater Porto: build, 1,000 x 1,000, lines, tiles; scipy"),
    "streets": ("tests.bench.streets", "times of vans beside OSRM and Valhalla on three maps"),
    "import": ("tests.bench.imports", "20,000 rows of CSV and XLSX by HTTP, beside raw COPY"),
    "real_input": (
        "tests.bench.real_input",
        "Amazon routes and a LoggiBUD day, by API and command",
    ),
    "porto_plan": ("tests.bench.porto", "Porto built, 1,000 orders planned, beside plain PyVRP"),
    "paper": ("tests.bench.scale", "a million orders a day on paper, from rows measured here"),
    "tenancy": ("tests.bench.tenancy", "20,000 reads of two retailers, in every way: 0 wrong"),
    "kills": ("tests.bench.kills", "kill -9 of every child under load: nothing lost or twice"),
    "secrets": (
        "tests.bench.shopper_links",
        "shoppers' links and codes: guessed, leaked, timed, skipped",
    ),
    "hostile": ("tests.bench.hostile", "10,000 hostile calls: 0 x 5xx, nothing moved"),
    "privacy": (
        "tests.bench.privacy",
        "1,000 moments of a day: no position but to the shopper who waits for it",
    ),
    "month": ("tests.bench.month", "a month of shoppers, with and without the green mark"),
    "slots": ("tests.bench.slots", "the four parts below: joint, races, marginal, latency"),
    "slots_joint": ("tests.bench.slots_joint", "2,000 lives of a day in two processes: 0 wrong"),
    "solver_fuzz": ("tests.bench.solver_fuzz", "1,000 random problems, all constraints: 0 wrong"),
    "solver": ("tests.bench.solver", "the solver and every open peer: all parts below"),
    "solver_table": ("tests.bench.solver_table", "gaps to best-known costs, 100 to 1,000 stops"),
    "solver_porto": ("tests.bench.solver_versus:porto", "streets of Greater Porto, beside PyVRP"),
    "solver_pairs": ("tests.bench.solver_versus:pairs", "pickup and delivery, beside PyVRP"),
    "solver_city": ("tests.bench.solver_versus:city", "5,000 and 10,000 stops, beside PyVRP"),
    "solver_insertion": ("tests.bench.solver_insertion", "all places of an order; VROOM beside"),
    "solver_redispatch": ("tests.bench.solver_redispatch", "plans changed under way; VROOM too"),
    "slots_latency": (
        "tests.bench.slots_latency",
        "offers for 14 days beside 200 and 1,000 orders a day: p95, restart, ten clients",
    ),
    "slots_marginal": (
        "tests.bench.slots_marginal",
        "1,000 offers: the cost is the rise of the plan, to 1 %; 50 plans solved again",
    ),
    "lockers": (
        "tests.bench.lockers_races",
        "200 clients for 1 compartment and for 10: none given twice",
    ),
    "locker_machine": (
        "tests.bench.lockers_machine",
        "2,000 x 50 steps of a bank whose cabinet, network, power and clock fail",
    ),
    "locker_power": (
        "tests.bench.lockers_machine:power",
        "1,000 power failures of a cabinet in the middle of a command",
    ),
    "lockers_kills": (
        "tests.bench.lockers_kills",
        "kill -9 in the middle of 200 deposits and collections: the cabinets' own journals",
    ),
    "slots_races": ("tests.bench.slots_races", "200 clients for 1 seat and for 25: none oversold"),
    "quiet_hours": (
        "tests.bench.quiet_hours",
        "24 zones x quiet hours x both clock changes; budgets under 100 senders: exact",
    ),
    "messages": ("tests.bench.messages", "the two parts below: chaos and latency"),
    "messages_chaos": (
        "tests.bench.messages_chaos",
        "5,000 messages through a provider that breaks in every way: each once, or with its reason",
    ),
    "messages_latency": (
        "tests.bench.messages_latency",
        "from the event to the provider: 50 messages a second, and 15 beside an import and a plan",
    ),
    "telling": ("tests.bench.telling", "CPU of an event that is told: 1, 20 and 50 at once"),
    "messages_cpu": (
        "tests.bench.messages_cpu",
        "processor time of a message, told, sent and reported twice, by part of the installation",
    ),
    "locker_points": (
        "tests.bench.locker_points",
        "50,000 points: the nearest open banks that fit, p95 under 50 ms",
    ),
    "fitting": ("tests.bench.fitting", "a plan whose day changed: updated, and planned again"),
    "offline": (
        "tests.bench.offline",
        "50 days without a network sent at once, shuffled, cut: each act once, in 120 s",
    ),
    "custody": (
        "tests.bench.custody",
        "kill -9 in the middle of deliveries with photos; doubled and far photos flagged",
    ),
    "arrivals": (
        "tests.bench.arrivals",
        "100,000 random events on the road: the arrivals are right after each of them",
    ),
    "positions": (
        "tests.bench.positions",
        "1,000 positions a second for 20 minutes, 60 trackers' points a second, 500 boards",
    ),
    "solver_real": ("tests.bench.solver_versus:real", "Amazon and LoggiBUD, beside every peer"),
}


def main(names: list[str]) -> int:
    """Run the named campaigns, or list them all."""
    if not names:
        for name, (_, shows) in CAMPAIGNS.items():
            print(f"  make proof {name:<14} {shows}")
        return 0
    unknown = [name for name in names if name not in CAMPAIGNS]
    if unknown:
        print(f"No campaign {', '.join(unknown)}. `make proof` lists them.", file=sys.stderr)
        return 2
    for name in names:
        _run(name)
    return 0


def _run(name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings_test")
    django.setup()
    began, at = time.monotonic(), commit()  # before the campaign writes a page of its own
    module, _, act = CAMPAIGNS[name][0].partition(":")
    figures = getattr(importlib.import_module(module), act or "run")()
    append(f"make proof {name}", f"{figures} ({time.monotonic() - began:.0f} s)", at)


def append(command: str, figures: str, at: str) -> None:
    """Add one line to RESULTS.md, measured at a commit, and print it."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    line = f"| {today} | `{command}` | {at} | {machine()} | {figures} |"
    if not RESULTS.exists():
        RESULTS.write_text(
            "# Measured\n\n| date | command | commit | machine | figures |\n"
            "| --- | --- | --- | --- | --- |\n"
        )
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    print(line)


def commit() -> str:
    """Return the checkout's commit, marked if files differ from it."""
    completed = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return completed.stdout.strip() or "not a git checkout"


def machine() -> str:
    """Return a description of the machine: cores, memory, system, Python."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory_gb:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
