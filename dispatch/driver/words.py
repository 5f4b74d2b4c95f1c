"""The texts of the driver's app, in every language of its readers. The scripts hold no text."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from dispatch.driver.scan_words import SCAN
from lastmile.core.formatting import intl_tag
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer

#: A number of each plural category of CLDR, for the languages of the app.
_EXAMPLES: Final = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}

_SCREENS: Final[dict[str, str | Promise]] = {
    "today": _("Today"),
    "stop": pgettext_lazy("driver", "Stop"),
    "stop_of": _("Stop %(n)s of %(all)s"),
    "done_of": _("%(n)s of %(all)s done"),
    "tab_now": _("Now"),
    "tab_list": _("Stops"),
    "tab_load": pgettext_lazy("driver", "Load"),
    "tab_more": _("More"),
    "more": _("More"),
    "load": pgettext_lazy("driver", "Load"),
    "opening": _("Opening your day…"),
    "no_day": _("Your day is not on this phone yet"),
    "no_day_offline": _("The server cannot be reached. The app tries again by itself."),
    "no_day_failed": _("The server cannot answer now. The app tries again by itself."),
    "no_plan": _("No plan for you yet"),
    "no_plan_how": _(
        "Your stops appear here as soon as the dispatcher publishes the plan. Call the dispatcher "
        "if your shift begins soon."
    ),
    "log_in": _("Log in"),
    "log_in_title": _("Log in on this phone"),
    "log_in_how": _("Ask your dispatcher for a code or a link. Each works once, for 15 minutes."),
    "log_in_code": _("Log in with a code"),
    "from_to": _("%(opens)s–%(closes)s"),
    "starts_at": _("Starts %(time)s"),
    "vehicle": _("Vehicle"),
    "hub": _("Hub"),
    "stops": _("Stops"),
    "parcels": _("Parcels"),
    "distance": _("Distance"),
    "range": _("Range left"),
    "back_planned": _("Back at the hub"),
    "vehicle_check": _("Vehicle check"),
    "vehicle_check_how": _("Look at tyres, lights, mirrors and doors before you leave."),
    "vehicle_fine": _("Vehicle is fine"),
    "defect": _("Report a defect"),
    "defect_what": _("What is wrong with the vehicle?"),
    "defect_how": _("The dispatcher sees it as soon as it is sent."),
    "start_shift": _("Start shift"),
    "leave_hub": _("Leave the hub"),
    "all_done": _("All stops are done. Drive back to the hub."),
    "at_hub": _("You are back at the hub"),
    "back_at_hub": _("Back at the hub"),
    "end_shift": _("End shift"),
    "shift_over": _("Your shift has ended"),
    "next_stop": _("Next stop"),
    "stop_gone": _("This stop is no longer on your route."),
    "why_not": _("Why was it not delivered?"),
    "correct": pgettext_lazy("driver", "Correct"),
    "correct_what": _("What really happened?"),
    "plan_changed": _("Your route has changed"),
    "a_stop": _("A stop"),
    "got_it": _("Got it"),
    "new_version": _("A new version of the app is ready."),
    "reload": _("Load it"),
    "close": _("Close"),
    "back": pgettext_lazy("driver", "Back"),
    "tell": pgettext_lazy("driver", "Report"),
    "try_again": _("Try again"),
}

_AT_STOPS: Final[dict[str, str | Promise]] = {
    "arrived": pgettext_lazy("driver", "Arrived"),
    "delivered": _("Delivered"),
    "picked_up": pgettext_lazy("driver", "Picked up"),
    "deposited": _("Put into a locker"),
    "not_delivered": _("Not delivered"),
    "cancelled": pgettext_lazy("status", "Cancelled"),
    "arrived_word": _("You are here"),
    "collect_here": _("Collect a return"),
    "to_collect": _("To collect"),
    "no_address": _("No address"),
    "handover": _("Handover"),
    "age": _("Age check"),
    "age_over": _("At least %(age)s years"),
    "order": _("Order"),
    "navigate": _("Navigate"),
    "show_code": _("Access code"),
    "code_logged": _("This look is logged."),
    "code_offline": _("The code needs a network. Try again where you have one."),
    "details": _("Details"),
    "done_at": _("Done at %(time)s"),
    "arrived_at": _("Arrived at %(time)s"),
    "planned_at": _("planned %(time)s"),
    "note": _("Note for the dispatcher"),
    "keep_note": _("Send note"),
    "loaded_all": _("All is loaded"),
    "all_loaded": _("All is loaded"),
    "missing": pgettext_lazy("driver", "Missing"),
}

_PROOF: Final[dict[str, str | Promise]] = {
    "proof": _("Proof of delivery"),
    "proof_photo": _("Photo"),
    "proof_signature": _("Signature"),
    "proof_name": _("Name of the receiver"),
    "proof_pin": _("PIN of the shopper"),
    "proof_scan": _("Scan"),
    "proof_age": _("Age check"),
    "photo_take": _("Take a photo"),
    "photo_more": _("Another photo"),
    "photo_kept": _("Photos kept: %(n)s"),
    "photo_not_kept": _("The photo was not kept"),
    "photo_unreadable": _("This is no photo that the phone can read. Take it again here."),
    "photo_again": _("Take it again before you leave the door."),
    "sign_here": _("The receiver signs here with a finger."),
    "sign_or_name": _("Or the name of the receiver, if nobody can sign here"),
    "clear": _("Clear"),
    "keep_signature": _("Keep signature"),
    "signature_kept": _("Signed"),
    "signature_empty": _("The signature is empty"),
    "signature_not_kept": _("The signature was not kept"),
    "receiver": _("Name of the receiver"),
    "name_keep": _("Keep name"),
    "name_neighbour": _("It is a neighbour"),
    "pin_ask": _("Ask the receiver for the PIN, and type it"),
    "pin_keep": _("Keep PIN"),
    "pin_kept": _("PIN typed"),
    "age_ask": _("Is the receiver at least %(age)s years old? Look at an identity card."),
    "age_yes": _("Yes, checked"),
    "age_no": _("No"),
    "age_passed": _("Age checked"),
    "age_failed": _("The age check was not passed. Do not hand over the goods."),
    "proof_missing": _("Proof is missing"),
    "without_how": _("Go back and give it, or choose. The dispatcher sees it."),
    "without_age": _("Without the age check the goods must not be handed over."),
    "not_delivered_proof": _("Not delivered: the proof is missing"),
    "deliver_without": _("Delivered without this proof"),
}

_PHONE: Final[dict[str, str | Promise]] = {
    "not_sent": _("Not sent yet"),
    "n_unsent": _("%(n)s not sent"),
    "n_refused": _("%(n)s refused"),
    "all_sent": _("Everything is sent"),
    "unsent_how": _(
        "This is stored on this phone and is sent by itself, in this order. You can go on working."
    ),
    "unsent_log_in": _("This is stored on this phone. It is sent after you log in again."),
    "send_now": _("Send now"),
    "still_not_sent": _("Not sent yet. It stays on this phone, and the app tries again."),
    "refused_title": _("Refused by the server"),
    "refused_how": _("The server could not read this. Tell your dispatcher what happened."),
    "settled": _("Settled"),
    "told_title": _("The dispatcher decides"),
    "told_how": _(
        "This is recorded as it happened. It does not fit the plan any more, so the dispatcher "
        "looks at it."
    ),
    "dispatcher_told": _("Recorded. A dispatcher will look at it."),
    "not_received": _("Not received from this phone"),
    "logged_out": _("This phone is logged out"),
    "logged_out_how": _("Log in again to get changes of your route."),
    "storage_lost": _("This phone lost what it had stored"),
    "not_kept": _("Not stored: %(act)s"),
    "not_kept_how": _("This phone could not store it, so nothing was recorded. Try again."),
    "not_kept_full": _(
        "The storage of this phone is full, so nothing was recorded. Delete photos or apps, then "
        "try again."
    ),
    "no_position": _("Your position is not sent"),
    "no_position_how": _(
        "This browser may not read it. Allow the location for this page in the settings of the "
        "browser. It is read during your shift only."
    ),
    "no_storage": _("This browser stores nothing"),
    "no_storage_how": _(
        "The app cannot keep your work here. Leave the private mode, or use another browser."
    ),
    "work": _("Work"),
    "start_break": _("Start break"),
    "end_break": _("End break"),
    "break_since": _("Break since %(time)s"),
    "this_phone": _("This phone"),
    "storage": _("Storage"),
    "storage_kept": _("lasting"),
    "storage_unsure": _("not promised by the browser"),
    "storage_not_kept": _(
        "The browser may delete what is stored when space is short. Add the app to your home "
        "screen, and send everything before the end of the day."
    ),
    "not_installed": _(
        "Add this page to your home screen, with the menu of the browser. Some phones delete "
        "stored work of pages that were not added."
    ),
    "not_secure": _(
        "This address does not begin with https, so the app cannot open without a network. Ask "
        "for an address with https."
    ),
    "version": _("Version"),
    "look": _("Language and look"),
    "language": _("Language"),
    "theme": _("Colours"),
    "theme_auto": _("As the phone"),
    "theme_light": _("Light"),
    "theme_dark": _("Dark"),
    "theme_contrast": _("High contrast"),
    "navigator": _("Navigate with"),
    "navigator_phone": _("The map app of this phone"),
    "navigator_google": _("Google Maps"),
    "navigator_apple": _("Apple Maps"),
    "navigator_waze": _("Waze"),
    "log_out": _("Log out"),
    "log_out_how": _("The addresses are deleted from this phone."),
}

#: Words after an act: the phone has stored it.
_DONE: Final[dict[str, str | Promise]] = {
    "did_checked": _("Vehicle checked"),
    "did_defect": _("Defect reported"),
    "did_loaded": _("Loaded"),
    "did_missing": _("Marked as missing"),
    "did_delivered": _("Delivered"),
    "did_picked_up": pgettext_lazy("driver", "Picked up"),
    "did_failed": _("Not delivered"),
    "did_corrected": _("Corrected"),
    "did_proof_added": _("Proof stored"),
    "did_note": _("Note stored"),
    "did_break": _("Break started"),
    "did_break_ended": _("Break ended"),
    "did_confirmed": _("Change confirmed"),
    "did_back": _("Back at the hub"),
    "did_ended": _("Shift ended"),
}

#: What the driver did, in the list of what is not sent.
_ACTS: Final[dict[str, str | Promise]] = {
    "act_shift_started": _("Shift started"),
    "act_vehicle_checked": _("Vehicle checked"),
    "act_loaded": _("Loaded"),
    "act_not_loaded": _("Missing at loading"),
    "act_left_hub": _("Left the hub"),
    "act_arrived": pgettext_lazy("driver", "Arrived"),
    "act_delivered": _("Delivered"),
    "act_picked_up": pgettext_lazy("driver", "Picked up"),
    "act_deposited": _("Put into a locker"),
    "act_bank_fault": _("Locker not usable"),
    "act_taken_out": _("Taken out of a locker"),
    "act_failed": _("Not delivered"),
    "act_corrected": _("Corrected"),
    "act_proof_added": _("Proof given later"),
    "act_note": _("Note"),
    "act_code_looked": _("Access code seen"),
    "act_break_started": _("Break started"),
    "act_break_ended": _("Break ended"),
    "act_plan_confirmed": _("Change confirmed"),
    "act_back_at_hub": _("Back at the hub"),
    "act_shift_ended": _("Shift ended"),
}

TEXTS: Final = {**_SCREENS, **_AT_STOPS, **_PROOF, **_PHONE, **_DONE, **_ACTS, **SCAN}


def page_texts() -> dict[str, Any]:
    """Return what the scripts need to write in the active language: texts, locale, languages."""
    language = get_language() or settings.LANGUAGE_CODE
    texts: dict[str, object] = {key: str(text) for key, text in TEXTS.items()}
    by_category = {name: _counts(n) for name, n in _EXAMPLES.items()}
    for key in by_category["other"]:
        texts[key] = {name: forms[key] for name, forms in by_category.items()}
    return {
        "language": language,
        "locale": intl_tag(language, region_of(current_retailer().zone)),
        "languages": [list(pair) for pair in settings.SHOPPER_LANGUAGES],
        "title": str(_("Driver")),
        "texts": texts,
    }


def _counts(n: int) -> dict[str, str]:
    """Return the texts that count something, in the form for ``n`` of it."""
    return {
        "n_stops": ngettext("%(n)s stop", "%(n)s stops", n),
        "n_parcels": ngettext("%(n)s parcel", "%(n)s parcels", n),
        "n_open": ngettext("%(n)s stop was not visited.", "%(n)s stops were not visited.", n),
        "n_absent": ngettext(
            "%(n)s parcel was missing at loading.", "%(n)s parcels were missing at loading.", n
        ),
        "n_to_load": ngettext("%(n)s parcel to load", "%(n)s parcels to load", n),
        "n_photos_not_sent": ngettext(
            "%(n)s photo is not sent yet. It stays on this phone until it is.",
            "%(n)s photos are not sent yet. They stay on this phone until they are.",
            n,
        ),
        "n_not_sent": ngettext("%(n)s entry is not sent yet", "%(n)s entries are not sent yet", n),
        "bring_back": ngettext(
            "Bring the parcels of %(n)s stop back to the hub.",
            "Bring the parcels of %(n)s stops back to the hub.",
            n,
        ),
        "logged_out_unsent": ngettext(
            "Log in again. %(n)s entry is stored on this phone and is sent after that.",
            "Log in again. %(n)s entries are stored on this phone and are sent after that.",
            n,
        ),
        "log_out_unsent": ngettext(
            "%(n)s entry is not sent yet. It stays on this phone and is sent after you log in "
            "again. The addresses are deleted.",
            "%(n)s entries are not sent yet. They stay on this phone and are sent after you log "
            "in again. The addresses are deleted.",
            n,
        ),
        "others_unsent": ngettext(
            "%(n)s entry of another driver waits on this phone. That driver must log in here.",
            "%(n)s entries of other drivers wait on this phone. Those drivers must log in here.",
            n,
        ),
        "storage_lost_how": ngettext(
            "Check %(n)s open stop: work that was not sent was not received from this phone.",
            "Check %(n)s open stops: work that was not sent was not received from this phone.",
            n,
        ),
        "plan_added": ngettext("%(n)s stop was added", "%(n)s stops were added", n),
        "plan_removed": ngettext("%(n)s stop was removed", "%(n)s stops were removed", n),
        "plan_moved": ngettext("%(n)s stop moved", "%(n)s stops moved", n),
    }
