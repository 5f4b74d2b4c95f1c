"""The forms of imports: upload a file of orders, match its columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, open_hubs
from dispatch.console.imports import words
from dispatch.intake.parse.columns import COLUMNS
from dispatch.intake.parse.headings import Heading
from lastmile.core.http.forms import DateField
from tenants.permissions import Principal
from tenants.selectors import today


class ImportForm(forms.Form):
    """A file of orders, with the hub and the date for rows without their own."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        error_messages={"required": _("Choose a file first.")},
    )
    hub = HubField(
        label=_("Hub for rows without a hub"), required=False,
    )  # fmt: skip
    service_date = DateField(label=_("Date for rows without a date"), required=False)

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        limited = principal.hubs is not None
        hub.required = limited
        hub.offer(open_hubs(principal), "" if limited else _g("By zone, or the nearest hub"))
        self.fields["service_date"].initial = today() + dt.timedelta(days=1)


class ColumnsForm(forms.Form):
    """A menu of columns for each heading of a file.

    A heading that may hold the day or the time of delivery has no answer until a person chooses.
    """

    UNUSED = "-"

    def __init__(self, headings: Sequence[Heading], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headings = headings
        names = [column.name for column in COLUMNS]
        for one in headings:
            own = [one.column] if one.column and one.column not in names else []
            field = forms.ChoiceField(
                label=one.text or _g("No heading"),
                required=False,
                choices=[
                    *([("", _("Choose…"))] if one.may_promise else []),
                    (self.UNUSED, _("Not used")),
                    *((name, words.COLUMNS[name]) for name in [*own, *names]),
                ],
            )
            field.initial = one.column or ("" if one.may_promise else self.UNUSED)
            self.fields[self.field_of(one)] = field

    @staticmethod
    def field_of(heading: Heading) -> str:
        """Return the name of the field of a heading."""
        return f"column-{heading.position}"

    def rows(self) -> list[tuple[Heading, forms.BoundField]]:
        """Return each heading with its field."""
        return [(one, self[self.field_of(one)]) for one in self.headings]

    def match(self) -> Mapping[str, str]:
        """Return the answers as {label: name of the column, "" if it is not used}."""
        answers = ((one.label, self.cleaned_data[self.field_of(one)]) for one in self.headings)
        return {label: "" if name == self.UNUSED else name for label, name in answers if name}
