"""Services on members, API keys and sessions. Import them from here."""

from tenants.people.services.audit import audit, changed
from tenants.people.services.erasing import erase_person
from tenants.people.services.first_owner import add_first_owner, store_first_owner
from tenants.people.services.images import keep_image
from tenants.people.services.keys import create_key, mark_used, revoke_key, rotate_key
from tenants.people.services.login import log_in
from tenants.people.services.members import (
    add_member,
    change_member,
    change_self,
    end_sessions,
    offer_password_link,
)
from tenants.people.services.passwords import (
    LINK_LASTS_S,
    change_password,
    member_of_link,
    password_link_token,
    set_password_by_link,
)
from tenants.people.services.sections import set_section
from tenants.people.services.tickets import issue_ticket, take_ticket
from tenants.people.services.tidy import tidy
from tenants.people.sockets import access_changed

__all__ = [
    "LINK_LASTS_S",
    "access_changed",
    "add_first_owner",
    "add_member",
    "audit",
    "change_member",
    "change_password",
    "change_self",
    "changed",
    "create_key",
    "end_sessions",
    "erase_person",
    "issue_ticket",
    "keep_image",
    "log_in",
    "mark_used",
    "member_of_link",
    "offer_password_link",
    "password_link_token",
    "revoke_key",
    "rotate_key",
    "set_password_by_link",
    "set_section",
    "store_first_owner",
    "take_ticket",
    "tidy",
]
