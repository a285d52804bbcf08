"""What the link of an invitation leads to."""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.enums import InvitationState
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.models import Invitation, User
from accounts.services.invitations import accept_invitation, find_invitation, owns_address
from accounts.views.home import signed_in


def _find(token: str) -> Invitation:
    invitation = find_invitation(token)
    if invitation is None:
        raise Http404
    return invitation


@login_not_required
@never_cache
@require_safe
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is offered, and what the reader can do: accept, sign in or sign up.

    Looking at it changes nothing, since mail programs look at links as well.
    """
    found = _find(token)
    user = request.user
    state = found.state_at(timezone.now())
    context = {
        "invitation": found,
        "token": token,
        "state": state,
        "is_open": state == InvitationState.OPEN,
        "is_addressee": isinstance(user, User) and owns_address(user, found.email),
        "here": urlencode({"next": request.path}),
    }
    return render_page(request, "accounts/invitation.html", context)


@require_POST
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Make the reader a member."""
    try:
        membership = accept_invitation(token=token, by=signed_in(request), now=timezone.now())
    except Refused as refusal:
        if refusal.code == "invitation_unknown":
            raise Http404 from refusal
        messages.error(request, str(refusal))
        return redirect("accounts:invitation", token=token)
    messages.success(
        request, _("You are now a member of %(account)s.") % {"account": membership.account.name}
    )
    url = reverse("start", kwargs={"uin": membership.account.uin})
    return redirect_after(request, url)


@login_not_required
@never_cache
@require_POST
def sign_up(request: HttpRequest, token: str) -> HttpResponse:
    """Lead to sign-up with the address that the link has proved."""
    found = _find(token)
    here = reverse("accounts:invitation", kwargs={"token": token})
    if found.state_at(timezone.now()) != InvitationState.OPEN:
        return HttpResponseRedirect(here)
    if request.user.is_authenticated:
        logout(request)
    get_adapter().stash_verified_email(request, found.email)
    return HttpResponseRedirect(f"{reverse('account_signup')}?{urlencode({'next': here})}")


@require_POST
def change_person(request: HttpRequest, token: str) -> HttpResponse:
    """Sign the present person out, and come back as the one who was invited."""
    _find(token)
    logout(request)
    here = reverse("accounts:invitation", kwargs={"token": token})
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': here})}")
