"""A stateful test of lockers: a bank, its cabinet, its network, its power and its clock.

Reservations are made, cancelled, deposited and collected in any order, while messages are lost,
repeated or a day late, the power fails, clocks jump and doors are stuck. After each step the
compartments by state sum to the bank, and no state is impossible. At the end all is sent, and what
is behind the doors is what the reservations say.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lastmile.core.errors import DomainError
from lastmile.core.tenancy import RetailerRef
from lockers import codes, services
from lockers.models import DeviceMessage, LockerReservation
from lockers.rolls import invariants
from lockers.selectors import boxes_by_state
from lockers.services.sweeping import look_after_lockers
from lockers.simulator.hardware import Fault
from lockers.simulator.memory import Killed
from lockers.states import INSIDE, CodeRole
from tests.dispatch.conftest import SetClock
from tests.factories.live import at
from tests.factories.lockers import make_bank, make_reservation, make_station

BOXES = 3
_INSIDE = {state.value for state in INSIDE}
picks = st.integers(0, 5)


class LockerMachine(RuleBasedStateMachine):
    """A bank with three doors."""

    ref: RetailerRef
    set_clock: SetClock

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.now = at(8)
        self.set_clock(self.now)
        self.station = make_station(self.ref, make_bank(BOXES))
        self.rows: list[LockerReservation] = []
        self.parcels = 0

    def teardown(self) -> None:
        """Send everything, compare, and forget the example."""
        try:
            self._settle()
        finally:
            transaction.savepoint_rollback(self.savepoint)

    # --- what people do -------------------------------------------------------------------------
    @rule(soft=st.booleans(), queue=st.booleans())
    def reserve(self, soft: bool, queue: bool) -> None:
        """Reserve at the bank; a refusal is fine."""
        try:
            row = make_reservation(
                self.station.bank, mode="soft" if soft else "hard", queue_s=3600 if queue else 0
            )
        except DomainError:
            return
        self.rows = [*self.rows, row][-6:]

    def _row(self, pick: int) -> LockerReservation | None:
        if not self.rows:
            return None
        return LockerReservation.objects.get(pk=self.rows[pick % len(self.rows)].pk)

    @rule(pick=picks)
    def confirm(self, pick: int) -> None:
        """Make a soft hold hard."""
        row = self._row(pick)
        if row is not None:
            self._try(lambda: services.confirm_hold(reservation=row))

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        """Cancel a reservation in any state."""
        row = self._row(pick)
        if row is not None:
            services.cancel_reservation(reservation=row, cause="test")

    @rule(pick=picks)
    def rotate(self, pick: int) -> None:
        """Give a reservation new codes."""
        row = self._row(pick)
        if row is not None:
            self._try(lambda: services.rotate_codes(reservation=row))

    @rule(pick=picks, role=st.sampled_from(list(CodeRole)), puts=st.booleans())
    def use_code(self, pick: int, role: CodeRole, puts: bool) -> None:
        """Type the PIN of a role, put a parcel in or take what is inside, and close the door."""
        row = self._row(pick)
        if row is None or row.generation == 0:
            return
        key = bytes.fromhex(self.station.cabinet.state["code_key"])
        typed = codes.pin(key, row.public_id, role, row.generation)
        try:
            outcome = self.station.cabinet.type_pin(typed)
            if outcome.word != "opened":
                return
            door = self.station.hardware.doors[outcome.box]
            if door.is_open and door.parcels:
                self.station.hardware.take(outcome.box)
            elif door.is_open and puts and role == CodeRole.COURIER:
                self.parcels += 1
                self.station.hardware.put(outcome.box, f"p{self.parcels}")
            self.station.cabinet.close(outcome.box)
        except Killed:
            self._restart()

    @rule(kind=st.sampled_from(["open", "block", "unblock"]), pick=picks)
    def command(self, kind: str, pick: int) -> None:
        """Send a command to a door."""
        boxes = list(self.station.bank.compartments.order_by("number"))
        self._try(
            lambda: services.send_command(
                bank=self.station.bank, kind=kind, compartment=boxes[pick % BOXES]
            )
        )

    # --- what goes wrong ------------------------------------------------------------------------
    @rule()
    def sync(self) -> None:
        """Let the cabinet send and ask."""
        try:
            self.station.cabinet.sync()
        except Killed:
            self._restart()

    @rule(cut=st.booleans(), loses=st.booleans())
    def network(self, cut: bool, loses: bool) -> None:
        """Cut or repair the network; or let answers get lost."""
        self.station.wire.is_cut, self.station.wire.loses_answers = cut, loses

    @rule(step=st.integers(1, 12))
    def power(self, step: int) -> None:
        """Let the power fail some steps from now."""
        self.station.memory.kill_at = self.station.memory.steps + step

    @rule(hours=st.sampled_from([-26_000, -2, 2, 30_000]))
    def skew(self, hours: int) -> None:
        """Let the cabinet's clock jump."""
        self.station.skew = dt.timedelta(hours=hours)

    @rule(minutes=st.sampled_from([1, 12, 70, 24 * 60, 73 * 60]))
    def wait(self, minutes: int) -> None:
        """Let time pass, and the server look after what is over."""
        self.now += dt.timedelta(minutes=minutes)
        self.station.uptime += minutes * 60
        self.set_clock(self.now)
        look_after_lockers()

    @rule(pick=picks, fault=st.sampled_from([None, Fault.STUCK, Fault.SAYS_OPEN]))
    def fault(self, pick: int, fault: Fault | None) -> None:
        """Break or repair a door."""
        self.station.hardware.doors[str(1 + pick % BOXES)].fault = fault

    @rule(pick=picks, forced=st.booleans())
    def open_door(self, pick: int, forced: bool) -> None:
        """Force a door, or note that one is left open; then close it."""
        number = str(1 + pick % BOXES)
        try:
            if forced:
                self.station.cabinet.force(number)
            self.station.cabinet.note_left_open(number)
            self.station.cabinet.close(number)
        except Killed:
            self._restart()

    @rule(pick=st.integers(0, 50))
    def replay(self, pick: int) -> None:
        """Send an old message again."""
        accepted = set(DeviceMessage.objects.values_list("seq", flat=True))
        sent = [
            one for one in self.station.wire.sent if int(one[1].get("X-Device-Seq", 0)) in accepted
        ]
        if sent and not self.station.wire.is_cut and not self.station.wire.loses_answers:
            answer = self.station.wire.send(*sent[pick % len(sent)])
            assert answer.status in {401, 409}, answer.body

    @rule()
    def restart(self) -> None:
        """Switch the cabinet off and on."""
        self._restart()

    # --- what always holds ----------------------------------------------------------------------
    @invariant()
    def compartments_by_state_sum_to_the_bank(self) -> None:
        """Each compartment counts once."""
        assert sum(boxes_by_state(self.station.bank).values()) == BOXES

    @invariant()
    def no_state_is_impossible(self) -> None:
        """The invariants of the installation hold."""
        assert {name: rows for name, rows in invariants().items() if rows} == {}

    @invariant()
    def one_parcel_a_compartment(self) -> None:
        """The cabinet opens no door for a second parcel."""
        assert all(len(door.parcels) <= 1 for door in self.station.hardware.doors.values())

    def _settle(self) -> None:
        """Repair everything and send all; then doors and reservations agree."""
        self.station.memory.kill_at = None
        self.station.wire.is_cut = self.station.wire.loses_answers = False
        for door in self.station.hardware.doors.values():
            door.fault = None
        self._restart()
        for number in self.station.hardware.doors:
            self.station.cabinet.close(number)
        for _time in range(3):
            assert self.station.cabinet.sync()
        self.no_state_is_impossible()
        states = {box.number: box for box in self.station.bank.compartments.all()}
        for number, door in self.station.hardware.doors.items():
            inside = LockerReservation.objects.filter(
                compartment=states[number], state__in=_INSIDE
            ).exists()
            if door.parcels:
                assert inside or states[number].state in {"unknown", "blocked"}, number
            else:
                assert not inside or states[number].state != "empty", number

    def _restart(self) -> None:
        while True:
            try:
                self.station.restart()
            except Killed:
                continue
            return

    def _try(self, act: Any) -> None:
        try:
            act()
        except DomainError:
            return


def machine_for(ref: RetailerRef, clock: SetClock) -> type[LockerMachine]:
    """Return the machine for a retailer and a clock."""
    return type(
        "LockerMachineHere", (LockerMachine,), {"ref": ref, "set_clock": staticmethod(clock)}
    )
