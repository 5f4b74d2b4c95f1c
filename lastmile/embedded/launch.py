"""Starts a program that ends when its parent dies; run by path, with ``python -I -S launch.py``.

    launch.py PARENT SIGNAL RUN_AS PROGRAM [ARGUMENT …]

1. Change the user to RUN_AS: ``-`` (no change), ``UID:GID`` (for root), or ``namespace`` (root
   appears as nobody in its own user namespace and keeps its access to its files).
2. Ask the kernel to send SIGNAL when the parent dies. This comes after the change of the user,
   which would clear the request.
3. Exit if PARENT (its pid) has died in between; reset ignored signals; replace itself by PROGRAM.

It is a separate file and not a preexec_fn, because that would run Python between fork and exec in
a process with threads. It uses the standard library only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise SystemExit(f"{call}: {os.strerror(code)}")


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
    """Do the three steps of the module's docstring."""
    parent, death, run_as, *program = argv
    libc = ctypes.CDLL(None, use_errno=True)
    _become(run_as, libc)
    if sys.platform == "linux":
        _check(libc.prctl(PR_SET_PDEATHSIG, int(death), 0, 0, 0), "prctl")
    if os.getppid() != int(parent):
        raise SystemExit(0)
    # A background shell makes its children ignore SIGINT, which is PostgreSQL's fast shutdown.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(program[0], program)  # noqa: S606 (the supervisor chooses the program)


if __name__ == "__main__":
    main(sys.argv[1:])
