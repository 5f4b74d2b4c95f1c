"""The real URLs plus a view that the pages of shops may call, and one that they may not."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.errors import Conflict
from lastmile.urls import handler400, handler403, handler404, handler500  # noqa: F401
from lastmile.urls import urlpatterns as _real
from tenants.permissions import Act, RetailerAPIView


class ForShops(RetailerAPIView):
    """A view for the pages of shops."""

    acts = {"get": Act.SELF_VIEW, "delete": Act.SELF_VIEW}
    from_shops = True

    def get(self, request: Request) -> Response:
        """Return an answer."""
        return Response({"ok": True})

    def delete(self, request: Request) -> Response:
        """Refuse."""
        raise Conflict("No. Do something else.")


class NotForShops(ForShops):
    """A view for everybody else."""

    from_shops = False


urlpatterns = [
    path("api/v1/for-shops/", ForShops.as_view(), name="for-shops"),
    path("api/v1/not-for-shops/", NotForShops.as_view(), name="not-for-shops"),
    *_real,
]
