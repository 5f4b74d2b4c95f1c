"""The middleware for addresses that shoppers read, also for errors under them."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from portal.shopper.language import shopper_language


class ShopperMiddleware:
    """Answers under ``SHOPPER_PATHS`` in a language for shoppers, with error pages for them.

    A page of an order then takes the language of its shopper into account (``@shopper_page``).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Choose the language and the template of errors, then answer."""
        if not request.path.startswith(tuple(settings.SHOPPER_PATHS)):
            return self.get_response(request)
        if request.path.startswith(settings.SECRET_PATHS):
            request.problem_template = "shopper/problem.html"  # type: ignore[attr-defined]
        request.shopper_languages = settings.SHOPPER_LANGUAGES  # type: ignore[attr-defined]
        code = shopper_language(request)
        with translation.override(code):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", code)
        return response
