"""A power failure of a cabinet in the middle of a command (field row L04)."""

from __future__ import annotations

from lockers import services
from lockers.models import Compartment
from lockers.simulator.memory import Killed
from tests.factories.lockers import Station


def fail_at(station: Station, number: str, step: int) -> bool:
    """Send an open command, cut the power at a step, start again and check; True if it was cut.

    After the restart all relays are off, doors are known as they are, and the command is ended: the
    door was opened once at most. Raises AssertionError otherwise. The door is closed in the end.
    """
    door = station.hardware.doors[number]
    box = Compartment.objects.get(bank=station.bank, number=number)
    command = services.send_command(bank=station.bank, kind="open", compartment=box)
    before = door.pulses
    station.memory.kill_at = station.memory.steps + step
    was_cut = False
    try:
        station.cabinet.sync()
        station.cabinet.sync()
    except Killed:
        was_cut = True
    station.memory.kill_at = None
    station.restart()
    assert not any(one.relay_on for one in station.hardware.doors.values())
    for _time in range(2):
        assert station.cabinet.sync()
    command.refresh_from_db()
    box.refresh_from_db()
    assert command.state in {"done", "failed", "expired"}, (step, command.state)
    assert door.pulses <= before + 1
    assert box.door == ("open" if door.is_open else "closed")
    station.cabinet.close(number)
    assert station.cabinet.sync()
    return was_cut
