"""The checks of a cabinet, in the order in which they run. PURE.

A keypad locks itself after five wrong codes, so only four are tried before the check of that.
Each check names what is wanted and the remedy; it raises Failed with what came.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lockers import signing
from lockers.conformance.kit import Failed, Kit, Reserved
from lockers.states import CodeRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check: its name, what is wanted, and what to do when it fails."""

    name: str
    wanted: str
    remedy: str
    run: Callable[[Kit], None]
    ends: bool = False  # without it, no other check makes sense


def provisioning(kit: Kit) -> None:
    """The cabinet gets its keys with the token."""
    kit.until(lambda world: bool(world.claims), "no call to /api/v1/locker-devices/")
    if kit.world.claims[0].get("token") != kit.world.token:
        raise Failed("another token than the one of the kit")


def signature(kit: Kit) -> None:
    """The first heartbeats are signed."""
    kit.until(lambda world: bool(world.messages), "no message of the cabinet")
    if not kit.world.messages[0].is_signed:
        raise Failed("a message with a wrong signature or device id")
    kit.reports(2)


def deposit(kit: Kit) -> None:
    """A courier deposits with a PIN."""
    reserved = kit.reserve(kit.world.boxes[0])
    kit.reports(2)
    entry = kit.deposit(reserved)
    opened = kit.entries("opened", reservation=reserved.name, box=reserved.box, by="code")
    if not opened or opened[0]["seq"] >= entry["seq"]:
        raise Failed("no entry opened by=code before the deposit")
    kit.collect(reserved)
    kit.entry("collected", reservation=reserved.name, role="shopper")
    kit.forget(reserved)


def empty_deposit(kit: Kit) -> None:
    """A door that opens and closes without a parcel is no deposit."""
    reserved, before = kit.reserve(kit.world.boxes[0]), kit.last_entry()
    kit.reports(2)
    door = kit.hands.type_pin(kit.pin(reserved, CodeRole.COURIER))
    kit.opens(door, reserved, "the courier PIN")
    kit.hands.close(reserved.box)
    kit.entry("closed", above=before, box=reserved.box)
    kit.flush()
    if kit.entries("deposited", reservation=reserved.name):
        raise Failed("an entry deposited, though nothing was put in")
    kit.forget(reserved)
    kit.reports(2)


def pin_offline(kit: Kit) -> None:
    """A shopper's PIN works without a network."""
    reserved = kit.reserve(kit.world.boxes[1])
    kit.reports(2)
    kit.deposit(reserved)
    with kit.no_network():
        kit.hands.nudge()
        kit.collect(reserved)
    entry = kit.entry("collected", reservation=reserved.name, role="shopper")
    if entry.get("offline") is not True:
        raise Failed("an entry collected without offline=true")
    kit.forget(reserved)
    kit.reports(2)


def token_offline(kit: Kit) -> None:
    """A courier's token tells of a reservation without a network."""
    number = len(kit.world.reservations) + 900
    reserved = Reserved(name=f"rsv_{number:020d}", box=kit.world.boxes[2])
    with kit.no_network():
        kit.hands.nudge()
        kit.stays_closed(kit.hands.scan(f"{kit.token(reserved)[:-4]}AAAA"), "a forged token")
        expired = kit.hands.scan(kit.token(reserved, expires_in_s=-3600))
        kit.stays_closed(expired, "an expired token")
        kit.opens(kit.hands.scan(kit.token(reserved)), reserved, "the courier's token")
        kit.hands.put(reserved.box)
        kit.hands.close(reserved.box)
        kit.collect(reserved)
    kit.entry("deposited", reservation=reserved.name, box=reserved.box)
    kit.entry("collected", reservation=reserved.name, role="shopper")


