"""The solver's command line; the planning worker uses the same door (``child``).

    python -m dispatch.solver FILE [--seconds N | --iterations N] [--seed N] [--threads N]
                                   [--out FILE.sol|FILE.json] [--replay FILE.json]
                                   [--present FILE.json]

FILE is Solomon, VRPLIB, Li & Lim or the project's JSON; ``-`` reads one line of JSON from
standard input, ``fd:N`` a packed problem from a file that is already open. Prints one JSON line
{cost, routes, feasible, seconds, startup_s, engine, seed, work, …}; ``--replay`` takes such a
line and repeats its work by count. With ``--stream`` lines of progress come before it, the last
line holds the solution, and the line ``stop`` on standard input ends the search with the best
plan so far; the end of standard input means nobody waits any more.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from dispatch.solver.engines.base import Progress
from dispatch.solver.formats import packed
from dispatch.solver.formats.json import (
    dumps,
    loads,
    problem_from_json,
    solution_to_json,
)
from dispatch.solver.formats.text import CHOICES, Instance, parse, to_sol
from dispatch.solver.model.cost import UNIT
from dispatch.solver.solve import (
    ENGINES,
    Phase,
    Result,
    Steering,
    default_engines,
    replay,
    solve,
    work_json,
)
from lastmile.core.errors import Invalid

REFUSED: Final = 2
NO_MEMORY: Final = 12  # exit status, after ENOMEM
NOBODY_WAITS: Final = 13
DEFAULT_SECONDS: Final = 10.0
PIECE: Final = 1 << 20


def main(argv: list[str] | None = None, *, began: float | None = None) -> int:
    """Run the command; return its exit status."""
    began = time.perf_counter() if began is None else began
    options = _parser().parse_args(argv)
    _limit(options)
    try:
        return _run(options, began)
    except Invalid as refusal:
        print(_refusal(refusal), file=sys.stderr)
        return REFUSED
    except MemoryError:
        os.write(2, b"Out of memory: raise the limit or split the problem.\n")
        return NO_MEMORY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dispatch.solver", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "file", help="Solomon, VRPLIB, Li & Lim or JSON file; - for JSON on standard input"
    )
    parser.add_argument("--seconds", type=float, help=f"time to search ({DEFAULT_SECONDS:g})")
    parser.add_argument("--iterations", type=int, help="search so many iterations instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, help="cores the search may use (all that this process may)"
    )
    parser.add_argument("--engine", choices=sorted(ENGINES))
    parser.add_argument(
        "--distances",
        choices=CHOICES,
        default="dimacs",
        help="cut to one decimal (default), rounded to whole numbers, or exact to a thousandth",
    )
    parser.add_argument("--out", type=Path, help="VRPLIB solution, or JSON if it ends in .json")
    parser.add_argument("--present", type=Path, help="JSON {vehicle: [visits]} to start from")
    parser.add_argument("--replay", type=Path, help="a line printed before: repeat its work")
    parser.add_argument("--stream", action="store_true", help="progress and solution on stdout")
    parser.add_argument("--memory-mb", type=int, help="address space this process may take")
    parser.add_argument("--cpu-seconds", type=int, help="processor time it may take")
    parser.add_argument("--nice", type=int, default=0)
    return parser


def _limit(options: argparse.Namespace) -> None:
    """Bind this process before it reads anything large."""
    if options.memory_mb is not None:
        room = options.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    if options.cpu_seconds is not None:
        seconds = options.cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if options.nice:
        os.nice(options.nice)


def _run(options: argparse.Namespace, began: float) -> int:
    instance, stopped = _read(options)
    for name in [options.engine] if options.engine else default_engines(instance.problem):
        ENGINES[name]  # loaded before the clock of the search runs
    gc.freeze()
    gc.enable()
    startup_s = time.perf_counter() - began
    if options.replay is not None:
        result = replay(instance.problem, _work(options.replay))
    else:
        count = options.iterations
        seconds = DEFAULT_SECONDS if options.seconds is None else options.seconds
        result = solve(
            instance.problem,
            seconds=seconds if count is None else None,
            iterations=count,
            seed=options.seed,
            engine=options.engine,
            threads=options.threads,
            steering=Steering(
                present=None if options.present is None else _present(options.present),
                on_progress=_tell if options.stream else None,
                should_stop=stopped.is_set,
            ),
        )
    line = _summary(instance, result, startup_s)
    if options.out is not None:
        _write(options.out, result, line["cost"])
    if options.stream:
        line["solution"] = solution_to_json(result.solution)
    print(dumps(line), flush=True)
    return 0


def _read(options: argparse.Namespace) -> tuple[Instance, threading.Event]:
    """Read the problem; from standard input, go on listening there."""
    stopped = threading.Event()
    if options.file == "-":
        line, rest = _first_line()
        instance = Instance(problem_from_json(loads(line)), 1, False)
        if options.stream:
            threading.Thread(target=_listen, args=(stopped, rest), daemon=True).start()
        return instance, stopped
    if options.file.startswith("fd:"):
        with os.fdopen(int(options.file[3:]), "rb") as file:
            instance = Instance(packed.read(file), 1, False)
        if options.stream:
            threading.Thread(target=_listen, args=(stopped, b""), daemon=True).start()
        return instance, stopped
    try:
        text = Path(options.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise Invalid(f"The file {options.file} cannot be read ({fault}).") from fault
    if text.lstrip().startswith("{"):
        return Instance(problem_from_json(loads(text)), 1, False), stopped
    return parse(text, options.distances), stopped


def _first_line() -> tuple[bytes, bytes]:
    """Read one line from standard input, and what came with it.

    Past the buffered reader, whose lock a listening thread would hold when Python shuts down.
    """
    pieces: list[bytes] = []
    while piece := os.read(0, PIECE):
        end = piece.find(b"\n")
        if end >= 0:
            return b"".join([*pieces, piece[:end]]), piece[end + 1 :]
        pieces.append(piece)
    return b"".join(pieces), b""


def _listen(stopped: threading.Event, rest: bytes) -> None:
    """Wait for ``stop``; leave at once when the other side is gone."""
    while True:
        *lines, rest = rest.split(b"\n")
        if b"stop" in lines:
            stopped.set()
        piece = os.read(0, PIECE)
        if not piece:
            os._exit(NOBODY_WAITS)
        rest += piece


def _present(path: Path) -> dict[str, list[str]]:
    """Read a plan to start from."""
    try:
        data = loads(path.read_text(encoding="utf-8"))
        return {str(k): [str(visit) for visit in visits] for k, visits in data.items()}
    except (OSError, UnicodeDecodeError, AttributeError, TypeError) as fault:
        raise Invalid(f"{path} holds no plan to start from ({fault!r}).") from fault


def _work(path: Path) -> tuple[Phase, ...]:
    try:
        data = loads(path.read_text(encoding="utf-8"))
        return tuple(
            Phase(str(p["engine"]), int(p["seed"]), tuple(int(c) for c in p["counts"]))
            for p in data["work"]
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as fault:
        raise Invalid(
            f"{path} holds no work to replay ({fault!r}): give a line that this command printed."
        ) from fault


def _tell(progress: Progress) -> None:
    line: dict[str, Any] = {
        "seconds": round(progress.seconds, 3),
        "iterations": progress.iterations,
        "cost": progress.cost,
        "engine": progress.engine,
    }
    print(dumps({"progress": line}), flush=True)


def _summary(instance: Instance, result: Result, startup_s: float) -> dict[str, Any]:
    exact = result.cost.exact / (UNIT * instance.scale)
    return {
        "cost": round(exact, 3) if instance.scale > 1 else result.cost.total,
        "routes": len(result.solution.routes),
        "feasible": not (instance.asks_for_all and result.solution.unserved),
        "seconds": round(result.seconds, 3),
        "startup_s": round(startup_s, 3),
        "engine": result.engine,
        "seed": result.seed,
        "work": work_json(result.work),
        "unserved": len(result.solution.unserved),
        "co2_g": result.cost.co2_g,
        "stopped": result.stopped,
    }


def _write(path: Path, result: Result, cost: float) -> None:
    if path.suffix == ".json":
        text = dumps(solution_to_json(result.solution)) + "\n"
    else:
        text = to_sol(result.solution, str(cost))
    path.write_text(text, encoding="utf-8")


def _refusal(refusal: Invalid) -> str:
    faults = [f"  {e.pointer}: {e.detail}" for e in refusal.errors]
    return "\n".join([refusal.detail, *faults])
