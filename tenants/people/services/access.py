"""End the sessions of a member."""

from __future__ import annotations

from tenants.people.models import Member, Session
from tenants.people.sockets import access_changed


def end_access(member: Member) -> None:
    """Invalidate every session of a locked member, even one that is being created right now.

    Sessions are valid only while their epoch equals the member's. The caller saves the member.
    """
    member.session_epoch += 1
    Session.objects.filter(member=member).delete()
    access_changed(member.public_id)