def lost_answer(kit: Kit) -> None:
    """Entries whose answer was lost are sent again, the same ones."""
    kit.world.switches.loses = True
    reserved = kit.reserve(kit.world.boxes[0])
    kit.reports(2)
    door = kit.hands.type_pin(kit.pin(reserved, CodeRole.COURIER))
    kit.opens(door, reserved, "the courier PIN")
    kit.hands.close(reserved.box)
    kit.until(lambda world: not world.switches.loses, "no journal")
    kit.flush()
    lost = sorted(set(kit.world.unanswered) - set(kit.world.entries))
    if lost:
        raise Failed(f"entry {lost[0]} never came again")
    highest = max(kit.world.entries, default=0)
    if kit.world.acked != highest:
        raise Failed(f"entry {kit.world.acked + 1} never came, though {highest} did")
    again = [fault for fault in kit.world.faults if "other content" in fault]
    if again:
        raise Failed(again[0])
    kit.forget(reserved)
    kit.reports(2)


def clock_wrong(kit: Kit) -> None:
    """The cabinet sets its clock by the signed time of a refusal."""
    for hours in (2, 0):
        kit.world.switches.ahead = dt.timedelta(hours=hours)
        before = kit.good_heartbeats()
        kit.until(
            lambda _world, n=before: kit.good_heartbeats() > n,  # type: ignore[misc]
            "no message with the right time after 401 clock_wrong",
        )


def clock_forged(kit: Kit) -> None:
    """The cabinet believes no time without a right signature."""
    kit.world.switches.forged, kit.world.switches.ahead = True, dt.timedelta(days=1)
    seen = len(kit.world.messages)
    try:
        kit.until(lambda world: len(world.messages) >= seen + 2, "no message of the cabinet")
        late = [
            m.time
            for m in kit.world.messages[seen:]
            if m.time and abs(m.time - kit.server.now()) < dt.timedelta(hours=12)
        ]
    finally:
        kit.world.switches.forged, kit.world.switches.ahead = False, dt.timedelta(0)
    if late:
        raise Failed("a message with the time of a forged answer")
    kit.reports()


def command_once(kit: Kit) -> None:
    """A command opens its door once, though it is handed out many times."""
    box = kit.world.boxes[3]
    name = kit.command("open", box)
    kit.entry("opened", box=box, by="command", command=name)
    kit.hands.close(box)
    kit.flush()
    count = len(kit.entries("opened", box=box, command=name))
    kit.world.commands.clear()
    if count != 1:
        raise Failed(f"door {box} opened {count} times for one command")


def command_late(kit: Kit) -> None:
    """A command after its life is reported as expired, and opens nothing."""
    box = kit.world.boxes[3]
    name = kit.command("open", box, life_s=-30)
    try:
        kit.entry("command", command=name, result="expired")
    finally:
        kit.world.commands.clear()
        opened = kit.entries("opened", box=box, command=name)
        if opened:
            kit.hands.close(box)
    if opened:
        raise Failed(f"door {box} opened for a command that had expired")


def answer_forged(kit: Kit) -> None:
    """An answer without a right signature changes nothing."""
    box = kit.world.boxes[3]
    name = kit.command("open", box)
    kit.world.switches.forged = True
    seen = len(kit.world.messages)
    try:
        kit.until(lambda world: len(world.messages) >= seen + 2, "no message of the cabinet")
    finally:
        kit.world.switches.forged = False
        kit.world.commands.clear()
    _not_opened(kit, box, name, "an answer with a wrong signature")


def answer_replayed(kit: Kit) -> None:
    """An old answer that is sent again is not believed."""
    box = kit.world.boxes[3]
    name = kit.command("open", box, life_s=600)
    kit.entry("opened", box=box, command=name)
    kit.hands.close(box)
    kit.world.commands.clear()
    kit.flush()
    old = next((one for one in kit.world.answers if name.encode() in one[0]), None)
    if old is None:
        raise Failed("no heartbeat between the command and its run")
    altered = kit.command("open", box)  # a new command in an old answer's place
    kit.world.commands.clear()
    content = old[0].replace(name.encode(), altered.encode())
    _seal_as_old(kit, content)
    _not_opened(kit, box, altered, "the answer to an earlier message")


def _seal_as_old(kit: Kit, content: bytes) -> None:
    """Answer the next heartbeat with a content that is signed for an earlier message."""
    time = signing.write_time(kit.server.now())
    sealed = signing.sign_answer(kit.world.key, seq=1, time=time, body=content)
    kit.world.switches.replayed = (content, time, sealed)
    kit.until(lambda world: world.switches.replayed is None, "no message of the cabinet")


