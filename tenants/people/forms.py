"""The forms of the people pages. They check types; services check the rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.people.models import Member
from tenants.people.selectors import hub_names
from tenants.permissions import KeyRole, Role

ROLE_NAMES = {
    Role.OWNER: _("Owner"),
    Role.MANAGER: _("Manager"),
    Role.DISPATCHER: _("Dispatcher"),
    Role.PICKER: _("Picker"),
    Role.DRIVER: _("Driver"),
    Role.READONLY: _("Read-only"),
}
KEY_ROLE_NAMES = {
    KeyRole.INTEGRATION: _("Integration"),
    KeyRole.DRIVER: _("Driver"),
    KeyRole.LOCKER: _("Locker"),
    KeyRole.CARRIER: _("Carrier"),
    KeyRole.CHECKOUT: _("Checkout"),
}
ROLE_CHOICES = {
    Role.OWNER: _("Owner: everything, including other owners"),
    Role.MANAGER: _("Manager: everything except owners"),
    Role.DISPATCHER: _("Dispatcher: orders, fleet and plans"),
    Role.PICKER: _("Picker: view orders and plans"),
    Role.DRIVER: _("Driver: the driver's app"),
    Role.READONLY: _("Read-only: view orders and plans"),
}
KEY_ROLE_CHOICES = {
    KeyRole.INTEGRATION: _("Integration: a shop or ERP that sends orders"),
    KeyRole.DRIVER: _("Driver: one driver's device"),
    KeyRole.LOCKER: _("Locker: a locker bank"),
    KeyRole.CARRIER: _("Carrier: a carrier's system"),
    KeyRole.CHECKOUT: _("Checkout: can be used in a shop's web page"),
}


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]


class LoginForm(forms.Form):
    """The form to sign in, with e-mail and password."""

    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class NewPasswordForm(forms.Form):
    """The form to set a password with a link."""

    password = forms.CharField(
        label=_("New password"),
        max_length=1024,
        strip=False,
        help_text=_("At least 10 characters. A short sentence works well."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )


class ChangePasswordForm(forms.Form):
    """The form to change one's own password."""

    old = forms.CharField(
        label=_("Current password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("New password"),
        max_length=1024,
        strip=False,
        help_text=_("At least 10 characters. A short sentence works well."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class AccountForm(forms.Form):
    """The form to change one's own name and language."""

    name = forms.CharField(label=_("Name"), max_length=120)
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=lambda: [("", _("Same as the browser")), *settings.LANGUAGES],
    )


class HubsForm(forms.Form):
    """The choice of hubs: all of them, or the ticked ones.

    ``cleaned_data["hubs"]`` is a list of public ids, or None for all hubs. If the retailer has no
    hubs, the form does not show the choice.
    """

    hub_scope = forms.ChoiceField(
        label=_("Access to hubs"),
        choices=[("all", _("All hubs")), ("some", _("Only these hubs"))],
        initial="all",
        widget=forms.RadioSelect,
    )
    hubs = forms.MultipleChoiceField(
        label=_("Hubs"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.initial.get("hubs") or []
        names = hub_names()
        choices = names | {hub: hub for hub in chosen if hub not in names}
        self.fields["hubs"].choices = list(choices.items())  # type: ignore[attr-defined]
        self.initial.setdefault("hub_scope", "some" if chosen else "all")
        if not choices:
            del self.fields["hubs"], self.fields["hub_scope"]

    def clean(self) -> dict[str, Any]:
        """Store the choice in ``hubs``: None for all hubs, else the ticked ones (at least one)."""
        data = super().clean() or {}
        scope, ticked = data.pop("hub_scope", "all"), data.get("hubs") or []
        if "hub_scope" not in self.errors and scope == "some" and not ticked:
            self.add_error("hubs", _("Select at least one hub, or choose all hubs."))
        data["hubs"] = ticked if scope == "some" else None
        return data


class MemberForm(HubsForm):
    """The form to change a member."""

    name = forms.CharField(label=_("Name"), max_length=120)
    role = forms.ChoiceField(
        label=_("Role"), choices=lambda: list(ROLE_CHOICES.items()), initial=Role.DISPATCHER
    )
    active = forms.BooleanField(label=_("Can sign in"), required=False, initial=True)

    @classmethod
    def from_member(cls, member: Member) -> MemberForm:
        """Return the form filled with a member."""
        fields = ("name", "role", "hubs", "active")
        return cls(initial={field: getattr(member, field) for field in fields})


class InviteForm(MemberForm):
    """The form to invite a member."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    field_order = ("email", "name", "role", "hub_scope", "hubs")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["active"]


class KeyForm(HubsForm):
    """The form to create an API key."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("The system that will use it, for example “Online shop”."),
    )
    role = forms.ChoiceField(label=_("Role"), choices=lambda: list(KEY_ROLE_CHOICES.items()))
    ref = forms.CharField(
        label=_("On behalf of"),
        max_length=80,
        required=False,
        help_text=_("The ID of one driver, locker bank or carrier, if the key acts for one."),
    )
    origins = forms.CharField(
        label=_("Allowed origins"),
        max_length=2000,
        required=False,
        help_text=_(
            "Only for checkout keys: addresses of the shops that can use it, for example https://shop.example."
        ),
    )

    def clean_origins(self) -> list[str]:
        """Return the origins as a list."""
        return _words(self.cleaned_data["origins"])
