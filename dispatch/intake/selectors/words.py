"""What is wrong with a file or a row, in the reader's language: the cause, then the remedy."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from dispatch.intake.parse.faults import Fault

FILE_WORDS: dict[str, object] = {
    "empty": _("The file is empty. Choose a file with a heading row and at least one order."),
    "old_excel": _("This is an old Excel file (.xls). Save it as .xlsx or CSV and try again."),
    "not_text": _("The file is neither CSV text nor an Excel workbook. Save it as CSV or .xlsx."),
    "bad_workbook": _(
        "The workbook cannot be opened. Open it in a spreadsheet program, save it as .xlsx and try again."
    ),
    "workbook_too_large": _(
        "The workbook unpacks to more than %(most_mb)s MB. Split it into smaller files."
    ),
    "bad_csv": _(
        "The CSV breaks near line %(row)s, usually by an unclosed quotation mark. Mend that line and try again."
    ),
    "too_many_columns": _(
        "The file has more than %(most)s columns. Remove those that are not needed."
    ),
    "no_headings": _("No heading row was found. The first row must name the columns."),
    "no_order_id": _(
        "No column holds the order number. Name one of the columns order_id; the file has: %(headings)s"
    ),
    "no_place": _(
        "No column says where to deliver. Add address, or street and house_number, or lat and lon."
    ),
    "no_rows": _("There are headings but no rows under them."),
    "too_many_rows": _("The file has more than %(most)s rows. Split it into smaller files."),
}

ROW_WORDS: dict[str, object] = {
    "missing": _("is missing. Every order needs one."),
    "too_long": _("has %(found)s characters; %(most)s are the most."),
    "bad_character": _("holds a character that cannot be stored. Type it again."),
    "not_a_number": _("“%(value)s” is not a number."),
    "not_whole": _("“%(value)s” is not a whole number."),
    "out_of_range": _("“%(value)s” is outside %(least)s to %(most)s."),
    "not_a_time": _("“%(value)s” is not a time of day. Write it as 14:30."),
    "not_a_date": _("“%(value)s” is not a date. Write it as 2026-12-01."),
    "ambiguous_date": _("“%(value)s” can be %(one)s or %(other)s. Write the one that is meant."),
    "mixed_dates": _(
        "“%(value)s” can be %(one)s or %(other)s, and this column has dates of both kinds. Write the one that is meant."
    ),
    "two_digit_year": _("“%(value)s” has no full year. Write it as 2026-12-01."),
    "year_outside": _("“%(value)s” lies outside the years %(least)s to %(most)s."),
    "ambiguous_number": _("“%(value)s” can be %(one)s or %(other)s. Write the one that is meant."),
    "rounded": _("“%(value)s” has fractions of a gram or cubic centimetre; %(kept)s is kept."),
    "not_a_window": _(
        "“%(value)s” is not a clear time window. Write it as 09:00 - 12:00, or remove the column if it promises nothing."
    ),
    "windows_differ": _("The row names two windows, %(one)s and %(other)s. Keep one of them."),
    "time_of_other_day": _(
        "“%(value)s” names another day than the row's date. Leave only the time, and the day in the column date."
    ),
    "columns_differ": _("%(one)s and %(other)s do not agree. Keep one of the two columns."),
    "sheet_error": _(
        "“%(value)s” is an error of the spreadsheet. Mend the formula, or write the value."
    ),
    "maybe_window": _(
        "“%(value)s” looks like a time window in a column that is not known. Name the column window, or remove it if it promises nothing."
    ),
    "not_a_direction": _("“%(value)s” is not known. Write outward or return."),
    "half_a_place": _("is missing. lat and lon go together."),
    "no_place": _("is missing. Give an address, or lat and lon."),
    "window_ends_first": _(
        "The window ends (%(closes)s) before it begins (%(opens)s). Correct one of the two."
    ),
    "one_id_many_parcels": _(
        "One parcel id cannot stand for %(count)s parcels. Give each parcel a row of its own."
    ),
    "twice": _(
        "“%(value)s” stands in row %(row)s already. Remove one of the two, or give each row its own parcel_id if they are parcels of one order."
    ),
    "parcel_differs": _(
        "“%(value)s” stands in row %(row)s already, with another address or name. Parcels of one order must agree."
    ),
    "parcel_windows_apart": _(
        "The windows of the parcels of “%(value)s” (first in row %(row)s) do not overlap. Make two orders of them."
    ),
    "hub_not_yours": _(
        "You may not place orders for the hub “%(value)s”. Ask an owner or manager."
    ),
    "order_not_yours": _(
        "The order “%(value)s” belongs to a hub you have no say over. Ask an owner or manager."
    ),
    "refused": _("%(detail)s"),
}


def say_file(code: str, params: Mapping[str, object]) -> str:
    """The sentence for a file that cannot be read at all."""
    return str(FILE_WORDS[code]) % dict(params)


def say_fault(fault: Fault) -> str:
    """The sentence for one fault of a row, with the column's name before it."""
    words = str(ROW_WORDS[fault.code]) % dict(fault.params)
    return f"{fault.column}: {words}" if fault.column else words
