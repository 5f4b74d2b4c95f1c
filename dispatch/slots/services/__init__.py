"""The services of slots: rules and opening, offers, holds, promises and choices."""

from dispatch.slots.services.changing import (
    change_slot,
)
from dispatch.slots.services.choosing import (
    cancel_choice,
    keep_hold,
    lock_days_of_choices,
    prepare_choice,
    use_choice,
)
from dispatch.slots.services.closing import (
    add_blackout,
    change_blackout,
    check_calendar,
    draft_blackout,
    hubs_of,
    remove_blackout,
    set_calendar,
)
from dispatch.slots.services.erasing import (
    erase_person,
    forget_places,
)
from dispatch.slots.services.following import (
    adopt_promises,
    orders_to_settle,
    request_adoption,
    settle_order,
)
from dispatch.slots.services.holding import (
    PreparedHold,
    Terms,
    hold_prepared,
    hold_slot,
    prepare_hold,
    release_hold,
)
from dispatch.slots.services.locking import (
    lock_places,
)
from dispatch.slots.services.offering import (
    NotOffered,
    Offer,
    OfferList,
    find_offers,
)
from dispatch.slots.services.opening import (
    open_slots,
    sync_hub,
)
from dispatch.slots.services.pricing import (
    Repriced,
    reprice_hold,
    repriced,
)
from dispatch.slots.services.promising import (
    prepare_again,
    prepare_promise,
    promise_hold,
)
from dispatch.slots.services.requests import (
    DeliveryRequest,
    Goods,
    request_elsewhere,
    request_for_address,
    request_for_order,
)
from dispatch.slots.services.slotless import (
    SlotlessTerms,
    end_slotless_choices,
    keep_slotless_choice,
    next_slotless_end,
)
from dispatch.slots.services.templates import (
    add_template,
    change_template,
    copy_template,
    draft_template,
    edit_template,
    remove_template,
)
from dispatch.slots.services.vacating import vacate_slot
from dispatch.slots.services.visits import (
    PreparedVisit,
)

__all__ = [
    "DeliveryRequest",
    "Goods",
    "NotOffered",
    "Offer",
    "OfferList",
    "PreparedHold",
    "PreparedVisit",
    "Repriced",
    "SlotlessTerms",
    "Terms",
    "add_blackout",
    "add_template",
    "adopt_promises",
    "cancel_choice",
    "change_blackout",
    "change_slot",
    "change_template",
    "check_calendar",
    "copy_template",
    "draft_blackout",
    "draft_template",
    "edit_template",
    "end_slotless_choices",
    "erase_person",
    "find_offers",
    "forget_places",
    "hold_prepared",
    "hold_slot",
    "hubs_of",
    "keep_hold",
    "keep_slotless_choice",
    "lock_days_of_choices",
    "lock_places",
    "next_slotless_end",
    "open_slots",
    "orders_to_settle",
    "prepare_again",
    "prepare_choice",
    "prepare_hold",
    "prepare_promise",
    "promise_hold",
    "release_hold",
    "remove_blackout",
    "remove_template",
    "reprice_hold",
    "repriced",
    "request_adoption",
    "request_elsewhere",
    "request_for_address",
    "request_for_order",
    "set_calendar",
    "settle_order",
    "sync_hub",
    "use_choice",
    "vacate_slot",
]
