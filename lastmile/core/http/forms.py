"""Helpers between Django forms and services: an error of a service is shown next to its field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms import Form
from django.http import HttpRequest
from django.utils.translation import gettext as _

from lastmile.core import clock, formatting
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.units import read_whole

MOST_VERSION = 999_999_999


class DateInput(forms.DateInput):
    """The input for a date that opens the browser's date picker."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(
            format="%Y-%m-%d",
            attrs={"min": clock.EARLIEST.isoformat(), "max": clock.LATEST.isoformat()},
        )


class TimeInput(forms.TimeInput):
    """The input for a time of day that opens the browser's time picker."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class DateField(forms.DateField):
    """A form field for a date from ``clock.EARLIEST`` to ``clock.LATEST``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=DateInput(), **kwargs)
        self.validators += [MinValueValidator(clock.EARLIEST), MaxValueValidator(clock.LATEST)]


def minute_of(time: dt.time | None) -> int | None:
    """Return a time of day as minutes after midnight."""
    return None if time is None else time.hour * 60 + time.minute


def whole_number(text: str, least: int, most: int, name: str) -> int:
    """Return the whole number in a text. Raises Invalid with the field's name."""
    number = read_whole(text, least, most)
    if number is None:
        raise Invalid(
            _("Write a whole number from %(least)s to %(most)s (%(name)s).")
            % {"least": formatting.number(least), "most": formatting.number(most), "name": name}
        )
    return number


def version_of(request: HttpRequest) -> int | None:
    """Return the version of the row that a submitted form was based on, or None.

    Raises Invalid when the version is not a number.
    """
    text = request.POST.get("version", "")
    if not text:
        return None
    version = read_whole(text, 0, MOST_VERSION)
    if version is None:
        raise Invalid(_("This form is invalid. Reload the page."))
    return version


def map_pointers(act: Callable[[], Any], fields: Mapping[str, str]) -> Callable[[], Any]:
    """Return the act with the pointers of its errors mapped to form fields.

    ``fields`` maps a pointer of the service to a form field: ``/shopper/phone`` -> ``/phone``. The
    longest entry that is a prefix of the pointer is used. A pointer without an entry is unchanged.
    """

    def mapped() -> Any:
        try:
            return act()
        except DomainError as refused:
            refused.errors = tuple(
                replace(error, pointer=_field(error.pointer, fields)) for error in refused.errors
            )
            raise

    return mapped


def _field(pointer: str, fields: Mapping[str, str]) -> str:
    path = pointer.strip("/")
    for start in sorted(fields, key=len, reverse=True):
        if path == start or path.startswith(f"{start}/"):
            return f"/{fields[start]}"
    return pointer


def apply_form(form: Form, act: Callable[[], Any]) -> Any | None:
    """Call the act if the form is valid, and show its errors in the form.

    Returns
    -------
    Any or None
        The result of the act, or True when it has none. None when the form is invalid or the act
        raised a DomainError.
    """
    if not form.is_valid():
        return None
    try:
        return act() or True
    except DomainError as refused:
        placed = False
        for problem in refused.errors:
            parts = problem.pointer.strip("/").split("/")
            name = next((part for part in reversed(parts) if part in form.fields), None)
            if name is not None:
                form.add_error(name, problem.detail)
                placed = True
        if not placed:
            form.add_error(None, str(refused.detail))
        return None


def status_of(form: Form) -> int:
    """Return 422 for a form that was submitted and is invalid, else 200."""
    return 422 if form.is_bound and not form.is_valid() else 200
