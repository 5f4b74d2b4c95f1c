"""The link with which a person without an account reads a remark."""

from __future__ import annotations

from typing import Final

from lastmile.core import derived
from tenants.credentials import Credential, CredentialType, Recognised
from tenants.permissions import Kind, Principal

NAME: Final = "remark_link"


def link_secret(remark: str) -> str:
    """Return the secret of a remark's link. Every call returns the same secret."""
    return derived.secret_of(purpose=NAME, subject=remark)


class RemarkLink(CredentialType):
    """The credential for reading one remark: the secret in the address."""

    def recognise_link(self, secret: str) -> Recognised | None:
        """Return the reader, or None if the secret is unknown or has ended."""
        remark = derived.subject_of(purpose=NAME, secret=secret)
        if remark is None:
            return None
        reader = Principal(kind=Kind.LINK, public_id=remark, name="Reader", role=NAME)
        return Recognised(credential=Credential(NAME, remark, secret), principal=reader)

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the reader, or None if the link is no longer valid."""
        recognised = self.recognise_link(credential.session_key)
        return recognised.principal if recognised else None
