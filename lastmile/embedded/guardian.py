"""Ends what the supervisor leaves behind when it is killed; run by path, ``python -I -S``.

The kernel's leash (launch.py) reaches the children themselves and on Linux alone. It does not
reach a pool whose master died, nor a worker that waits for a broker which is gone. So one small
process outlives the supervisor by some seconds:

1. Reads lines of JSON from the supervisor, ``{"users": [pid], "services": [[pid, signal]]}``, and
   keeps the last. Each pid leads a process group of its own.
2. End of input: the supervisor is gone. After an orderly stop the last line was empty; leave.
3. Ask the users' groups to stop, wait three seconds, kill them.
4. Ask the services with their own signals; kill what still runs after half a minute.

Standard library alone.
"""

import json
import os
import signal
import sys
import time

USERS_GRACE_S = 3.0
SERVICES_GRACE_S = 30.0


def send(pid: int, number: int, *, group: bool = True) -> bool:
    """Signal a process or its group; say whether it is there."""
    try:
        (os.killpg if group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def wait_for(pids: list[int], seconds: float) -> list[int]:
    """Return those groups that are still there after at most so many seconds."""
    deadline = time.monotonic() + seconds
    left = pids
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [pid for pid in left if send(pid, 0)]
    return left


def main() -> None:
    """Wait for the supervisor's end, then finish its work."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # its life ends with its input alone
    last = "{}"
    for line in sys.stdin:
        last = line
    known = json.loads(last)
    users = known.get("users", [])
    for pid in users:
        send(pid, signal.SIGTERM, group=False)
    for pid in wait_for(users, USERS_GRACE_S):
        send(pid, signal.SIGKILL)
    services = known.get("services", [])
    for pid, number in services:
        send(pid, number, group=False)
    for pid in wait_for([pid for pid, _ in services], SERVICES_GRACE_S):
        send(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
