"""The permission checks of pages and API views, made before anything else.

A page declares ``@page(Act.X)``, or ``@by_link("name", Act.X)`` if a secret link leads to it. An
API view declares ``acts = {"get": Act.X}``, a consumer ``act = Act.X``. A view for everybody
declares ``@open_to_all("why")``. A start-up check reads ``who_may`` of every URL and refuses a
view without a declaration.
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
TRIES = 4  # of a call whose preparation may be outdated before its transaction. Chosen.


class PageRequest(HttpRequest):
    """A request that passed ``@page`` or ``@by_link``: it has a principal."""

    principal: Principal


def open_to_all(reason: str) -> Callable[[View], View]:
    """Declare that a view is open to everybody, with the reason."""

    def mark(view: View) -> View:
        view.who_may = f"everybody: {reason}"  # type: ignore[attr-defined]
        return view

    return mark


def page(act: Act, *, post: Act | None = None) -> Callable[[View], View]:
    """Guard a page for members: ``@page(Act.X)``; ``post=`` is the act of unsafe methods.

    A visitor is sent to the sign-in page and then back. A member without the act gets 403.
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


def by_link(
    name: str,
    act: Act,
    *,
    post: Act | None = None,
    language: Callable[[HttpRequest, str], str] = language_of,
) -> Callable[[View], View]:
    """Guard a page that a secret link leads to: ``@by_link("shopper", Act.X)``.

    ``post`` is the act of unsafe methods. ``language`` chooses the language of the page from the
    request and the language of the person.

    ``name`` is the name of a credential type in the switchboard. The address contains
    ``<str:secret>``. A secret that is unknown, used or expired gets 404 in every case. The page is
    not cached, and its address is not sent to other sites. The principal is the person the link
    is for, even if another member is signed in in the same browser.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            credential = credential_type(name)
            recognised = credential.recognise_link(kwargs["secret"])
            safe = request.method in {"GET", "HEAD", "OPTIONS"}
            needed = act if safe or post is None else post
            if recognised is None or not may(recognised.principal, needed):
                raise NotFound(credential.unknown_link_message())
            request.principal = recognised.principal  # type: ignore[attr-defined]
            request.credential = recognised.credential  # type: ignore[attr-defined]
            code = language(request, recognised.language)
            with acting_as(recognised.credential.principal_id), translation.override(code):
                response = view(request, *args, **kwargs)
                response.headers["Content-Language"] = code
            # With "no-referrer" a browser would send ``Origin: null``, which CSRF refuses.
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "private, no-store"
            return response

        guarded.who_may = {"get": act, "post": post or act}  # type: ignore[attr-defined]
        return guarded

    return guard


def to_login(request: HttpRequest) -> HttpResponse:
    """Send a visitor to the sign-in page; for an htmx fragment the whole window goes there."""
    fragment = request.headers.get("HX-Request") == "true"
    back = "" if fragment or request.method != "GET" else request.get_full_path()
    query = f"?{urlencode({'next': back})}" if back and back != reverse("home:start") else ""
    url = reverse("people:login") + query
    if fragment:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


class RetailerAPIView(APIView):
    """The base class of API views: ``acts = {"get": Act.X, "post": Act.Y}``; all else is denied.

    ``request.principal`` is the caller. Unsafe calls run inside the idempotency wrapper, which
    opens the outer transaction.
    """

    acts: ClassVar[Mapping[str, Act]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    from_shops: ClassVar[bool] = False  # True: pages of shops may call it (tenants.people.cors)
    idempotent: ClassVar[bool] = True  # False if each item of a batch has its own client UUID
    #: Codes of problems after which the call is prepared and tried again, at most TRIES times.
    tried_again_after: ClassVar[frozenset[str]] = frozenset()
    is_last_try = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request as DRF does, but run unsafe methods inside the idempotency wrapper."""
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
        """Refuse parameters that the declaration of the operation does not have."""
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
            response: Response = handler(self.request, *self.args, **self.kwargs)
            return response

        if method not in UNSAFE or not self.idempotent:
            return act()
        for left in reversed(range(TRIES if self.tried_again_after else 1)):
            self.is_last_try = not left
            self.before_transaction(method)
            caller = self.principal
            call = call_of(self.request, caller.public_id, required=caller.kind != Kind.MEMBER)
            response = run_once(call, act, self.handle_exception)
            if self.is_last_try or _code_of(response) not in self.tried_again_after:
                break
        return response

    def before_transaction(self, method: str) -> None:
        """Do work that must not happen inside the transaction, such as calling an outside provider.

        It also runs for repeated calls and before each try, so it must not write anything. By
        default it does nothing.
        """

    @property
    def principal(self) -> Principal:
        """The caller. ``initial`` has checked that there is one."""
        principal: Principal = self.request.user  # type: ignore[assignment]
        return principal

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Recognise the caller, then check the act of the method in the permission table."""
        super().initial(request, *args, **kwargs)
        request.principal = request.user  # type: ignore[attr-defined]

    def check_permissions(self, request: Request) -> None:
        """Check the act of the method; a method without an act is denied."""
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
        """Return an object as JSON; ``headers`` can be ``ETag=`` and ``Location=``."""
        shape = serializer(instance, context={"request": self.request})
        return Response(shape.data, status=status, headers=headers or None)


def _code_of(response: Response) -> str:
    """Return the code of a problem, "" for a response that is none."""
    data = response.data if response.status_code >= 400 else None
    return str(data.get("code", "")) if isinstance(data, Mapping) else ""


def require_any(principal: Principal, acts: Mapping[str, Act]) -> None:
    """Raise NotAllowed unless one of the acts is granted.

    It guards OPTIONS and methods that the view does not have, whose answer is 405.
    """
    if not any(may(principal, act) for act in acts.values()):
        raise NotAllowed(_("Your role does not allow this. Ask an owner or manager."))
