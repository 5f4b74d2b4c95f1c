"""``python -m dispatch.driver.demo_drivers FILE``: play the drivers of the file until it ends."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dispatch.driver.demo_drivers.phone import LoggedOut, NotReached, Phone
from dispatch.driver.demo_drivers.play import REST_S, DemoDriver
from lastmile.core.private_files import write_private

RETRY_S: Final = 5.0
_lock = threading.Lock()


def main(argv: list[str]) -> int:
    """Play until the process is asked to end; return 2 for a missing or damaged file."""
    if len(argv) != 1:
        sys.stderr.write("usage: python -m dispatch.driver.demo_drivers FILE\n")
        return 2
    file = Path(argv[0])
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        port, phones = int(values["port"]), list(values["phones"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        sys.stderr.write(f"{file} cannot be read ({fault}). Run `manage.py seed_demo`.\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    threads = [
        threading.Thread(target=play, args=(file, port, phone), daemon=True) for phone in phones
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while True:  # the supervisor would start a program again that ends
        time.sleep(3_600)


def play(file: Path, port: int, values: Mapping[str, Any]) -> None:
    """Play one driver until the log-in ends."""
    phone = Phone(host=values["host"], port=port, cookies=values.get("cookies"))
    seed = zlib.crc32(str(values["driver"]).encode())
    driver = DemoDriver(phone, time.sleep, seed=seed)
    while True:
        try:
            if not phone.cookies:
                phone.log_in(values["secret"])
                keep_cookies(file, values["driver"], phone.cookies)
            if not driver.work():
                time.sleep(REST_S)
        except NotReached as fault:
            sys.stderr.write(f"{values['name']}: {fault}\n")
            time.sleep(RETRY_S)
        except LoggedOut as fault:
            sys.stderr.write(f"{values['name']}: {fault} `make run` makes a new one.\n")
            return


def keep_cookies(file: Path, driver: str, cookies: Mapping[str, str]) -> None:
    """Keep a phone's cookies in the file: its link works once, and this program may restart."""
    with _lock:
        values = json.loads(file.read_text(encoding="utf-8"))
        for phone in values["phones"]:
            if phone["driver"] == driver:
                phone["cookies"] = dict(cookies)
        write_private(file, json.dumps(values, ensure_ascii=False, indent=1).encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
