"""Pages: sign in and out, my account, members, API keys and the audit log."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lastmile.core.errors import DomainError
from lastmile.core.http import fetch
from lastmile.core.http.address import client_address
from lastmile.core.http.forms import apply_form, status_of, version_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.tenancy import current_schema
from tenants.people import audit_log, forms, links, selectors, services
from tenants.people.models import Member
from tenants.permissions import Act, PageRequest, by_link, open_to_all, page
from tenants.retention import Retention

PAGE = 50
PANEL = 5  # entries in the panel, which links to all entries


def _start_session(request: HttpRequest, member: Member) -> None:
    """Start the member's session with a new key and a new CSRF token."""
    request.session.belong_to(  # type: ignore[attr-defined]
        schema=current_schema(),
        member_pk=member.pk,
        member_id=member.public_id,
        epoch=member.session_epoch,
    )
    rotate_token(request)


@open_to_all("this is where strangers become members")
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Sign in. The answer is the same for an unknown account and a wrong password."""
    following = request.POST.get("next") or request.GET.get("next") or reverse("home:start")
    if not url_has_allowed_host_and_scheme(following, allowed_hosts=None):
        following = reverse("home:start")
    if request.method == "GET" and getattr(request, "principal", None) is not None:
        return HttpResponseRedirect(following)
    form = forms.LoginForm(request.POST or None, initial={"email": request.GET.get("email", "")})
    if form.is_valid():
        try:
            member = services.log_in(
                email=form.cleaned_data["email"],
                password=form.cleaned_data["password"],
                address=client_address(request),
            )
        except DomainError as refused:
            form.add_error(None, refused.detail)
            return _login_page(request, form, following, refused.status)
        _start_session(request, member)
        return HttpResponseRedirect(following)
    return _login_page(request, form, following, status_of(form))


def _login_page(
    request: HttpRequest, form: forms.LoginForm, following: str, status: int
) -> HttpResponse:
    context = {"form": form, "next": following}
    return render(request, "tenants/login.html", context, status=status)


@open_to_all("logging out twice is once")
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out: end this session and close its websockets."""
    principal = getattr(request, "principal", None)
    request.session.flush()
    if principal is not None:
        services.access_changed(principal.public_id)
    return redirect("people:login")


@by_link("password_link", Act.PASSWORD_SET)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def set_password(request: HttpRequest, secret: str) -> HttpResponse:
    """Set a password with a link, and sign in."""
    form = forms.NewPasswordForm(request.POST or None)
    member = apply_form(
        form,
        lambda: services.set_password_by_link(token=secret, password=form.cleaned_data["password"]),
    )
    if isinstance(member, Member):
        _start_session(request, member)
        messages.success(request, _("Your password is set. Welcome."))
        return redirect("home:start")
    return render(request, "tenants/set_password.html", {"form": form}, status=status_of(form))


@page(Act.SELF_VIEW, post=Act.SELF_EDIT)
@sensitive_post_parameters("old", "password")
@require_http_methods(["GET", "POST"])
def account(request: PageRequest) -> HttpResponse:
    """Show and change one's own name, language and password; sign out everywhere."""
    me = fetch(selectors.members(), request.principal.public_id)
    action = request.POST.get("what", "")
    about = forms.AccountForm(
        request.POST if action == "about" else None,
        initial={"name": me.name, "language": me.language},
    )
    password = forms.ChangePasswordForm(request.POST if action == "password" else None)
    if action == "about" and apply_form(
        about, lambda: services.change_self(public_id=me.public_id, **about.cleaned_data)
    ):
        messages.success(request, _("Saved."))
        answer = redirect("people:account")
        # The saved language applies from now on, not the one that this browser chose.
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return answer
    if action == "password":
        member = apply_form(
            password,
            lambda: services.change_password(
                public_id=me.public_id,
                old=password.cleaned_data["old"],
                new=password.cleaned_data["password"],
            ),
        )
        if isinstance(member, Member):
            _start_session(request, member)
            text = _("Your password was changed. All other sessions were ended.")
            messages.success(request, text)
            return redirect("people:account")
    if action == "everywhere":
        services.end_sessions(public_id=me.public_id, by=request.principal)
        request.session.flush()
        return redirect("people:login")
    context = {"me": me, "about": about, "password": password}
    status = max(status_of(about), status_of(password))
    return render(request, "tenants/account.html", context, status=status)


