"""End what a member has open."""

from __future__ import annotations

from tenants.people.models import Member, Session
from tenants.people.sockets import access_changed


def end_access(member: Member) -> None:
    """Make every session of a locked member worthless, those being written just now included.

    The caller saves the member: the epoch it carries is what sessions are compared with.
    """
    member.session_epoch += 1
    Session.objects.filter(member=member).delete()
    access_changed(member.public_id)
