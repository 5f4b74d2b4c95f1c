"""The guardian: a process that stops all children after the supervisor was killed.

It is run by path, with ``python -I -S``. The kernel's signal at the parent's death (launch.py)
reaches only the children themselves, and only on Linux. It does not reach a worker pool whose
master has died, or a worker that waits for a broker that is gone. So the guardian outlives the
supervisor by some seconds:

1. It reads lines of JSON from the supervisor, ``{"users": [pid], "services": [[pid, signal]]}``,
   and keeps the last line. Each pid leads its own process group.
2. At the end of its input the supervisor is gone. After a normal stop the last line is empty, and
   the guardian exits.
3. It asks the users (web, workers, beat) to stop, waits three seconds and kills their groups.
4. It stops the services with their own signals, and kills those that still run after 30 seconds.

It uses the standard library only.
"""

import json
import os
import signal
import sys
import time

USERS_GRACE_S = 3.0
SERVICES_GRACE_S = 30.0


def send(pid: int, number: int, *, group: bool = True) -> bool:
    """Send a signal to a process or its group; return False if it does not exist."""
    try:
        (os.killpg if group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def wait_for(pids: list[int], seconds: float) -> list[int]:
    """Wait until the groups have ended, at most some seconds; return those that still run."""
    deadline = time.monotonic() + seconds
    running = pids
    while running and time.monotonic() < deadline:
        time.sleep(0.1)
        running = [pid for pid in running if send(pid, 0)]
    return running


def main() -> None:
    """Wait until the supervisor is gone, then stop its children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends only when its input ends
    last = "{}"
    for line in sys.stdin:
        last = line
    children = json.loads(last)
    users = children.get("users", [])
    for pid in users:
        send(pid, signal.SIGTERM, group=False)
    for pid in wait_for(users, USERS_GRACE_S):
        send(pid, signal.SIGKILL)
    services = children.get("services", [])
    for pid, number in services:
        send(pid, number, group=False)
    for pid in wait_for([pid for pid, _ in services], SERVICES_GRACE_S):
        send(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
