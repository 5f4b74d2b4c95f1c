"""The form of the retailer's settings. It checks shape; ``policy.check`` decides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.policy import Brand, Policy
from tenants.sections import LONGEST, Section, Setting

_FIELDS: dict[type, type[forms.Field]] = {
    bool: forms.BooleanField,
    int: forms.IntegerField,
    float: forms.FloatField,
    str: forms.CharField,
}


class SectionForm(forms.Form):
    """The form of any section of the policy, made from its settings."""

    def __init__(self, section: Section, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section
        for one in section.settings:
            self.fields[one.name] = _field(one)

    def policy(self) -> Any:
        """Return the policy that was asked for, unchecked."""
        said = self.cleaned_data
        return self.section.policy(**{one.name: said[one.name] for one in self.section.settings})


def _field(one: Setting) -> forms.Field:
    about: dict[str, Any] = {"label": one.label, "help_text": one.help}
    about["required"] = not one.optional and one.kind is not bool
    if one.choices:
        return forms.ChoiceField(choices=list(one.choices), **about)
    if one.kind in {int, float}:
        about |= {"min_value": one.least, "max_value": one.most}
    elif one.kind is str:
        about |= {"max_length": int(one.most or LONGEST), "required": False}
    return _FIELDS[one.kind](**about)


class PolicyForm(forms.Form):
    """Name, zone, currency, language, units and brand."""

    name = forms.CharField(label=_("Name"), max_length=120)
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
    hue = forms.IntegerField(
        label=_("Accent colour"),
        min_value=0,
        max_value=359,
        required=False,
        help_text=_("A hue from 0 to 359. Leave empty for the default colour."),
    )
    chroma = forms.FloatField(
        label=_("Vividness"),
        min_value=0,
        max_value=0.4,
        required=False,
        help_text=_("From 0 (grey) to 0.4. A colour that is hard to read is not accepted."),
    )
    corner = forms.FloatField(
        label=_("Corners"),
        min_value=0,
        max_value=2,
        help_text=_("0 is square, 1 is the default, 2 is round."),
    )
    logo = forms.CharField(
        label=_("Logo"),
        max_length=500,
        required=False,
        help_text=_("The https:// address of an image. Leave empty to show only the name."),
    )

    @classmethod
    def of(cls, policy: Policy) -> PolicyForm:
        """Return the form as the policy stands."""
        return cls(
            initial={
                **{f: getattr(policy, f) for f in ("name", "zone", "currency")},
                **{f: getattr(policy, f) for f in ("language", "units")},
                **{f: getattr(policy.brand, f) for f in ("hue", "chroma", "corner", "logo")},
            }
        )

    def policy(self) -> Policy:
        """Return the policy that was asked for, unchecked."""
        said = dict(self.cleaned_data)
        brand = Brand(**{f: said.pop(f) for f in ("hue", "chroma", "corner", "logo")})
        return Policy(**{**said, "currency": said["currency"].upper()}, brand=brand)
