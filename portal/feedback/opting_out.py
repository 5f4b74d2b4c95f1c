"""The page that ends messages to one contact."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from lastmile.core.http import fetch
from lastmile.core.limits import CallLimit, count_call
from notifications.links import NAME
from notifications.models import Contact
from notifications.selectors import contacts as selectors
from notifications.services.contacts import start_all, stop_all
from portal.feedback.words import shown_address
from portal.shopper.language import shopper_language
from tenants.permissions import Act, PageRequest, by_link


@csrf_exempt
@by_link(NAME, Act.CONTACT_VIEW, post=Act.CONTACT_CHANGE, language=shopper_language)
@require_http_methods(["GET", "HEAD", "POST"])
def opt_out(request: PageRequest, secret: str) -> HttpResponse:
    """Show a button that ends messages to one contact; a POST ends them.

    A GET changes nothing, because mail scanners open every link. Mail programs send the POST
    without a cookie (RFC 8058), so the secret in the address alone is the proof.
    """
    contact = fetch(Contact.objects.all(), request.principal.public_id)
    if request.method == "POST":
        limit = settings.LIMIT_SHOPPER_LINK_PER_MINUTE
        count_call([CallLimit(scope="opt_out.link", subject=contact.public_id, most=limit)])
        is_start = request.POST.get("what") == "start"
        change = start_all if is_start else stop_all
        is_one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        change(contact=contact, by="one_click" if is_one_click else "page")
    context = {
        "contact": contact,
        "address": shown_address(contact.kind, contact.address),
        "is_stopped": selectors.is_stopped(contact),
        "can_start": selectors.can_start(contact),
        "changed": request.method == "POST",
    }
    return render(request, "feedback/opt_out.html", context)