def _not_opened(kit: Kit, box: str, command: str, what: str) -> None:
    kit.flush()
    if kit.entries("opened", box=box, command=command):
        kit.hands.close(box)
        raise Failed(f"door {box} opened for a command in {what}")


def number_refused(kit: Kit) -> None:
    """After 409 seq_replayed the cabinet uses a number above ``last_seq`` at once."""
    jump, seen = kit.world.last_seq + 100_000, len(kit.world.messages)
    kit.world.switches.skip_to = jump
    kit.until(lambda world: world.switches.skip_to is None, "no message of the cabinet")

    def numbers() -> list[int]:
        return [m.seq for m in kit.world.messages[seen:] if m.is_signed]

    kit.until(lambda _world: len(numbers()) > 1, "no message after the refusal")
    following = numbers()[1]
    if following <= jump:
        raise Failed(f"number {following} after {jump} was named")
    kit.reports()


def codes_ended(kit: Kit) -> None:
    """Revoked codes open nothing, and the cabinet confirms it."""
    reserved = kit.reserve(kit.world.boxes[0])
    kit.reports(2)
    kit.forget(reserved)
    kit.world.ended.append({"reservation": reserved.name, "generation": 1})
    try:
        kit.entry("codes_ended", reservation=reserved.name)
    finally:
        kit.world.ended.clear()
    kit.stays_closed(kit.hands.type_pin(kit.pin(reserved, CodeRole.COURIER)), "a revoked PIN")


def dropped(kit: Kit) -> None:
    """A shopper drops a parcel with the returner's code; a courier takes it out."""
    reserved = kit.reserve(kit.world.boxes[1], drop=True)
    kit.reports(2)
    kit.deposit(reserved, CodeRole.RETURNER)
    again = kit.hands.type_pin(kit.pin(reserved, CodeRole.RETURNER))
    kit.stays_closed(again, "the returner's PIN after the deposit")
    kit.collect(reserved, CodeRole.COURIER)
    kit.entry("collected", reservation=reserved.name, role="courier")
    kit.forget(reserved)
    kit.reports(2)


def forced(kit: Kit) -> None:
    """A door that opens without a code is told as forced."""
    box, before = kit.world.boxes[3], kit.last_entry()
    kit.hands.force(box)
    try:
        opened = kit.entry("opened", above=before, box=box, by="none")
    finally:
        kit.hands.close(box)
    kit.entry("closed", above=opened["seq"], box=box)


def restart(kit: Kit) -> None:
    """After a power cut the cabinet goes on where it was."""
    boots = len(kit.entries("boot"))
    number = kit.world.last_seq
    refused = sum(m.status == 409 for m in kit.world.messages)
    box = kit.world.boxes[3]
    name = kit.command("open", box, life_s=3600)
    kit.entry("opened", box=box, command=name)
    kit.hands.close(box)
    kit.flush()
    kit.hands.restart()
    kit.until(lambda _world: len(kit.entries("boot")) > boots, "no entry boot")
    kit.flush()
    count = len(kit.entries("opened", box=box, command=name))
    kit.world.commands.clear()
    if count != 1:
        raise Failed(f"door {box} opened again after the restart, for the same command")
    if sum(m.status == 409 for m in kit.world.messages) > refused or kit.world.last_seq <= number:
        raise Failed("numbers that were used before the restart")


def lock_out(kit: Kit) -> None:
    """Five wrong codes lock the keypad."""
    reserved = kit.reserve(kit.world.boxes[0])
    kit.reports(2)
    for _n in range(6):
        kit.stays_closed(kit.hands.type_pin(kit.wrong_pin()), "a wrong PIN")
    right = kit.hands.type_pin(kit.pin(reserved, CodeRole.COURIER))
    kit.stays_closed(right, "the right PIN after six wrong ones")
    kit.entry("locked_out")


def journal_whole(kit: Kit) -> None:
    """The journal has no gap, and every entry has the documented shape."""
    kit.flush()
    if kit.world.faults:
        raise Failed("; ".join(kit.world.faults[:3]))
    if not kit.world.entries:
        raise Failed("no entry at all")
    missing = [n for n in range(1, max(kit.world.entries, default=0)) if n not in kit.world.entries]
    if missing:
        raise Failed(f"no entry {missing[0]}")


