"""``{% load settings %}{% settings_tabs %}``: the pages under Settings, as links."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.permissions import Act, may
from tenants.sections import Label, sections

register = template.Library()
TABS: tuple[tuple[str, Act, Label], ...] = (
    ("tenants:settings", Act.POLICY_VIEW, _("General")),
    ("people:members", Act.MEMBERS_VIEW, _("Members")),
    ("people:api-keys", Act.KEYS_VIEW, _("API keys")),
    ("people:audit", Act.AUDIT_VIEW, _("Audit log")),
)


@register.inclusion_tag("tenants/_settings_tabs.html", takes_context=True)
def settings_tabs(context: template.Context) -> dict[str, Any]:
    """The pages under Settings that the reader may see; nothing when there is only one."""
    request = context["request"]
    found: list[tuple[str, Label, Act]] = [(reverse(name), label, act) for name, act, label in TABS]
    found[1:1] = [
        (reverse("tenants:section", args=[one.name]), one.title, Act.POLICY_VIEW)
        for one in sections().values()
    ]
    tabs = [
        {"url": url, "label": label, "here": url == request.path}
        for url, label, act in found
        if may(request.principal, act)
    ]
    return {"tabs": tabs if len(tabs) > 1 else []}
