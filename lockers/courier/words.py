"""The texts of the courier's part of the driver's app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

_TEXTS: Final[Mapping[str, str | Promise]] = {
    "bank_stop": _("Lockers"),
    "bank_offline": _(
        "This cabinet has no connection. The codes below work all the same, and what you tap counts."
    ),
    "bank_to_put": _("Put in"),
    "bank_to_take": _("Take out and bring back to the hub"),
    "bank_take_how": _("Nobody collected these parcels in time. Take them out first."),
    "bank_door": _("Door %(door)s"),
    "bank_side": _("Side %(side)s"),
    "bank_low": _("low door"),
    "bank_code": _("Code for the keypad"),
    "bank_no_code": _("The code has ended. Ask your dispatcher to open the door."),
    "bank_no_door": _("No free door for this parcel. Take it back to the vehicle."),
    "bank_door_lost": _(
        "This parcel has no door here any more. Keep it in the vehicle and report it as not "
        "delivered."
    ),
    "load_site_left": _("%(bank)s takes no parcels any more. Leave this one at the hub."),
    "load_no_fit": _("Too big for every door of %(bank)s. Leave this parcel at the hub."),
    "load_no_door": _("No door is free for this parcel at %(bank)s. Ask your dispatcher first."),
    "bank_unclear": _("It is not clear whether this parcel is inside. Say what is true."),
    "bank_put_in": _("It is in door %(door)s"),
    "bank_taken": _("Taken out"),
    "bank_is_in": pgettext_lazy("driver", "In door %(door)s"),
    "bank_is_out": pgettext_lazy("driver", "Taken out"),
    "bank_problem": _("Door cannot be used"),
    "bank_what": _("What is wrong with door %(door)s?"),
    "bank_misaligned": _("The door does not close or fit"),
    "bank_too_big": _("The parcel is too big"),
    "bank_broken": _("The door does not open"),
    "bank_occupied": _("Something is inside already"),
    "bank_new_door": _("Use door %(door)s"),
    "bank_told_later": _(
        "Recorded. This phone has no connection, so there is no other door now. Keep the parcel in "
        "the vehicle. A new door appears here as soon as there is a connection."
    ),
    "bank_no_other": _("No other door"),
    "bank_did_put": _("Recorded: in door %(door)s"),
    "bank_did_take": _("Recorded: taken out"),
    "bank_all_done": _("All is done here."),
    "bank_close": _("Close each door. The cabinet reports the parcel only after that."),
}


def texts() -> dict[str, str]:
    """Return the texts in the reader's language."""
    return {name: str(text) for name, text in _TEXTS.items()}
