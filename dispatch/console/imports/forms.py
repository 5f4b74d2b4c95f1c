"""The form by which a file of orders comes in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.desk import HubField, open_hubs, today
from tenants.permissions import Principal


class DateInput(forms.DateInput):
    """A date as the browser's own picker wants it."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ImportForm(forms.Form):
    """A file, and what counts for rows that say nothing else."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        error_messages={"required": _("Choose a file first.")},
    )
    hub = HubField(
        label=_("Hub of rows that name none"), required=False,
    )  # fmt: skip
    service_date = forms.DateField(
        label=_("Date of rows that have none"), required=False, widget=DateInput()
    )

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        limited = principal.hubs is not None
        hub.required = limited
        hub.offer(open_hubs(principal), "" if limited else _g("By zone, else the nearest hub"))
        self.fields["service_date"].initial = today() + dt.timedelta(days=1)
