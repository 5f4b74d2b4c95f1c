"""The forms of the retailer's settings. They check types; ``policy.check`` checks the rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.policy import MOST_SENDER, Brand, Policy
from tenants.sections import LONGEST, Section, Setting

_FIELDS: dict[type, type[forms.Field]] = {
    bool: forms.BooleanField,
    int: forms.IntegerField,
    float: forms.FloatField,
    str: forms.CharField,
}


class SectionForm(forms.Form):
    """The form of one section of the policy, built from the settings of the section."""

    def __init__(self, section: Section, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section
        for setting in section.settings:
            self.fields[setting.name] = _field(setting)

    def policy(self) -> Any:
        """Return the policy with the values of the form, not yet checked."""
        names = [setting.name for setting in self.section.settings]
        return self.section.policy(**{name: self.cleaned_data[name] for name in names})


def _field(setting: Setting) -> forms.Field:
    options: dict[str, Any] = {"label": setting.label, "help_text": setting.help}
    options["required"] = not setting.optional and setting.kind is not bool
    if setting.choices:
        return forms.ChoiceField(choices=list(setting.choices), **options)
    if setting.kind in {int, float}:
        options |= {"min_value": setting.least, "max_value": setting.most}
    elif setting.kind is str:
        options |= {"max_length": int(setting.most or LONGEST), "required": False}
    return _FIELDS[setting.kind](**options)


_BRAND = ("sender", "hue", "chroma", "corner", "logo")


class PolicyForm(forms.Form):
    """The form with name, time zone, currency, language, units and branding."""

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
    sender = forms.CharField(
        label=_("Name for shoppers"),
        max_length=MOST_SENDER,
        required=False,
        help_text=_("Shown on shoppers' pages and in messages. Leave empty to use the name above."),
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
        help_text=_(
            "The https:// address of an image, for staff pages. Leave empty to show only the name."
        ),
    )
    logo_file = forms.FileField(
        label=_("Upload a logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
        help_text=_(
            "PNG, JPEG, WebP or GIF, at most 200 kB. Shoppers' pages show only an uploaded logo,"
            " because they load nothing from other hosts."
        ),
    )

    @classmethod
    def from_policy(cls, policy: Policy) -> PolicyForm:
        """Return the form filled with a policy."""
        return cls(
            initial={
                **{f: getattr(policy, f) for f in ("name", "zone", "currency")},
                **{f: getattr(policy, f) for f in ("language", "units")},
                **{f: getattr(policy.brand, f) for f in _BRAND},
            }
        )

    def policy(self) -> Policy:
        """Return the policy with the values of the form, not yet checked."""
        values = {name: x for name, x in self.cleaned_data.items() if name != "logo_file"}
        brand = Brand(**{f: values.pop(f) for f in _BRAND})
        return Policy(**{**values, "currency": values["currency"].upper()}, brand=brand)
