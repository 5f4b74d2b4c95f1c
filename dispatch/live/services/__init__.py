"""The services of the live day: log phones in, take drivers' acts, open and settle incidents."""

from dispatch.live.services.afterwards import (
    failed_to_offer,
    offer_again,
    settle_failed,
    settle_lost,
)
from dispatch.live.services.arrivals import (
    update_arrivals,
    update_arrivals_of,
    update_due_arrivals,
)
from dispatch.live.services.codes import look_at_code
from dispatch.live.services.devices import (
    NewDevice,
    NewLoginLink,
    add_tracker,
    count_login_try,
    count_unknown_tracker,
    device_name,
    forget_devices,
    make_login_link,
    note_device_told,
    note_device_used,
    note_ended_tracker,
    note_refused,
    revoke_device,
    sign_out_device,
    take_login_link,
)
from dispatch.live.services.erasing import erase_person, forget_arrivals, forget_places
from dispatch.live.services.following import POSITIONS, TRACK, note_followed
from dispatch.live.services.incidents import IncidentDraft, open_incident, settle_incident
from dispatch.live.services.partitions import forget_positions, keep_coming_days
from dispatch.live.services.photos import forget_photos, is_here, not_expected, receive_piece
from dispatch.live.services.positions import PointSource, take_positions
from dispatch.live.services.runs import note_day_fetched
from dispatch.live.services.stays import note_late_stays, note_stays, note_stays_of_ended
from dispatch.live.services.taking import take_act, take_acts
from dispatch.live.services.telling import note_late_photos
from dispatch.live.services.watching import (
    POINTER,
    STAYS_TASK,
    UPDATE_QUEUE,
    UPDATE_TASK,
    ask_for_stays,
    look_after_runs,
    note_missed_starts,
    point_to_next_look,
)

__all__ = [
    "POINTER",
    "POSITIONS",
    "STAYS_TASK",
    "TRACK",
    "UPDATE_QUEUE",
    "UPDATE_TASK",
    "IncidentDraft",
    "NewDevice",
    "NewLoginLink",
    "PointSource",
    "add_tracker",
    "ask_for_stays",
    "count_login_try",
    "count_unknown_tracker",
    "device_name",
    "erase_person",
    "failed_to_offer",
    "forget_arrivals",
    "forget_devices",
    "forget_photos",
    "forget_places",
    "forget_positions",
    "is_here",
    "keep_coming_days",
    "look_after_runs",
    "look_at_code",
    "make_login_link",
    "not_expected",
    "note_day_fetched",
    "note_device_told",
    "note_device_used",
    "note_ended_tracker",
    "note_followed",
    "note_late_photos",
    "note_late_stays",
    "note_missed_starts",
    "note_refused",
    "note_stays",
    "note_stays_of_ended",
    "offer_again",
    "open_incident",
    "point_to_next_look",
    "receive_piece",
    "revoke_device",
    "settle_failed",
    "settle_incident",
    "settle_lost",
    "sign_out_device",
    "take_act",
    "take_acts",
    "take_login_link",
    "take_positions",
    "update_arrivals",
    "update_arrivals_of",
    "update_due_arrivals",
]
