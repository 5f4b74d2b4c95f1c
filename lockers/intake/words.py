"""The messages of faults in files of points, in the reader's language: cause, then remedy."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from dispatch.intake.selectors.words import FILE_WORDS, ROW_WORDS, Words

POINTS: Final = Words(
    file={
        **FILE_WORDS,
        "empty": _("The file is empty. Choose a file with at least one point."),
        "bad_geojson": _(
            "The file is not valid GeoJSON. Export it again as a FeatureCollection of points."
        ),
        "other_crs": _(
            "The file has another coordinate system. Export it in WGS 84 (EPSG:4326), in degrees."
        ),
        "no_place": _(
            "No columns contain the places. Name them lat and lon. The file has these columns: %(headings)s"
        ),
        "no_name": _(
            "No column contains the names of the points. Name it name. The file has these columns: %(headings)s"
        ),
        "several_sheets": _(
            "More than one sheet of the workbook looks like points: %(sheets)s. Save the right one as a file of its own."
        ),
        "no_rows": _("The file has no points. Add at least one."),
    },
    row={
        **ROW_WORDS,
        "missing": _("The value is missing. Every point needs one."),
        "no_point": _("The coordinates are missing. Write both lat and lon."),
        "zero_point": _(
            "The coordinates are 0, 0, which is in the sea. Write the real place of the point."
        ),
        "swapped": _(
            "The place is %(km)s km from the hub, but near it if lat and lon are exchanged. Correct the two columns."
        ),
        "far_from_hub": _(
            "The place is %(km)s km from the hub %(hub)s. Correct the coordinates, or name the right hub in the column hub."
        ),
        "not_a_point": _("The geometry is not a point (%(value)s). Leave such features out."),
        "coordinates_differ": _(
            "The value %(value)s differs from the geometry by more than 50 m. Correct one of the two."
        ),
        "unknown_country": _("“%(value)s” is not a country. Write two letters, such as NL."),
        "unknown_zone": _("“%(value)s” is not a time zone. Write it as Europe/Amsterdam."),
        "hours_unreadable": _(
            "The opening hours “%(value)s” cannot be read. Write them in the OSM format, such as Mo-Fr 09:00-18:00; Sa 10:00-17:00."
        ),
        "unknown_kind": _("“%(value)s” is not a known kind of point. Write locker or counter."),
        "missing_kind": _(
            "The kind of the point is missing. Write locker or counter, or choose the kind of such points before the preview."
        ),
        "twice": _("The ID “%(value)s” is already in row %(row)s. Remove one of the rows."),
        "twice_without_id": _(
            "“%(value)s” with the same network and address is already in row %(row)s. Remove one of the rows, or add a column point_id."
        ),
        "other_network": _(
            "The ID “%(value)s” belongs to a point of the network %(network)s. Use another ID."
        ),
        "own_bank": _(
            "The ID “%(value)s” belongs to one of your own banks. Change that bank on its page."
        ),
        "bank_not_yours": _(
            "The point “%(value)s” belongs to a hub that you do not have access to. Ask an owner or manager."
        ),
        "unknown_hub": _("There is no active hub “%(value)s”. Write its name or its ID."),
        "no_hub": _("There is no active hub. Add a hub first."),
    },
)
