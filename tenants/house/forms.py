"""The form that opens a retailer. It checks types; the service checks the rules."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.policy import Policy
from tenants.services import Opening, Owner


class OpenForm(forms.Form):
    """The form with names, time zone, currency, language, units and first owner of a retailer."""

    name = forms.CharField(label=_("Name"), max_length=120)
    domain = forms.CharField(
        label=_("Host name"),
        max_length=253,
        help_text=_("A single word is added in front of this installation's address."),
    )
    schema = forms.CharField(
        label=_("Schema"),
        max_length=48,
        help_text=_("Name of the database schema for its data, for example t_acme."),
    )
    zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        help_text=_("An IANA time zone, for example Europe/Lisbon."),
    )
    currency = forms.CharField(
        label=_("Currency"), max_length=3, help_text=_("An ISO 4217 code, for example EUR.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=lambda: settings.LANGUAGES)
    units = forms.ChoiceField(
        label=_("Units"),
        choices=[("metric", _("Kilometres, kilograms")), ("imperial", _("Miles, pounds"))],
    )

    owner_email = forms.EmailField(
        label=_("E-mail of the first owner"),
        max_length=254,
        help_text=_("This person invites the others. You get a link to send to them."),
    )
    owner_name = forms.CharField(label=_("Name of the first owner"), max_length=120)

    def opening(self) -> Opening:
        """Return the description of the new retailer, not yet checked."""
        values = dict(self.cleaned_data)
        names = (values.pop("schema"), values.pop("domain"))
        owner = Owner(email=values.pop("owner_email"), name=values.pop("owner_name"))
        policy = Policy(**{**values, "currency": values["currency"].upper()})
        return Opening(*names, policy, owner=owner)
