"""Pages of the channel accounts: set up, test, switch on and off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lastmile.core.errors import Invalid
from lastmile.core.http.forms import apply_form, status_of, version_of
from lastmile.core.limits import CallLimit, count_call
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.base import AccountCheck
from notifications.channels.twilio_credentials import can_be_called, is_one_way, replies_url
from notifications.models import AccountKind, ChannelAccount
from notifications.selectors import account_words as words
from notifications.selectors import accounts as selectors
from notifications.selectors.accounts import Health
from notifications.selectors.push import key_of
from notifications.services import accounts as services
from notifications.services.account_shapes import AccountShape, shapes_of
from notifications.services.testing import send_push_test
from tenants.permissions import Act, PageRequest, page
from tenants.selectors import is_trial

_ORDER = (
    *("account_sid", "api_key", "api_secret", "auth_token", "service", "sender"),
    *("host", "port", "security", "user", "password", "from", "reply_to"),
)


class AccountForm(forms.Form):
    """The values of an account. The service checks their rules."""

    per_s = forms.DecimalField(
        label=words.RATE_NAME,
        help_text=words.RATE_HINT,
        max_digits=7,
        decimal_places=2,
        error_messages={"invalid": gettext_lazy("Write a number, such as 10.")},
    )

    def __init__(
        self, channel: str, shape: AccountShape, account: ChannelAccount | None, data: Any = None
    ) -> None:
        super().__init__(data)
        self.shape = shape
        is_same = account is not None and f"{account.kind}-{account.source}" == shape.key
        stored = account if is_same else None
        self.fields["per_s"].initial = _trimmed(account.per_s) if account is not None else "10"
        if not shape.fields:
            del self.fields["per_s"]
        for name in shape.fields:
            label, hint = words.FIELDS[name]
            if name == "sender" and channel == "sms":
                hint = words.SENDER_OF_SMS
            initial = stored.settings.get(name, "") if stored else ""
            if name in words.CHOICES:
                self.fields[name] = forms.ChoiceField(
                    label=str(label),
                    help_text=str(hint),
                    choices=words.CHOICES[name],
                    initial=initial,
                )
                continue
            self.fields[name] = forms.CharField(
                label=str(label),
                help_text=str(hint),
                required=False,
                max_length=200,
                initial=initial,
            )
            self.fields[name].widget.attrs |= {"dir": "ltr", "autocomplete": "off"}
        for name in shape.secrets:
            label, hint = words.FIELDS[name]
            if stored and stored.secrets.get(name):
                hint = words.KEPT_SECRET
            self.fields[name] = forms.CharField(
                label=str(label),
                help_text=str(hint),
                required=False,
                max_length=200,
                widget=forms.PasswordInput(attrs={"dir": "ltr", "autocomplete": "new-password"}),
            )
        self.order_fields(_ORDER)

    def draft(self) -> services.AccountDraft:
        """Return the values for the service."""
        values = self.cleaned_data
        return services.AccountDraft(
            shape=self.shape.key,
            values={name: values[name] for name in self.shape.fields},
            secrets={name: values[name] for name in self.shape.secrets},
            **({"per_s": values["per_s"]} if "per_s" in values else {}),
        )


@page(Act.CHANNELS_EDIT)
@require_safe
def account_list(request: PageRequest) -> HttpResponse:
    """Show each channel with its provider, and whether it sends."""
    rows = [
        _card(channel, account)
        for channel, account in selectors.accounts().items()
        if account is not None or shapes_of(channel)
    ]
    return render(
        request, "messages/accounts.html", {"rows": rows, "is_trial": is_trial(current_schema())}
    )


@page(Act.CHANNELS_EDIT)
@require_http_methods(["GET", "POST"])
def account_page(request: PageRequest, channel: str) -> HttpResponse:
    """Show and change the account of a channel. The button "Save and test" asks the provider."""
    account = selectors.account_of(channel)
    shape = _chosen(request, channel, account)
    data = request.POST if request.method == "POST" else None
    form = AccountForm(channel, shape, account, data)
    version = version_of(request)
    saved = apply_form(
        form, lambda: services.set_account(channel=channel, draft=form.draft(), version=version)
    )
    if saved is None:
        return _account_response(request, channel, account, form)
    if request.POST.get("then") == "test":
        check = services.check_account(account=saved)
        present = selectors.account_of(channel)
        form = AccountForm(channel, shape, present)
        return _account_response(request, channel, present, form, check=check)
    messages.success(request, _("Saved."))
    return redirect("messages:account", channel)


@page(Act.CHANNELS_EDIT)
@require_POST
def account_switch(request: PageRequest, channel: str) -> HttpResponse:
    """Switch a channel on or off, or end its pause."""
    account = selectors.account_of(channel)
    if account is None:
        raise unknown()
    version = version_of(request)
    match request.POST.get("what"):
        case "on":
            services.switch_on(account=account, version=version)
            messages.success(request, _("The channel is on."))
        case "off":
            services.switch_off(account=account, version=version)
            messages.success(request, _("The channel is off."))
        case "resume":
            services.resume(account=account)
            messages.success(request, _("The channel sends again."))
        case _other:
            raise Invalid(_("This form is invalid. Reload the page."))
    return redirect("messages:account", channel)


@page(Act.CHANNELS_EDIT)
@require_POST
def push_test(request: PageRequest) -> HttpResponse:
    """Send a test to the browser of the member, and show what its push service answered."""
    account = selectors.account_of(ChannelKey.PUSH)
    if account is None or account.kind != AccountKind.VAPID:
        raise unknown()
    most = settings.LIMIT_SHOPPER_LINK_PER_MINUTE
    limit = CallLimit(scope="push.test", subject=request.principal.public_id, most=most)
    count_call([limit])
    check, host = send_push_test(account=account, text=request.POST.get("subscription", ""))
    advice = "" if check.ok else words.push_advice(check.code)
    context = {"check": check, "host": host, "advice": advice}
    return render(request, "messages/_push_test.html", context)


def _chosen(request: PageRequest, channel: str, account: ChannelAccount | None) -> AccountShape:
    """Return the provider that the address names, else the present one, else the first."""
    shapes = {shape.key: shape for shape in shapes_of(channel)}
    if not shapes:
        raise unknown()
    present = f"{account.kind}-{account.source}" if account is not None else ""
    for key in (request.GET.get("provider", ""), present):
        if key in shapes:
            return shapes[key]
    return next(iter(shapes.values()))


def _card(channel: str, account: ChannelAccount | None) -> dict[str, Any]:
    name, purpose = words.CHANNELS[channel]
    return {
        "channel": channel,
        "name": name,
        "purpose": purpose,
        "health": selectors.health_of(account).value,
        "account": account,
        "provider": words.PROVIDERS.get(f"{account.kind}-{account.source}") if account else "",
        "advice": words.advice(account.paused_code) if account and account.paused_code else "",
    }


def _account_response(
    request: PageRequest,
    channel: str,
    account: ChannelAccount | None,
    form: AccountForm,
    *,
    check: AccountCheck | None = None,
) -> HttpResponse:
    by_twilio = form.shape.kind == AccountKind.TWILIO
    card = _card(channel, account)
    context = card | {
        "form": form,
        "check": check,
        "check_advice": words.advice(check.code) if check and not check.ok else "",
        "documentation": words.documentation(check.code) if check and by_twilio else "",
        "paused_page": words.documentation(account.paused_code) if account and by_twilio else "",
        "version": account.version if account is not None else "",
        "providers": [
            (shape.key, words.PROVIDERS[shape.key], shape.key == form.shape.key)
            for shape in shapes_of(channel)
        ],
        "is_stored": account is not None and f"{account.kind}-{account.source}" == form.shape.key,
        "replies_url": replies_url() if by_twilio else "",
        "push_key": key_of(account),
        "push_scope": settings.SHOPPER_PATH,
        "is_one_way": channel == ChannelKey.SMS and account is not None and is_one_way(account),
        "replies_wrong": bool(check and check.ok and by_twilio and _replies_elsewhere(check)),
        "can_be_called": can_be_called(),
        "is_trial": is_trial(current_schema()) and form.shape.kind != AccountKind.NULL,
        "may_switch_on": card["health"] in {Health.OFF, Health.COPIED},
    }
    return render(request, "messages/account.html", context, status=status_of(form))


def _trimmed(number: Decimal) -> str:
    """Return a number without zeros after its last digit."""
    return format(number.normalize(), "f")


def _replies_elsewhere(check: AccountCheck) -> bool:
    """Return True if the messaging service gives replies to another address."""
    return "replies_to" in check.facts and check.facts["replies_to"] != replies_url()
