"""The form that uploads a file of orders."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, open_hubs
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
