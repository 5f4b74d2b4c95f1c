"""The messages of faults in files and rows, in the reader's language: cause, then remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from dispatch.intake.parse.faults import Fault

FILE_WORDS: dict[str, object] = {
    "empty": _("The file is empty. Choose a file with a heading row and at least one order."),
    "old_excel": _("This is an old Excel file (.xls). Save it as .xlsx or CSV and try again."),
    "not_text": _("The file is neither CSV text nor an Excel workbook. Save it as CSV or .xlsx."),
    "unknown_encoding": _(
        "The letters of the file can be read in more than one way. Save it as CSV in UTF-8, or as .xlsx."
    ),
    "several_sheets": _(
        "More than one sheet of the workbook looks like orders: %(sheets)s. Save the right one as a file of its own."
    ),
    "too_many_sheets": _(
        "The workbook has more than %(most)s sheets. Save the right one as a file of its own."
    ),
    "bad_workbook": _(
        "The workbook cannot be opened. Open it in a spreadsheet program, save it as .xlsx and try again."
    ),
    "workbook_too_large": _(
        "The workbook has more than %(most_mb)s MB of content. Split it into smaller files."
    ),
    "bad_csv": _(
        "The CSV file cannot be read near line %(row)s. Usually a closing quotation mark is missing. Correct that line and try again."
    ),
    "too_many_columns": _(
        "The file has more than %(most)s columns. Remove the columns that are not needed."
    ),
    "no_headings": _("The file has no heading row. Name the columns in the first row."),
    "no_order_id": _(
        "No column contains the order number. Name that column order_id. The file has these columns: %(headings)s"
    ),
    "no_place": _(
        "No column contains the place of delivery. Add address, or street and house_number, or lat and lon."
    ),
    "no_rows": _("The file has headings but no rows. Add at least one order."),
    "too_many_rows": _("The file has more than %(most)s rows. Split it into smaller files."),
}

ROW_WORDS: dict[str, object] = {
    "missing": _("The value is missing. Every order needs one."),
    "too_long": _("The value has %(found)s characters. Shorten it to at most %(most)s."),
    "bad_character": _("The value contains a character that cannot be stored. Type it again."),
    "not_a_number": _("“%(value)s” is not a number. Write a number such as 12."),
    "not_an_age": _("“%(value)s” is not an age. Write the least age in years, such as 18."),
    "not_yes_or_no": _("“%(value)s” is not yes or no. Write yes or no."),
    "not_whole": _("“%(value)s” is not a whole number. Remove the decimals."),
    "out_of_range": _("“%(value)s” is out of range. Write a number from %(least)s to %(most)s."),
    "not_a_time": _("“%(value)s” is not a time of day. Write it as 14:30."),
    "not_a_date": _("“%(value)s” is not a date. Write it as 2026-12-01."),
    "serial_date": _(
        "“%(value)s” is a date as a spreadsheet stores it. Format the column as a date, and save the file again."
    ),
    "ambiguous_date": _(
        "“%(value)s” can mean %(one)s or %(other)s. Write it in one of these ways."
    ),
    "mixed_dates": _(
        "“%(value)s” can mean %(one)s or %(other)s, because the column mixes two date formats. Write it in one of these ways."
    ),
    "two_digit_year": _("The year of “%(value)s” has only two digits. Write it as 2026-12-01."),
    "year_outside": _(
        "The year of “%(value)s” is out of range. Write a year from %(least)s to %(most)s."
    ),
    "ambiguous_number": _(
        "“%(value)s” can mean %(one)s or %(other)s. Write it in one of these ways."
    ),
    "rounded": _("“%(value)s” was rounded to %(kept)s, a whole number of grams or cm³."),
    "not_a_window": _(
        "“%(value)s” is not a clear time window. Write it as 09:00 - 12:00. If it is not a time window, remove the column."
    ),
    "windows_differ": _("The row has two time windows, %(one)s and %(other)s. Remove one of them."),
    "time_of_other_day": _(
        "The date in “%(value)s” differs from the row's date. Write only the time here, and the date in the column date."
    ),
    "columns_differ": _("%(one)s and %(other)s do not match. Remove one of the two columns."),
    "sheet_error": _(
        "“%(value)s” is a spreadsheet error. Correct the formula, or write the value."
    ),
    "maybe_window": _(
        "“%(value)s” looks like a time window, but the column is unknown. Name the column window. If it is not a time window, remove the column, or match it to “Not used”."
    ),
    "not_a_direction": _("“%(value)s” is not a direction. Write outward or return."),
    "half_a_place": _("The value is missing. Write both lat and lon, or neither."),
    "no_place": _("The place of delivery is missing. Write an address, or lat and lon."),
    "window_ends_first": _(
        "The time window ends at %(closes)s, before it begins at %(opens)s. Correct one of the two."
    ),
    "one_id_many_parcels": _(
        "One parcel id cannot be used for %(count)s parcels. Write one row for each parcel."
    ),
    "twice": _(
        "“%(value)s” is already in row %(row)s. Remove one of the rows. If they are parcels of one order, give each row its own parcel_id."
    ),
    "parcel_differs": _(
        "“%(value)s” is already in row %(row)s with other data. Write the same data in all rows of an order."
    ),
    "parcel_windows_apart": _(
        "The parcels of “%(value)s” (first in row %(row)s) have time windows that do not overlap. Import them as two orders."
    ),
    "done_in_shop": _(
        "The shop's file says “%(value)s”: nothing is left to deliver. If that is wrong, empty the cell of shop_state and import the row again."
    ),
    "hub_not_yours": _(
        "You do not have access to the hub “%(value)s”. Use one of your hubs, or ask an owner or manager."
    ),
    "order_not_yours": _(
        "The order “%(value)s” belongs to a hub that you do not have access to. Ask an owner or manager."
    ),
    "refused": _("%(detail)s"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The messages of one kind of file, by the codes of faults of the file and of its rows."""

    file: Mapping[str, object]
    row: Mapping[str, object]


ORDERS = Words(FILE_WORDS, ROW_WORDS)


def say_file(code: str, params: Mapping[str, object], words: Words = ORDERS) -> str:
    """Return the message for a file that cannot be read at all."""
    return str(words.file[code]) % dict(params)


def say_fault(fault: Fault, words: Words = ORDERS) -> str:
    """Return the message for a fault of a row, with the name of the column before it."""
    text = str(words.row[fault.code]) % dict(fault.params)
    return f"{fault.column}: {text}" if fault.column else text