@page(Act.MEMBERS_VIEW, post=Act.MEMBERS_EDIT)
@require_http_methods(["GET", "POST"])
def members(request: PageRequest) -> HttpResponse:
    """List members, and invite a new one."""
    form = forms.InviteForm(request.POST or None)
    member = apply_form(
        form, lambda: services.add_member(by=request.principal, **form.cleaned_data)
    )
    context: dict[str, Any] = {"form": form}
    if isinstance(member, Member):
        context = {"form": forms.InviteForm(), "invited": member}
        context["link"] = links.set_password_url(member)
    rows = selectors.members().order_by("-active", "name", "public_id")
    context["page"] = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context |= {"role_names": forms.ROLE_NAMES, "hub_names": selectors.hub_names()}
    return render(request, "tenants/members.html", context, status=status_of(form))


@page(Act.MEMBERS_VIEW, post=Act.MEMBERS_EDIT)
@require_http_methods(["GET", "POST"])
def member(request: PageRequest, public_id: str) -> HttpResponse:
    """Change a member, end all sessions, or create a new set-password link."""
    row = fetch(selectors.members(), public_id)
    by, action = request.principal, request.POST.get("what", "")
    form = (
        forms.MemberForm(request.POST) if action == "change" else forms.MemberForm.from_member(row)
    )
    context: dict[str, Any] = {"member": row, "form": form}
    if action == "change" and apply_form(
        form,
        lambda: services.change_member(
            public_id=public_id,
            by=by,
            expected_version=version_of(request),
            **form.cleaned_data,
        ),
    ):
        messages.success(request, _("Saved."))
        return redirect("people:member", public_id)
    if action == "link":
        context["link"] = links.set_password_url(
            services.offer_password_link(public_id=public_id, by=by)
        )
    if action == "everywhere":
        services.end_sessions(public_id=public_id, by=by)
        messages.success(request, _("All sessions of this member were ended."))
        return redirect("people:member", public_id)
    return render(request, "tenants/member.html", context, status=status_of(form))


@page(Act.KEYS_VIEW, post=Act.KEYS_EDIT)
@never_cache
@require_http_methods(["GET", "POST"])
def api_keys(request: PageRequest) -> HttpResponse:
    """List, create, rotate and revoke API keys. A secret is shown once."""
    action, public_id = request.POST.get("what", ""), request.POST.get("key", "")
    form = forms.KeyForm(request.POST if action == "create" else None)
    context: dict[str, Any] = {"form": form}
    if action == "create":
        created = apply_form(form, lambda: services.create_key(**form.cleaned_data))
        if created:
            context = {"form": forms.KeyForm(), "created": created[0], "secret": created[1]}
    elif action == "rotate":
        key, secret = services.rotate_key(public_id=public_id)
        context |= {"created": key, "secret": secret}
    elif action == "revoke":
        services.revoke_key(public_id=public_id)
        messages.success(request, _("The key was revoked."))
        return redirect("people:api-keys")
    rows = selectors.keys().order_by("-created_at", "-public_id")
    context["page"] = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context |= {"role_names": forms.KEY_ROLE_NAMES, "hub_names": selectors.hub_names()}
    return render(request, "tenants/api_keys.html", context, status=status_of(form))


@page(Act.AUDIT_VIEW)
@require_safe
def audit(request: PageRequest) -> HttpResponse:
    """Show the audit log, newest first; ``?subject=`` keeps the entries about one subject."""
    subject = request.GET.get("subject", "")[:80]
    entries = selectors.audit_entries(subject).order_by("-at", "-public_id")
    entries_page = Paginator(entries, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": entries_page,
        "lines": audit_log.lines(list(entries_page), link=True),
        "subject": subject,
        "subject_name": audit_log.subject_name(subject) if subject else "",
        "days": selectors.policy(Retention).audit_days,
    }
    return render(request, "tenants/audit.html", context)


@page(Act.AUDIT_VIEW)
@require_safe
def audit_of(request: HttpRequest, subject: str) -> HttpResponse:
    """Show the latest changes of one subject as a panel (htmx), else redirect to the audit log."""
    if not is_fragment(request):
        return redirect(f"{reverse('people:audit')}?{urlencode({'subject': subject})}")
    entries = list(selectors.audit_entries(subject).order_by("-at", "-public_id")[:PANEL])
    if not entries:
        return HttpResponse(status=204)
    context = {"lines": audit_log.lines(entries), "subject": subject}
    return render(request, "tenants/_audit_panel.html", context)
