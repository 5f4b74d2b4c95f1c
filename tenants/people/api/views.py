"""REST v1: members, API keys, audit log, the caller, websocket tickets."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.http import cursor_page, etag, expected_version, fetch
from lastmile.core.idempotency import secret_once
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.people import links, selectors, services
from tenants.people.api import shapes
from tenants.permissions import Act, RetailerAPIView


class MembersView(RetailerAPIView):
    """The list of members."""

    acts = {"get": Act.MEMBERS_VIEW, "post": Act.MEMBERS_EDIT}

    @extend_schema(operation_id="members_list", responses=page_of(shapes.MemberOut))
    def get(self, request: Request) -> Response:
        """List members, newest first."""
        return cursor_page(request, selectors.members(), shapes.MemberOut)

    @extend_schema(
        operation_id="members_add",
        request=shapes.AddMemberIn,
        responses={201: shapes.InvitedMemberOut},
    )
    def post(self, request: Request) -> Response:
        """Add a member. Only this answer contains the link to set a password."""
        member = services.add_member(by=self.principal, **self.shape_in(shapes.AddMemberIn))
        member.set_password_url = links.set_password_url(member)  # type: ignore[attr-defined]
        answer = self.shape_out(shapes.InvitedMemberOut, member, 201, ETag=etag(member))
        return secret_once(answer, "set_password_url")


class MemberView(RetailerAPIView):
    """The view of one member."""

    acts = {"get": Act.MEMBERS_VIEW, "patch": Act.MEMBERS_EDIT}

    @extend_schema(operation_id="members_get", responses=shapes.MemberOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a member."""
        member = fetch(selectors.members(), public_id)
        return self.shape_out(shapes.MemberOut, member, ETag=etag(member))

    @extend_schema(
        operation_id="members_change",
        parameters=[IF_MATCH],
        request=shapes.ChangeMemberIn,
        responses=shapes.MemberOut,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Change a member. A change of role, hubs or ``active`` ends all sessions of the member."""
        changes: dict[str, Any] = self.shape_in(shapes.ChangeMemberIn)
        member = services.change_member(
            public_id=public_id,
            by=self.principal,
            expected_version=expected_version(request),
            **changes,
        )
        return self.shape_out(shapes.MemberOut, member, ETag=etag(member))


class MemberLinkView(RetailerAPIView):
    """The view that creates a set-password link for a member."""

    acts = {"post": Act.MEMBERS_EDIT}

    @extend_schema(
        operation_id="members_password_link", request=None, responses={201: shapes.LinkOut}
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Create a link to set a new password. It works once, within 72 hours."""
        member = services.offer_password_link(public_id=public_id, by=self.principal)
        answer = {
            "set_password_url": links.set_password_url(member),
            "expires_in_s": services.LINK_LASTS_S,
        }
        return secret_once(self.shape_out(shapes.LinkOut, answer, 201), "set_password_url")


class MemberSessionsView(RetailerAPIView):
    """The view that ends a member's sessions."""

    acts = {"delete": Act.MEMBERS_EDIT}

    @extend_schema(operation_id="members_end_sessions", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        """End all sessions of a member."""
        services.end_sessions(public_id=public_id, by=self.principal)
        return Response(status=204)


class ApiKeysView(RetailerAPIView):
    """The list of API keys."""

    acts = {"get": Act.KEYS_VIEW, "post": Act.KEYS_EDIT}

    @extend_schema(operation_id="api_keys_list", responses=page_of(shapes.ApiKeyOut))
    def get(self, request: Request) -> Response:
        """List API keys, newest first, including revoked ones."""
        return cursor_page(request, selectors.keys(), shapes.ApiKeyOut)

    @extend_schema(
        operation_id="api_keys_create",
        request=shapes.CreateKeyIn,
        responses={201: shapes.NewKeyOut},
    )
    def post(self, request: Request) -> Response:
        """Create an API key. Only this answer contains the secret; a repeated call gets null."""
        key, secret = services.create_key(**self.shape_in(shapes.CreateKeyIn))
        key.secret = secret  # type: ignore[attr-defined]
        return secret_once(self.shape_out(shapes.NewKeyOut, key, 201, ETag=etag(key)), "secret")


class ApiKeyView(RetailerAPIView):
    """The view of one API key."""

    acts = {"get": Act.KEYS_VIEW, "delete": Act.KEYS_EDIT}

    @extend_schema(operation_id="api_keys_get", responses=shapes.ApiKeyOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a key without its secret."""
        key = fetch(selectors.keys(), public_id)
        return self.shape_out(shapes.ApiKeyOut, key, ETag=etag(key))

    @extend_schema(operation_id="api_keys_revoke", responses=shapes.ApiKeyOut)
    def delete(self, request: Request, public_id: str) -> Response:
        """Revoke a key for good. This takes effect immediately."""
        key = services.revoke_key(public_id=public_id)
        return self.shape_out(shapes.ApiKeyOut, key, ETag=etag(key))


class RotateKeyView(RetailerAPIView):
    """The view that rotates a key."""

    acts = {"post": Act.KEYS_EDIT}

    @extend_schema(operation_id="api_keys_rotate", request=None, responses=shapes.NewKeyOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Give a key a new secret. The old secret stops working immediately."""
        key, secret = services.rotate_key(public_id=public_id)
        key.secret = secret  # type: ignore[attr-defined]
        return secret_once(self.shape_out(shapes.NewKeyOut, key, ETag=etag(key)), "secret")


class AuditView(RetailerAPIView):
    """The audit log."""

    acts = {"get": Act.AUDIT_VIEW}

    @extend_schema(
        operation_id="audit_list",
        parameters=[
            OpenApiParameter("subject", OpenApiTypes.STR, description="ID of the changed object."),
            OpenApiParameter(
                "actor",
                OpenApiTypes.STR,
                description="ID of the member or key that made the change.",
            ),
        ],
        responses=page_of(shapes.AuditEntryOut),
    )
    def get(self, request: Request) -> Response:
        """List who changed what, newest first; ``?subject=`` and ``?actor=`` filter the list."""
        entries = selectors.audit_entries(
            request.query_params.get("subject", ""), request.query_params.get("actor", "")
        )
        return cursor_page(request, entries, shapes.AuditEntryOut, order=("-at", "-public_id"))


class MeView(RetailerAPIView):
    """The view of the caller."""

    acts = {"get": Act.SELF_VIEW}

    @extend_schema(operation_id="me_get", responses=shapes.MeOut)
    def get(self, request: Request) -> Response:
        """Return the caller and the allowed acts."""
        return self.shape_out(shapes.MeOut, self.principal)


class TicketsView(RetailerAPIView):
    """The view that creates websocket tickets."""

    acts = {"post": Act.SOCKETS_OPEN}

    @extend_schema(
        operation_id="ws_tickets_create", request=None, responses={201: shapes.TicketOut}
    )
    def post(self, request: Request) -> Response:
        """Create a ticket that opens one websocket within 60 seconds, with the caller's rights."""
        credential: Any = request.auth
        secret, expires_at = services.issue_ticket(credential=credential)
        answer = {"ticket": secret, "expires_at": expires_at}
        return secret_once(self.shape_out(shapes.TicketOut, answer, 201), "ticket")
