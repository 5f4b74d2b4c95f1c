"""The credential types of members and API keys, which the switchboard names."""

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
    """The session cookie of a member."""

    csrf = True

    def recognise_request(self, request: HttpRequest) -> Recognised | None:
        """Recognise the member of the session. A session that has ended is deleted."""
        if not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            return None
        session: SessionStore = request.session  # type: ignore[assignment]
        recognised = _recognise_session(session)
        if recognised is None and session.get("member"):  # ended, or from another retailer
            session.flush()
        return recognised

    def recognise_socket(self, call: SocketCall) -> Recognised | None:
        """Recognise the member of the cookie if a page of this retailer opens the socket."""
        key = call.cookies.get(settings.SESSION_COOKIE_NAME, "")
        if not key or not call.from_own_page:
            return None
        return _recognise_session(SessionStore(key))

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the member while the session is valid."""
        session = Session.objects.filter(
            session_key=credential.session_key, expire_date__gt=database_now()
        )
        if not session.exists():
            return None
        member = member_of_session(SessionStore(credential.session_key))
        if member is None or member.public_id != credential.principal_id:
            return None
        return principal_of_member(member)


def _recognise_session(session: SessionStore) -> Recognised | None:
    member = member_of_session(session)
    if member is None:
        return None
    return Recognised(
        credential=Credential("member", member.public_id, session.session_key or ""),
        principal=principal_of_member(member),
        language=member.language,
    )


class KeyBearer(CredentialType):
    """The API key of a connected system, sent as ``Authorization: Bearer <key>``."""

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Recognise the key that was sent, or say why the key is refused."""
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
        """Return the key's principal while the key is neither revoked nor expired."""
        key = ApiKey.objects.filter(public_id=credential.principal_id).first()
        return principal_of_key(key) if key is not None and key.alive else None


class Ticket(CredentialType):
    """A websocket ticket, sent as ``?ticket=``; its caller is the one who created it."""

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Use up the ticket and recognise the caller who created it."""
        secret = call.query.get("ticket", "")
        if not secret:
            return None
        credential = take_ticket(secret=secret)
        principal = current_principal(credential) if credential is not None else None
        if credential is None or principal is None:
            return Refused(_("This ticket is unknown, used or expired. Ask for a new one."))
        return Recognised(credential=credential, principal=principal)


class PasswordLink(CredentialType):
    """The link to set a member's password. It works once, within 72 hours."""

    def recognise_link(self, secret: str) -> Recognised | None:
        """Recognise the member of the link, with no right except to set the password."""
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
        """Return a message that says how to get a new link."""
        return _("This link is used or older than 72 hours. Ask an owner or manager for a new one.")
