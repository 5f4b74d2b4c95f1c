"""Serializer fields that all parts of the API share."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from lastmile.core.clock import is_supported_date

M = TypeVar("M", bound=models.Model)


class InstantField(serializers.DateTimeField):
    """An instant with a UTC offset (RFC 3339), such as 2026-05-01T08:00:00+02:00.

    An instant without an offset is refused.
    """

    default_error_messages = {
        "no_offset": _("Add the UTC offset, as in 2026-05-01T08:00:00+02:00 or …Z."),
        "out_of_range": _("Use a year from 2000 to 2100."),
    }

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        """Refuse an instant without an offset, which DRF would silently read as UTC."""
        if value.tzinfo is None:
            self.fail("no_offset")
        if not is_supported_date(value):
            self.fail("out_of_range")
        return value.astimezone(dt.UTC)

    def to_representation(self, value: Any) -> Any:
        """Return the instant in UTC with Z, the only form that the API writes."""
        if isinstance(value, str):  # a value that was stored as JSON
            value = dt.datetime.fromisoformat(value)
        if not isinstance(value, dt.datetime):
            return value
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


class DateField(serializers.DateField):
    """A calendar date, such as 2026-05-01, in the years 2000 to 2100."""

    default_error_messages = {"out_of_range": _("Use a year from 2000 to 2100.")}

    def to_internal_value(self, value: Any) -> Any:
        """Refuse years outside 2000 to 2100."""
        day = super().to_internal_value(value)
        if not is_supported_date(day):
            self.fail("out_of_range")
        return day


class DegreesField(serializers.FloatField):
    """A latitude or longitude; true and false, which Python reads as 1 and 0, are refused."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        super().__init__(min_value=-most, max_value=most, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        """Return the number; refuse true and false."""
        if isinstance(data, bool):
            self.fail("invalid")
        degrees: float = super().to_internal_value(data)
        return degrees


class ModelOut(serializers.ModelSerializer[M]):
    """The base of serializers that show a model. It writes instants as ``InstantField`` does."""

    serializer_field_mapping: ClassVar[Any] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: InstantField,
        models.DateField: DateField,
    }


def text(most: int, **kwargs: Any) -> serializers.CharField:
    """Return a text field that keeps the text unchanged, white space included."""
    return serializers.CharField(max_length=most, trim_whitespace=False, **kwargs)


def optional_text(most: int, **kwargs: Any) -> serializers.CharField:
    """Return a text field that may be missing or empty."""
    return text(most, required=False, allow_blank=True, **kwargs)


def external_id() -> serializers.CharField:
    """Return the field for the caller's own id, unique among the retailer's rows of one model."""
    return optional_text(64, allow_null=True, help_text="Your own id, unique for this resource.")


def whole(most: int, least: int = 0, **kwargs: Any) -> serializers.IntegerField:
    """Return a field for a whole number from ``least`` to ``most``."""
    return serializers.IntegerField(min_value=least, max_value=most, **kwargs)
