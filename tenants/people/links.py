"""The links that members receive, built from the Domain row and never from a Host header."""

from __future__ import annotations

from django.urls import reverse

from tenants.links import absolute
from tenants.people.models import Member
from tenants.people.services import password_link_token


def set_password_url(member: Member) -> str:
    """Return the link to set a member's password."""
    return absolute(reverse("people:set-password", args=[password_link_token(member)]))
