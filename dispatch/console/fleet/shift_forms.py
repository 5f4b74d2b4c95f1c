"""The form of a shift: vehicle, driver, local times and breaks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.fleet import selectors
from dispatch.fleet.breaks import MAX_BREAKS, Break
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle
from lastmile.core import clock
from lastmile.core.http.forms import DateField, TimeInput, minute_of


class RowField(forms.ChoiceField):
    """A choice among rows by public id; its value is the row."""

    def offer(self, rows: list[Any], empty: str = "") -> None:
        """Set the rows that can be chosen; ``empty`` labels the choice of no row, if allowed."""
        self._rows = {row.public_id: row for row in rows}
        none = [("", empty)] if empty else []
        self.choices = [*none, *((row.public_id, row.name) for row in rows)]

    def clean(self, value: Any) -> Any:
        """Return the chosen row, or None if none was chosen."""
        return self._rows.get(super().clean(value))


class ShiftForm(forms.Form):
    """The form of a shift; it has one empty break more than the shift."""

    vehicle = RowField(label=_("Vehicle"))
    driver = RowField(label=_("Driver"), required=False)
    starts = forms.TimeField(label=_("From"), widget=TimeInput(), initial=dt.time(8))
    ends = forms.TimeField(label=_("To"), widget=TimeInput(), initial=dt.time(16))

    def __init__(
        self, hub: Hub, date: dt.date, shift: Shift | None = None, data: Any = None
    ) -> None:
        self.hub, self.date, self.shift = hub, date, shift
        super().__init__(data, initial=self._initial_values(shift) if shift else None)
        vehicles = list(Vehicle.objects.filter(hub=hub, active=True))
        drivers = list(Driver.objects.filter(hub=hub, active=True))
        if shift and shift.vehicle not in vehicles:
            vehicles.append(shift.vehicle)
        if shift and shift.driver and shift.driver not in drivers:
            drivers.append(shift.driver)
        self.fields["vehicle"].offer(vehicles)  # type: ignore[attr-defined]
        self.fields["driver"].offer(drivers, _g("No driver yet"))  # type: ignore[attr-defined]
        self.count = min(MAX_BREAKS, len(shift.breaks) + 1 if shift else 1)
        for n in range(self.count):
            optional: dict[str, Any] = {"required": False}
            self.fields[f"break_{n}_opens"] = forms.TimeField(
                label=_("Starts between"), widget=TimeInput(), **optional
            )
            self.fields[f"break_{n}_closes"] = forms.TimeField(
                label=_("and"), widget=TimeInput(), **optional
            )
            self.fields[f"break_{n}_minutes"] = forms.IntegerField(
                label=_("Minutes"), min_value=1, max_value=240, **optional
            )
            self.fields[f"break_{n}_paid"] = forms.BooleanField(label=_("Paid"), **optional)

    def _initial_values(self, shift: Shift) -> dict[str, Any]:
        zone = clock.zone(self.hub.zone)

        def time(instant: dt.datetime) -> dt.time:
            return instant.astimezone(zone).time()

        values: dict[str, Any] = {
            "vehicle": shift.vehicle.public_id,
            "driver": shift.driver.public_id if shift.driver else "",
            "starts": time(shift.starts_at),
            "ends": time(shift.ends_at),
        }
        for n, pause in enumerate(selectors.breaks_of(shift)):
            values |= {
                f"break_{n}_opens": time(pause.opens_at),
                f"break_{n}_closes": time(pause.closes_at),
                f"break_{n}_minutes": pause.duration_s // 60,
                f"break_{n}_paid": pause.paid,
            }
        return values

    @property
    def break_rows(self) -> list[list[Any]]:
        """The fields of each break, for the template."""
        parts = ("opens", "closes", "minutes", "paid")
        return [[self[f"break_{n}_{part}"] for part in parts] for n in range(self.count)]

    def clean(self) -> dict[str, Any]:
        """Require all fields of a break, or none."""
        data: dict[str, Any] = super().clean() or {}
        for n in range(self.count):
            values = [data.get(f"break_{n}_{part}") for part in ("opens", "closes", "minutes")]
            names = [f"break_{n}_{part}" for part in ("opens", "closes", "minutes")]
            if any(v is not None for v in values) and any(v is None for v in values):
                for name, value in zip(names, values, strict=True):
                    if value is None and name not in self.errors:
                        self.add_error(
                            name, _g("Fill in this field, or leave the whole break empty.")
                        )
        return data

    def values(self) -> dict[str, Any]:
        """Return the keyword arguments of the service."""
        data, starts = self.cleaned_data, minute_of(self.cleaned_data["starts"]) or 0
        ends = minute_of(data["ends"]) or 0
        starts_at, ends_at = selectors.shift_times(self.hub, self.date, starts, ends)

        def instant(time: dt.time) -> dt.datetime:
            """Return the instant of a local time; a time before the shift's start is next day's."""
            minute = minute_of(time) or 0
            late = minute + (1440 if minute < starts else 0)
            return clock.local_instant(self.date, late, self.hub.zone)

        values: dict[str, Any] = {
            "vehicle": data["vehicle"],
            "driver": data["driver"],
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        if self.shift is None or any(name.startswith("break_") for name in self.changed_data):
            values["breaks"] = [
                Break(
                    opens_at=instant(data[f"break_{n}_opens"]),
                    closes_at=instant(data[f"break_{n}_closes"]),
                    duration_s=data[f"break_{n}_minutes"] * 60,
                    paid=data[f"break_{n}_paid"],
                )
                for n in range(self.count)
                if data[f"break_{n}_opens"] is not None
            ]
        return values

    fields_by_pointer = {
        "starts_at": "starts",
        "ends_at": "ends",
        **{f"breaks/{n}": f"break_{n}_opens" for n in range(MAX_BREAKS)},
        "breaks": "break_0_opens",
    }


class CopyForm(forms.Form):
    """The form to choose the day to which shifts are copied."""

    to = DateField(label=_("Copy to"))