def numbers_grow(kit: Kit) -> None:
    """Each message has a greater number than the one before it."""
    numbers = [m.seq for m in kit.world.messages if m.is_signed]
    if not numbers:
        raise Failed("no signed message")
    lower = [(a, b) for a, b in pairwise(numbers) if b <= a]
    if lower:
        raise Failed(f"number {lower[0][1]} after {lower[0][0]} had been used")


def _check(name: str, run: Callable[[Kit], None], wanted: str, remedy: str) -> Check:
    return Check(name=name, run=run, wanted=wanted, remedy=remedy, ends=name in _ENDING)


_ENDING: Final = frozenset({"provisioning", "signature"})
CHECKS: Final = (
    _check("provisioning", provisioning, "POST /api/v1/locker-devices/ with the token",
           "Send {\"token\": …, \"firmware\": …} to the address of the kit (section 1)."),
    _check("signature", signature, "signed heartbeats to /api/v1/locker-banks/{bank}/heartbeats/",
           "Sign method|path|seq|time|sha256(body) with the key as bytes, in hex (section 2)."),
    _check("deposit", deposit, "opened by=code, deposited, then collected by role=shopper",
           "Write opened when the sensor sees the door open, and deposited when it is closed with a"
           " parcel inside (sections 3 and 5)."),
    _check("empty_deposit", empty_deposit, "closed, and no deposited, for an empty compartment",
           "Write deposited only if something is inside (section 3)."),
    _check("pin_offline", pin_offline, "the shopper's PIN opens with the network cut",
           "Compute the PIN in the cabinet from code_key; do not ask the server (section 5)."),
    _check("token_offline", token_offline, "a courier's token opens with the network cut; a forged"
           " or expired one does not",
           "Check the token's signature and times in the cabinet, and learn its reservation from it"
           " (section 5)."),
    _check("lost_answer", lost_answer, "entries come again, unchanged, until they are answered",
           "Keep entries until acked_seq names them, and never change one (section 3)."),
    _check("clock_wrong", clock_wrong, "after 401 clock_wrong: the next message has the right time",
           "Set the clock by X-Server-Time of the signed answer, and send again (section 2)."),
    _check("clock_forged", clock_forged, "a time without a right signature changes no clock",
           "Check X-Server-Signature before you use X-Server-Time (section 2)."),
    _check("command_once", command_once, "one opened by=command for one command",
           "Remember the ids of commands that were run, and skip them (section 4)."),
    _check("command_late", command_late, "command result=expired, and the door stays closed",
           "Compare expires_at with your clock before the pulse (section 4)."),
    _check("answer_forged", answer_forged, "nothing is done for an answer with a wrong signature",
           "Check X-Server-Signature over answer|seq|time|sha256(body) (section 2)."),
    _check("answer_replayed", answer_replayed, "an answer to an earlier message is not believed",
           "Put the number of your own message into the signature that you check (section 2)."),
    _check("number_refused", number_refused, "after 409 seq_replayed: a number above last_seq",
           "Take last_seq from the answer and go on above it (section 2)."),
    _check("codes_ended", codes_ended, "codes_ended is confirmed, and the PIN opens nothing",
           "Delete the reservation's codes first, then write codes_ended (section 4)."),
    _check("dropped", dropped, "the returner deposits, and the courier takes out",
           "For a reservation with drop=true the roles change places (section 5)."),
    _check("forced", forced, "opened by=none when a door opens without a code or command",
           "Write every opening that the sensor sees (section 3)."),
    _check("restart", restart, "boot, higher numbers, and no command is run again",
           "Store the number, the journal and the ids of commands before you act (section 3)."),
    _check("lock_out", lock_out, "wrong codes open nothing; after five, the right one neither",
           "Count wrong codes at each keypad, and lock it for ten minutes (section 5)."),
    _check("journal_whole", journal_whole, "entries 1, 2, 3 … without a gap, in the right form",
           "Number entries when you store them; use the members of section 3 only."),
    _check("numbers_grow", numbers_grow, "each message has a greater number",
           "Store the number before you send, and use it once (section 2)."),
)  # fmt: skip
