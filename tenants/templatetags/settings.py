"""``{% load settings %}{% settings_tabs %}``: the pages under Settings, as links."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.permissions import Act, may

register = template.Library()
TABS = (
    ("tenants:settings", Act.POLICY_VIEW, _("General")),
    ("people:members", Act.MEMBERS_VIEW, _("Members")),
    ("people:api-keys", Act.KEYS_VIEW, _("API keys")),
    ("people:audit", Act.AUDIT_VIEW, _("Audit")),
)


@register.inclusion_tag("tenants/_settings_tabs.html", takes_context=True)
def settings_tabs(context: template.Context) -> dict[str, Any]:
    """The pages under Settings that the reader may see; nothing when there is only one."""
    request = context["request"]
    found = [
        {"url": reverse(name), "label": label, "here": reverse(name) == request.path}
        for name, act, label in TABS
        if may(request.principal, act)
    ]
    return {"tabs": found if len(found) > 1 else []}
