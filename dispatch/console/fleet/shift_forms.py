"""The form of a shift: vehicle, driver, times on the wall, breaks."""

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
    """One row out of a list, by its public id."""

    def offer(self, rows: list[Any], empty: str = "") -> None:
        """Set what may be chosen."""
        self._rows = {row.public_id: row for row in rows}
        none = [("", empty)] if empty else []
        self.choices = [*none, *((row.public_id, row.name) for row in rows)]

    def clean(self, value: Any) -> Any:
        """Return the row, or None."""
        return self._rows.get(super().clean(value))


class ShiftForm(forms.Form):
    """One vehicle, perhaps a driver, for a time; one empty break more than there are."""

    vehicle = RowField(label=_("Vehicle"))
    driver = RowField(label=_("Driver"), required=False)
    starts = forms.TimeField(label=_("From"), widget=TimeInput(), initial=dt.time(8))
    ends = forms.TimeField(label=_("To"), widget=TimeInput(), initial=dt.time(16))

    def __init__(
        self, hub: Hub, date: dt.date, shift: Shift | None = None, data: Any = None
    ) -> None:
        self.hub, self.date, self.shift = hub, date, shift
        super().__init__(data, initial=self._start(shift) if shift else None)
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

    def _start(self, shift: Shift) -> dict[str, Any]:
        zone = clock.zone(self.hub.zone)

        def time(instant: dt.datetime) -> dt.time:
            return instant.astimezone(zone).time()

        shown: dict[str, Any] = {
            "vehicle": shift.vehicle.public_id,
            "driver": shift.driver.public_id if shift.driver else "",
            "starts": time(shift.starts_at),
            "ends": time(shift.ends_at),
        }
        for n, pause in enumerate(selectors.breaks_of(shift)):
            shown |= {
                f"break_{n}_opens": time(pause.opens_at),
                f"break_{n}_closes": time(pause.closes_at),
                f"break_{n}_minutes": pause.duration_s // 60,
                f"break_{n}_paid": pause.paid,
            }
        return shown

    @property
    def break_rows(self) -> list[list[Any]]:
        """The fields of each break, for the template."""
        parts = ("opens", "closes", "minutes", "paid")
        return [[self[f"break_{n}_{part}"] for part in parts] for n in range(self.count)]

    def clean(self) -> dict[str, Any]:
        """A break says when and how long, or nothing."""
        said: dict[str, Any] = super().clean() or {}
        for n in range(self.count):
            given = [said.get(f"break_{n}_{part}") for part in ("opens", "closes", "minutes")]
            names = [f"break_{n}_{part}" for part in ("opens", "closes", "minutes")]
            if any(v is not None for v in given) and any(v is None for v in given):
                for name, value in zip(names, given, strict=True):
                    if value is None and name not in self.errors:
                        self.add_error(
                            name, _g("Fill in this field, or leave the whole break empty.")
                        )
        return said

    def said(self) -> dict[str, Any]:
        """What the service is told."""
        said, starts = self.cleaned_data, minute_of(self.cleaned_data["starts"]) or 0
        ends = minute_of(said["ends"]) or 0
        starts_at, ends_at = selectors.shift_times(self.hub, self.date, starts, ends)

        def instant(time: dt.time) -> dt.datetime:
            """Times before the shift's start are those of the next day."""
            minute = minute_of(time) or 0
            late = minute + (1440 if minute < starts else 0)
            return clock.local_instant(self.date, late, self.hub.zone)

        told: dict[str, Any] = {
            "vehicle": said["vehicle"],
            "driver": said["driver"],
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        if self.shift is None or any(name.startswith("break_") for name in self.changed_data):
            told["breaks"] = [
                Break(
                    opens_at=instant(said[f"break_{n}_opens"]),
                    closes_at=instant(said[f"break_{n}_closes"]),
                    duration_s=said[f"break_{n}_minutes"] * 60,
                    paid=said[f"break_{n}_paid"],
                )
                for n in range(self.count)
                if said[f"break_{n}_opens"] is not None
            ]
        return told

    fields_of = {
        "starts_at": "starts",
        "ends_at": "ends",
        **{f"breaks/{n}": f"break_{n}_opens" for n in range(MAX_BREAKS)},
        "breaks": "break_0_opens",
    }


class CopyForm(forms.Form):
    """To which day a day's shifts are copied."""

    to = DateField(label=_("Copy to"))
