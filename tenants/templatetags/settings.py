"""The tag ``{% settings_tabs %}``: the links to the pages under Settings."""

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
    """Return the pages under Settings that the reader can see; none if there is only one."""
    request = context["request"]
    pages: list[tuple[str, Label, Act]] = [(reverse(name), label, act) for name, act, label in TABS]
    pages[1:1] = [
        (reverse("tenants:section", args=[section.name]), section.title, Act.POLICY_VIEW)
        for section in sections().values()
    ]
    tabs = [
        {"url": url, "label": label, "here": url == request.path}
        for url, label, act in pages
        if may(request.principal, act)
    ]
    return {"tabs": tabs if len(tabs) > 1 else []}
