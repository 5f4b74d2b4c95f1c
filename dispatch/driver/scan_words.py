"""The texts of the scan, of loading and of the map in the driver's app."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SCAN: Final[dict[str, str | Promise]] = {
    "scan_open": _("Scan"),
    "scan_next": _("Scan the next one"),
    "scan_parcels": _("Scan the parcels"),
    "scan_loading": _("Scan what goes in"),
    "scan_done": _("Finish"),
    "scan_before": _("loaded before"),
    "scan_type": _("Type the code of the parcel"),
    "scan_take": _("Check"),
    "scan_system_camera": _("Use the phone's own camera"),
    "scan_no_camera": _("The camera gives no picture"),
    "scan_no_camera_how": _(
        "Allow the camera for this page, or try again. The phone's own camera and typing work too."
    ),
    "scan_no_reader": _(
        "The reader of codes is not on this phone yet: it needs a network once. Type the code "
        "until then."
    ),
    "scan_no_code": _("No code in this picture"),
    "scan_no_code_how": _("Go closer so that the label fills the picture, or type the code."),
    "scan_empty": _("There is no code"),
    "scan_empty_how": _("Scan the label, or type the code under it."),
    "scan_two_ways": _("This label can be read in two ways"),
    "scan_two_ways_how": _("Type the SSCC: the 18 digits after (00) on the label."),
    "scan_check_digit": _("A digit is wrong"),
    "scan_check_digit_how": _("Scan again, or compare each digit with the label."),
    "scan_unreadable": _("This label cannot be read"),
    "scan_unreadable_how": _("Type the SSCC, or the number of the parcel."),
    "scan_several": _("More than one parcel has this code"),
    "scan_several_how": _("Type the SSCC: the 18 digits after (00) on the label."),
    "scan_unknown": _("This code is of no parcel here"),
    "scan_unknown_how": _("Compare the label with the order, or type the code again."),
    "scan_other_stop": _("%(parcel)s is for stop %(n)s"),
    "scan_not_here": _("Not on your route: a parcel of order %(order)s"),
    "scan_other_vehicle": _("It goes with %(vehicle)s. Do not load it."),
    "scan_no_vehicle": _("It is on no route now. Give it to your dispatcher."),
    "scanned_of": _("%(n)s of %(all)s parcels scanned"),
    "proof_later": _("Proof that is missing"),
    "proof_send": _("Send the proof"),
    "as_map": _("Show the map"),
    "as_list": _("Show the list"),
    "map_title": _("Map"),
    "map_zoom_in": _("Zoom in"),
    "map_zoom_out": _("Zoom out"),
    "map_fit": _("Show all"),
    "map_attribution": _("Show or hide the map sources"),
    "map_keys": _(
        "Arrow keys move the map, plus and minus zoom. N and B go to the next and previous "
        "stop, F shows all, Escape clears the selection. The list offers the same."
    ),
    "map_no_streets": _("No street map is loaded for this area."),
    "map_no_data": _("The places could not be loaded. Reload the page, or use the list."),
    "map_no_webgl": _("This browser cannot show the map because WebGL is off. Use the list."),
    "map_not_here": _(
        "The map is not on this phone yet: it needs a network once. The list has all stops."
    ),
    "stop_n": _("Stop %(n)s"),
    "loaded": _("Loaded"),
    "load_how": _(
        "What is delivered last goes in first. Scan each parcel, or tick what is in the vehicle."
    ),
    "load_far": _("far end of the vehicle"),
    "load_middle": _("middle of the vehicle"),
    "load_door": _("near the door of the vehicle"),
}
