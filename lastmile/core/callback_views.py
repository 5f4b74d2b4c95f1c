"""The view that external systems call: POST /callbacks/<vendor>/."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from lastmile.core.callbacks import Incoming, answer_of, is_probed, receive
from lastmile.core.http.direct import Direct
from lastmile.core.http.problems import plain_problem_response, problem_from


@csrf_exempt
@require_http_methods(["POST", "GET"])
def callback(request: HttpRequest, vendor: str) -> HttpResponse:
    """Receive one callback; a repeated callback gets the same answer.

    A GET is answered only for a vendor that tests the address with one, and says nothing.
    """
    if request.method == "GET":
        return HttpResponse() if is_probed(vendor) else HttpResponseNotAllowed(["POST"])
    try:
        incoming = Incoming(
            path=request.get_full_path(),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body,
        )
        receive(vendor, incoming)
        answer = answer_of(vendor)
    except Exception as fault:  # noqa: BLE001  every exception becomes a problem answer
        return plain_problem_response(problem_from(fault))
    return HttpResponse(answer.content, content_type=answer.content_type)


callback.who_may = "a vendor, by the signature of each call"  # type: ignore[attr-defined]
callback.direct = Direct()  # type: ignore[attr-defined]
