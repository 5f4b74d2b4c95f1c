"""Who may: the principal of a request, and the checks that every face makes before anything else.

A page says ``@page(Act.X)``, or ``@by_link("name", Act.X)`` when a secret link leads to it; an API
view ``acts = {"get": Act.X}``, a consumer ``act = Act.X``;
what stands open to everybody says ``@open_to_all("why")``. A boot check reads ``who_may`` from
every URL, so that silence is never permission.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from lastmile.core.actor import acting_as
from lastmile.core.errors import NotAllowed, NotFound
from lastmile.core.http.strict import declared, refuse_undeclared, validated
from lastmile.core.idempotency import call_of, run_once
from tenants.credentials import credential_type
from tenants.languages import language_of
from tenants.principals import Principal, may, require, visible
from tenants.roles import TABLE, Act, Grant, KeyRole, Kind, Role

__all__ = [
    "TABLE",
    "Act",
    "Grant",
    "KeyRole",
    "Kind",
    "PageRequest",
    "Principal",
    "RetailerAPIView",
    "Role",
    "by_link",
    "may",
    "open_to_all",
    "page",
    "require",
    "visible",
]

View = Callable[..., HttpResponseBase]
UNSAFE = frozenset({"post", "put", "patch", "delete"})


class PageRequest(HttpRequest):
    """The request of a page that ``@page`` or ``@by_link`` lets in: it has a principal."""

    principal: Principal


def open_to_all(reason: str) -> Callable[[View], View]:
    """Mark a view that needs no principal, and say why."""

    def mark(view: View) -> View:
        view.who_may = f"everybody: {reason}"  # type: ignore[attr-defined]
        return view

    return mark


def page(act: Act, *, post: Act | None = None) -> Callable[[View], View]:
    """Guard a page for members: ``@page(Act.X)``; ``post=`` names the act of unsafe methods.

    A stranger is led to the login page and back; a member without the act gets 403.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            principal: Principal | None = getattr(request, "principal", None)
            if principal is None or principal.kind != Kind.MEMBER:
                return to_login(request)
            safe = request.method in {"GET", "HEAD", "OPTIONS"}
            require(principal, act if safe or post is None else post)
            return view(request, *args, **kwargs)

        guarded.who_may = {"get": act, "post": post or act}  # type: ignore[attr-defined]
        return guarded

    return guard


def by_link(name: str, act: Act) -> Callable[[View], View]:
    """Guard a page that a secret link leads to: ``@by_link("shopper", Act.X)``.

    ``name`` is the name of a credential in the switchboard. The address holds ``<str:secret>``.
    A secret that is unknown, used up or too old gets one answer: 404. A page that is shown goes
    into no cache and its address goes to no other site. The reader is who the link is for, even
    when somebody is signed in in the same browser.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            credential = credential_type(name)
            found = credential.recognise_link(kwargs["secret"])
            if found is None or not may(found.principal, act):
                raise NotFound(credential.unknown_link_message())
            request.principal = found.principal  # type: ignore[attr-defined]
            request.credential = found.credential  # type: ignore[attr-defined]
            language = language_of(request, found.language)
            with acting_as(found.credential.principal_id), translation.override(language):
                response = view(request, *args, **kwargs)
                response.headers["Content-Language"] = language
            # Not no-referrer: a browser would then post ``Origin: null``, which CSRF refuses.
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "private, no-store"
            return response

        guarded.who_may = {"get": act, "post": act}  # type: ignore[attr-defined]
        return guarded

    return guard


def to_login(request: HttpRequest) -> HttpResponse:
    """Lead a stranger to the login page; htmx fragments make the whole window go there."""
    fragment = request.headers.get("HX-Request") == "true"
    back = "" if fragment or request.method != "GET" else request.get_full_path()
    asked = f"?{urlencode({'next': back})}" if back and back != reverse("home:start") else ""
    url = reverse("people:login") + asked
    if fragment:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


class RetailerAPIView(APIView):
    """Base of every API view: ``acts = {"get": Act.X, "post": Act.Y}``; the rest is denied.

    ``request.principal`` is the caller. Unsafe calls run inside the idempotency wrapper, which is
    the one outer transaction: services underneath stay as they are.
    """

    acts: ClassVar[Mapping[str, Act]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    idempotent: ClassVar[bool] = True  # False where each item of a batch brings its own client UUID

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do as DRF does, with unsafe methods inside the idempotency wrapper."""
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, *args, **kwargs)
            self._refuse_undeclared()
            response = self._answer()
        except Exception as fault:  # noqa: BLE001  every exception becomes a problem answer
            response = self.handle_exception(fault)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def _refuse_undeclared(self) -> None:
        """Refuse by name what the operation's declaration does not know."""
        method = (self.request.method or "").lower().replace("head", "get")
        if method in self.http_method_names and hasattr(self, method):
            view: Any = type(self)
            refuse_undeclared(self.request, declared(view, method))

    def _answer(self) -> Response:
        method = (self.request.method or "").lower()
        handler = self.http_method_not_allowed
        if method in self.http_method_names:
            handler = getattr(self, method, handler)

        def act() -> Response:
            found: Response = handler(self.request, *self.args, **self.kwargs)
            return found

        if method not in UNSAFE or not self.idempotent:
            return act()
        self.before_transaction(method)
        caller = self.principal
        call = call_of(self.request, caller.public_id, required=caller.kind != Kind.MEMBER)
        return run_once(call, act, self.handle_exception)

    def before_transaction(self, method: str) -> None:
        """Do what may not happen in the call's transaction, such as asking a provider outside.

        It runs for repeated calls too, and writes nothing. By default it does nothing.
        """

    @property
    def principal(self) -> Principal:
        """The caller; the checks of ``initial`` have seen to it that there is one."""
        principal: Principal = self.request.user  # type: ignore[assignment]
        return principal

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Recognise the caller, then look the method's act up in the table."""
        super().initial(request, *args, **kwargs)
        request.principal = request.user  # type: ignore[attr-defined]

    def check_permissions(self, request: Request) -> None:
        """Deny by default: no act for the method, no entry."""
        if request.user is None:
            self.permission_denied(request)
        method = (request.method or "").lower().replace("head", "get")
        if method not in self.http_method_names or not hasattr(self, method):
            return require_any(self.principal, self.acts)
        act = self.acts.get(method)
        if act is None:
            raise NotAllowed(_("This action is not allowed."))
        return require(self.principal, act)

    def shape_in(self, serializer: type[BaseSerializer[Any]], **kwargs: Any) -> dict[str, Any]:
        """Return the validated body; raises Invalid (422 with JSON pointers)."""
        data: dict[str, Any] = validated(serializer(data=self.request.data, **kwargs))
        return data

    def shape_out(
        self,
        serializer: type[BaseSerializer[Any]],
        instance: Any,
        status: int = 200,
        **headers: str,
    ) -> Response:
        """Return one thing as JSON; ``headers`` take ``ETag=``, ``Location=``."""
        shape = serializer(instance, context={"request": self.request})
        return Response(shape.data, status=status, headers=headers or None)


def require_any(principal: Principal, acts: Mapping[str, Act]) -> None:
    """Pass HEAD and OPTIONS, and the 405 of other methods, for whom one of the acts is granted."""
    if not any(may(principal, act) for act in acts.values()):
        raise NotAllowed(_("Your role does not allow this. Ask an owner or manager."))
