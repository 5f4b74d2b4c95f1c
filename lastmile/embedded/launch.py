"""Starts a program that dies with its parent; run by path, with ``python -I -S launch.py``.

    launch.py PARENT SIGNAL WHO PROGRAM [ARGUMENT …]

1. Becomes WHO: ``-`` (as it is), ``UID:GID`` (root steps down), ``namespace`` (root appears as
   nobody in a user namespace of its own and keeps its rights on its files).
2. Asks the kernel for SIGNAL at the parent's death: after the step down, which clears the wish.
3. Leaves at once if PARENT died in between; undoes ignored signals; becomes PROGRAM.

A file of its own rather than a preexec_fn: that would run Python between fork and exec in a
process with threads. Uses the standard library alone.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise SystemExit(f"{what}: {os.strerror(code)}")


def _become(run_as: str, libc: ctypes.CDLL) -> None:
    if run_as == "namespace":
        uid, gid = os.getuid(), os.getgid()
        _check(libc.unshare(CLONE_NEWUSER), "unshare")
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{NOBODY} {uid} 1"),
            ("gid_map", f"{NOBODY} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(text)
    elif run_as != "-":
        uid, gid = (int(part) for part in run_as.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def main(argv: list[str]) -> None:
    parent, death, run_as, *program = argv
    libc = ctypes.CDLL(None, use_errno=True)
    _become(run_as, libc)
    if sys.platform == "linux":
        _check(libc.prctl(PR_SET_PDEATHSIG, int(death), 0, 0, 0), "prctl")
    if os.getppid() != int(parent):
        raise SystemExit(0)
    # A background shell ignores SIGINT in its children; PostgreSQL's fast stop is SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(program[0], program)  # noqa: S606 (the program is the supervisor's own)


if __name__ == "__main__":
    main(sys.argv[1:])
