"""``manage.py up``: run all processes under one supervisor until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, get_commands

from lastmile.embedded.app_processes import ProcessSettings
from lastmile.embedded.folders import Folders
from lastmile.embedded.services import Services, ServicesInUse, lock_holder
from lastmile.embedded.supervisor import NotReady, Supervisor

READY_S = 120.0
SHOP_READY_S = 20.0


class Command(BaseCommand):
    """Start the services, migrate, then start web, workers and beat; restart what stops."""

    help = (
        "Run everything under one supervisor until Ctrl-C: PostgreSQL, Valkey, web server, workers "
        "and scheduler. A process that stops is started again."
    )
    requires_system_checks = ()  # nothing may touch the database before it is up

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--pidfile`` and ``--demo``."""
        parser.add_argument(
            "--pidfile",
            type=Path,
            metavar="FILE",
            help="keep the process ids as JSON in this file, {name: [pid]}; default: no file",
        )
        parser.add_argument(
            "--demo", action="store_true", help="create the demo first (see seed_demo)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; exit with status 1 if something cannot start."""
        if options["demo"] and not settings.LOCAL:
            raise CommandError(
                f"BASE_DOMAIN is {settings.BASE_DOMAIN}: the demo is for localhost only. "
                "Start without --demo (`python manage.py up`)."
            )
        processes = ProcessSettings.from_environment(settings.VAR, settings.PORT)
        folders = Folders(settings.VAR)
        services = Services(folders, "up")
        self._take(services)
        if not processes.port_is_free():
            raise CommandError(
                f"Port {processes.port} on {processes.bind} is used by another program. "
                f"Set PORT to a free one, as in `PORT={processes.port + 80} make run`."
            )
        pidfiles = [options["pidfile"].absolute()] if options["pidfile"] else []
        try:
            with Supervisor(Prefixed(sys.stdout), pidfiles) as supervisor:
                self._run(supervisor, services, processes, options["demo"])
        except RuntimeError as fault:
            raise CommandError(str(fault)) from fault
        finally:
            services.release()

    def _take(self, services: Services) -> None:
        holder = lock_holder(services.folders)
        if holder is not None and holder[0] == "keeper":
            self.stdout.write("Another command uses the embedded services. Waiting until it ends.")
        try:
            services.take(wait=holder is not None and holder[0] == "keeper")
        except (ServicesInUse, OSError) as fault:
            raise CommandError(str(fault)) from fault

    def _run(
        self, supervisor: Supervisor, services: Services, processes: ProcessSettings, demo: bool
    ) -> None:
        services.start(supervisor)
        self._once(supervisor, processes, "prepare")
        settings.SEEDING_MARK.unlink(missing_ok=True)  # left behind by a start that was killed
        if demo:
            settings.SEEDING_MARK.touch()  # before web starts: ready means seeded, too
        supervisor.start(processes.web())
        supervisor.wait_ready(["web"], READY_S)
        for spec in [*processes.workers(), processes.beat()]:
            supervisor.start(spec)
        if demo:
            self._demo(supervisor, processes)
            settings.SEEDING_MARK.unlink(missing_ok=True)
        shop = self._shop(supervisor, processes)
        drivers = self._drivers(supervisor, processes) if demo else []
        lockers = self._lockers(supervisor, processes) if demo else []
        for line in [*addresses(processes), *shop, *drivers, *lockers]:
            supervisor.say("up", line)
        supervisor.run()

    def _demo(self, supervisor: Supervisor, processes: ProcessSettings) -> None:
        if "seed_demo" in get_commands():
            self._once(supervisor, processes, "seed_demo")
        else:
            supervisor.say("up", "This version has no demo: there is no command seed_demo.")

    def _shop(self, supervisor: Supervisor, processes: ProcessSettings) -> list[str]:
        """Start the demo shop if there is one; return the line that names its address."""
        spec = processes.demo_shop() if settings.LOCAL else None
        if spec is None:
            return []
        port = processes.shop_port
        if not processes.own_port_is_free(port):
            return [f"The demo shop was not started: port {port} is used by another program."]
        supervisor.start(spec)
        try:
            supervisor.wait_ready([spec.name], SHOP_READY_S)
        except NotReady as fault:  # it is restarted later; Lastmile works without it
            return [f"The demo shop has not started yet. {fault}"]
        return [f"Demo shop, a page of another origin: http://shop.localhost:{port}/"]

    def _drivers(self, supervisor: Supervisor, processes: ProcessSettings) -> list[str]:
        """Start the demo drivers if there are any; return the line that says where to see them."""
        spec = processes.demo_drivers() if settings.LOCAL else None
        if spec is None:
            return []
        supervisor.start(spec)
        return ["Two demo drivers are at work: watch their hub Patio Centro on Verdura's board."]

    def _lockers(self, supervisor: Supervisor, processes: ProcessSettings) -> list[str]:
        """Start the simulated cabinets of the demo; return the lines that name their pages."""
        lines = []
        for spec, title, port in processes.demo_lockers() if settings.LOCAL else []:
            if not processes.own_port_is_free(port):
                lines.append(f"{title} was not started: port {port} is used by another program.")
                continue
            supervisor.start(spec)
            try:
                supervisor.wait_ready([spec.name], SHOP_READY_S)
                lines.append(f"Simulated lockers, {title}: http://localhost:{port}/")
            except NotReady as fault:  # it is restarted later; Lastmile works without it
                lines.append(f"The simulated lockers have not started yet. {fault}")
        return lines

    def _once(self, supervisor: Supervisor, processes: ProcessSettings, name: str) -> None:
        spec = processes.prepare() if name == "prepare" else processes.command(name)
        status = supervisor.run_once(spec)
        if status != 0:
            raise CommandError(
                f"`manage.py {name}` failed (status {status}); the lines above say why. "
                "Everything was stopped."
            )


class Prefixed:
    """A writer of lines that begin with the name of a process; safe for many threads."""

    def __init__(self, out: Any) -> None:
        self.out = out
        self.lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        """Write one line; do nothing if the terminal was closed."""
        try:
            with self.lock:
                self.out.write(f"{name:<8} | {line}\n")
                self.out.flush()
        except (OSError, ValueError):
            return


def addresses(processes: ProcessSettings) -> list[str]:
    """Return the lines to print after the start: the address and the demo logins."""
    domain = settings.BASE_DOMAIN
    host = f"{domain}:{processes.port}" if settings.LOCAL else domain
    lines = [f"Lastmile is up: {settings.PUBLIC_SCHEME}://{host}/ (Ctrl-C stops it)"]
    logins = processes.var / "demo-logins.txt"
    if logins.exists():
        lines.append(f"Demo logins (kept in {logins}, only you can read the file):")
        lines += [f"  {row}" for row in logins.read_text(encoding="utf-8").splitlines()]
    return lines
