"""Serializer fields that the whole API shares."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from lastmile.core.clock import is_supported_date

M = TypeVar("M", bound=models.Model)


class InstantField(serializers.DateTimeField):
    """An instant with its offset (RFC 3339), 2026-05-01T08:00:00+02:00; refused without one."""

    default_error_messages = {
        "no_offset": _("Say the offset too, as in 2026-05-01T08:00:00+02:00 or …Z."),
        "out_of_range": _("Give a year from 2000 to 2100."),
    }

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        """Refuse what DRF would silently take as UTC."""
        if value.tzinfo is None:
            self.fail("no_offset")
        if not is_supported_date(value):
            self.fail("out_of_range")
        return value.astimezone(dt.UTC)

    def to_representation(self, value: Any) -> Any:
        """Return UTC with Z, the one form in which the API writes instants."""
        if isinstance(value, str):  # kept in JSON
            value = dt.datetime.fromisoformat(value)
        if not isinstance(value, dt.datetime):
            return value
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


class DateField(serializers.DateField):
    """A calendar date, 2026-05-01, of the years 2000 to 2100."""

    default_error_messages = {"out_of_range": _("Give a year from 2000 to 2100.")}

    def to_internal_value(self, value: Any) -> Any:
        """Refuse years that no delivery can have."""
        day = super().to_internal_value(value)
        if not is_supported_date(day):
            self.fail("out_of_range")
        return day


class DegreesField(serializers.FloatField):
    """Latitude or longitude; true and false are no numbers here, though Python takes them so."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        super().__init__(min_value=-most, max_value=most, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        """Refuse what only looks like a number."""
        if isinstance(data, bool):
            self.fail("invalid")
        found: float = super().to_internal_value(data)
        return found


class ModelOut(serializers.ModelSerializer[M]):
    """Base of the shapes that show a model: its instants are written as ``InstantField`` does."""

    serializer_field_mapping: ClassVar[Any] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: InstantField,
        models.DateField: DateField,
    }


def text(most: int, **kwargs: Any) -> serializers.CharField:
    """A text that is kept byte for byte."""
    return serializers.CharField(max_length=most, trim_whitespace=False, **kwargs)


def optional_text(most: int, **kwargs: Any) -> serializers.CharField:
    """A text that may be left out or empty."""
    return text(most, required=False, allow_blank=True, **kwargs)


def external_id() -> serializers.CharField:
    """The caller's own id, unique among the retailer's rows of the kind."""
    return optional_text(64, allow_null=True, help_text="Your own id, unique for this resource.")


def whole(most: int, least: int = 0, **kwargs: Any) -> serializers.IntegerField:
    """A whole number within bounds."""
    return serializers.IntegerField(min_value=least, max_value=most, **kwargs)
