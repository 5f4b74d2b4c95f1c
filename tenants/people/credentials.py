"""The credentials of members and API keys; ``CREDENTIALS`` in the switchboard names them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from lastmile.core.timing import database_now
from tenants.credentials import (
    Credential,
    CredentialType,
    Recognised,
    Refused,
    SocketCall,
    current_principal,
)
from tenants.people.errors import LinkExpired
from tenants.people.models import ApiKey, Session
from tenants.people.selectors import (
    key_of_secret,
    member_of_session,
    principal_of_key,
    principal_of_member,
)
from tenants.people.services import mark_used, member_of_link, take_ticket
from tenants.people.sessions import SessionStore
from tenants.principals import Principal
from tenants.roles import Kind


class MemberSession(CredentialType):
    """A member by the cookie of their session."""

    csrf = True

    def recognise_request(self, request: HttpRequest) -> Recognised | None:
        """Return the member of the request's session; a session that has ended is thrown away."""
        if not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            return None
        session: SessionStore = request.session  # type: ignore[assignment]
        found = _of_session(session)
        if found is None and session.get("member"):  # ended elsewhere, or of another retailer
            session.flush()
        return found

    def recognise_socket(self, call: SocketCall) -> Recognised | None:
        """Return the member of the cookie, when a page of this retailer opens the socket."""
        key = call.cookies.get(settings.SESSION_COOKIE_NAME, "")
        if not key or not call.from_own_page:
            return None
        return _of_session(SessionStore(key))

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the member while the session lives."""
        lives = Session.objects.filter(
            session_key=credential.session_key, expire_date__gt=database_now()
        )
        if not lives.exists():
            return None
        member = member_of_session(SessionStore(credential.session_key))
        if member is None or member.public_id != credential.principal_id:
            return None
        return principal_of_member(member)


def _of_session(session: SessionStore) -> Recognised | None:
    member = member_of_session(session)
    if member is None:
        return None
    return Recognised(
        credential=Credential("member", member.public_id, session.session_key or ""),
        principal=principal_of_member(member),
        language=member.language,
    )


class KeyBearer(CredentialType):
    """A machine by ``Authorization: Bearer <key>``."""

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Return the key that was sent, or why it opens nothing."""
        if "Authorization" not in request.headers:
            return None
        scheme, _space, secret = request.headers["Authorization"].partition(" ")
        if scheme.lower() != "bearer":
            return Refused(_("Send the API key as Authorization: Bearer <key>."))
        key = key_of_secret(secret.strip())
        if key is None:
            return Refused(_("This API key is unknown, expired or revoked. Ask for a new one."))
        if key.origins and request.headers.get("Origin", "").lower() not in key.origins:
            return Refused(_("This API key cannot be used from this origin."))
        mark_used(key)
        return Recognised(
            credential=Credential("key", key.public_id), principal=principal_of_key(key)
        )

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the key while it is neither revoked nor expired."""
        key = ApiKey.objects.filter(public_id=credential.principal_id).first()
        return principal_of_key(key) if key is not None and key.alive else None


class Ticket(CredentialType):
    """A websocket ticket, ``?ticket=``: used up, it leaves the credential that it was made with."""

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Use the ticket up; return whom the credential behind it stands for."""
        secret = call.query.get("ticket", "")
        if not secret:
            return None
        credential = take_ticket(secret=secret)
        principal = current_principal(credential) if credential is not None else None
        if credential is None or principal is None:
            return Refused(_("This ticket is unknown, used or expired. Ask for a new one."))
        return Recognised(credential=credential, principal=principal)


class PasswordLink(CredentialType):
    """The link with which a member sets a password: once, within 72 hours."""

    def recognise_link(self, secret: str) -> Recognised | None:
        """Return the member whom the link is for, as somebody who may set a password only."""
        try:
            member = member_of_link(secret)
        except LinkExpired:
            return None
        return Recognised(
            credential=Credential("password_link", member.public_id),
            principal=Principal(
                kind=Kind.LINK, public_id=member.public_id, name=member.name, role="password_link"
            ),
            language=member.language,
        )

    def unknown_link_message(self) -> str:
        """Say how to get another link."""
        return _("This link is used or older than 72 hours. Ask an owner or manager for a new one.")
