"""The services of lockers."""

from lockers.fitting import Need, ParcelNeed
from lockers.services.banks import BankDraft, CompartmentDraft, add_bank, add_compartments
from lockers.services.choosing import (
    bundle_rows,
    drop_bundle,
    extend_order,
    hold_parcels,
    keep_bundle,
    leave_bundle,
    leave_lockers,
    move_order,
    queue_bundle,
    take_bundle,
)
from lockers.services.codes import (
    ShownCode,
    check_pin,
    grants_that_may_open,
    rotate_codes,
    show_code,
)
from lockers.services.commanding import expire_commands, hand_out, send_command
from lockers.services.following import follow_order
from lockers.services.forgetting import forget_devices
from lockers.services.holding import (
    await_deposit,
    cancel_reservation,
    confirm_hold,
    extend_collection,
    move_to_bank,
)
from lockers.services.journals import take_journal
from lockers.services.messages import (
    ClockWrong,
    IdentityConflict,
    SeqReplayed,
    SignedMessage,
    end_identity,
    recognise,
)
from lockers.services.picking import free_compartments
from lockers.services.provisioning import (
    NewCabinet,
    NewToken,
    claim_token,
    count_claim,
    make_token,
)
from lockers.services.reserving import CollectionTerms, ReservationDraft, reserve
from lockers.services.sweeping import look_after_lockers, watch_banks
from lockers.services.syncing import answer_for, take_heartbeat
from lockers.services.vendor_reports import (
    forget_vendor_reports,
    keep_vendor_report,
    note_unclear_call,
    note_vendor_answer,
)
from lockers.services.watching import POINTER, point_to_next_look

__all__ = [
    "POINTER",
    "BankDraft",
    "ClockWrong",
    "CollectionTerms",
    "CompartmentDraft",
    "IdentityConflict",
    "Need",
    "NewCabinet",
    "NewToken",
    "ParcelNeed",
    "ReservationDraft",
    "SeqReplayed",
    "ShownCode",
    "SignedMessage",
    "add_bank",
    "add_compartments",
    "answer_for",
    "await_deposit",
    "bundle_rows",
    "cancel_reservation",
    "check_pin",
    "claim_token",
    "confirm_hold",
    "count_claim",
    "drop_bundle",
    "end_identity",
    "expire_commands",
    "extend_collection",
    "extend_order",
    "follow_order",
    "forget_devices",
    "forget_vendor_reports",
    "free_compartments",
    "grants_that_may_open",
    "hand_out",
    "hold_parcels",
    "keep_bundle",
    "keep_vendor_report",
    "leave_bundle",
    "leave_lockers",
    "look_after_lockers",
    "make_token",
    "move_order",
    "move_to_bank",
    "note_unclear_call",
    "note_vendor_answer",
    "point_to_next_look",
    "queue_bundle",
    "recognise",
    "reserve",
    "rotate_codes",
    "send_command",
    "show_code",
    "take_bundle",
    "take_heartbeat",
    "take_journal",
    "watch_banks",
]
