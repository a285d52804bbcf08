"""Members of an account: who they are, and the dialogs that change it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.enums import Role
from accounts.errors import Refused
from accounts.forms.people import InviteForm, StaffRolesForm
from accounts.http import redirect_after, render_page
from accounts.models import Invitation, Membership
from accounts.services import invitations as invitation_services
from accounts.services import members as member_services
from accounts.views.home import posted
from accounts.wording import ROLE_EXPLANATIONS


def _list_url(access: AccountAccess) -> str:
    return reverse("accounts:members", kwargs={"uin": access.account.uin})


def explained_roles() -> list[tuple[str, str, str]]:
    """Return each role with its name and what it may do."""
    return [(role.value, str(role.label), str(ROLE_EXPLANATIONS[role])) for role in Role]


@account_page()
@require_safe
def members(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the members, the open invitations for owners, and what each role may do."""
    now = timezone.now()
    rows = Membership.objects.filter(account=access.account).select_related("user")
    order = list(Role.values)
    people = sorted(rows, key=lambda m: (order.index(m.role), m.user.get_full_name().casefold()))
    may_manage = access.may(Permission.MANAGE_MEMBERS)
    waiting = Invitation.objects.filter(
        account=access.account, accepted_at=None, withdrawn_at=None
    ).select_related("invited_by")
    context = {
        "people": people,
        "me": access.membership,
        "roles": explained_roles(),
        "may_manage": may_manage,
        "invitations": [
            (invitation, invitation.state_at(now)) for invitation in waiting.order_by("-pk")
        ]
        if may_manage
        else [],
        "title": _("Members"),
    }
    return render_page(request, "accounts/members.html", context)


@account_page(Permission.MANAGE_MEMBERS)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Invite someone by email."""
    form = InviteForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            sendable = invitation_services.invite_member(
                account=access.account, **form.cleaned_data, by=access.user, now=timezone.now()
            )
        except Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            _say_sent(request, sendable.invitation.email)
            return redirect_after(request, _list_url(access))
    return _dialog(request, access, "accounts/member_invite.html", {"form": form})


@account_page(Permission.MANAGE_MEMBERS)
@require_http_methods(["GET", "HEAD", "POST"])
def member_role(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponse:
    """Give a member another role."""
    member = access.get(Membership.objects.select_related("user"), pk=pk)
    form = StaffRolesForm(posted(request), initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        done = _try(
            form,
            lambda now: member_services.change_role(
                membership=member, role=form.cleaned_data["role"], by=access.user, now=now
            ),
        )
        if done:
            messages.success(request, _("The role was changed."))
            return redirect_after(request, _list_url(access))
    return _dialog(request, access, "accounts/member_role.html", {"form": form, "member": member})


@account_page(Permission.MANAGE_MEMBERS)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponse:
    """Take a member out of the account."""
    member = access.get(Membership.objects.select_related("user"), pk=pk)
    return _confirm_end(request, access, member, is_leaving=False)


@account_page()
@require_http_methods(["GET", "HEAD", "POST"])
def member_leave(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Leave the account; every member may, save the last owner."""
    return _confirm_end(request, access, access.membership, is_leaving=True)


def _confirm_end(
    request: HttpRequest, access: AccountAccess, member: Membership, *, is_leaving: bool
) -> HttpResponse:
    refusal = ""
    if request.method == "POST":
        try:
            member_services.remove_member(membership=member, by=access.user, now=timezone.now())
        except Refused as error:
            refusal = str(error)
        else:
            name = access.account.name if is_leaving else member.user.get_full_name()
            done = _("You have left %(name)s.") if is_leaving else _("%(name)s was removed.")
            messages.success(request, done % {"name": name})
            is_gone = is_leaving or member.user_id == access.user.pk
            return redirect_after(request, reverse("home") if is_gone else _list_url(access))
    context = {"member": member, "is_leaving": is_leaving, "refusal": refusal}
    return _dialog(
        request, access, "accounts/member_remove.html", context, is_refused=bool(refusal)
    )


@account_page(Permission.MANAGE_MEMBERS)
@require_http_methods(["POST"])
def resend(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponse:
    """Send an invitation again, with a fresh link."""
    invitation = access.get(Invitation.objects.all(), pk=pk)
    try:
        sendable = invitation_services.resend_invitation(
            invitation=invitation, by=access.user, now=timezone.now()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        _say_sent(request, sendable.invitation.email)
    return redirect_after(request, _list_url(access))


@account_page(Permission.MANAGE_MEMBERS)
@require_http_methods(["POST"])
def invitation_withdraw(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponse:
    """Take an invitation back."""
    invitation = access.get(Invitation.objects.all(), pk=pk)
    try:
        invitation_services.withdraw_invitation(
            invitation=invitation, by=access.user, now=timezone.now()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The invitation was withdrawn. Its link no longer works."))
    return redirect_after(request, _list_url(access))


def _try(form: Any, act: Callable[[datetime], Any]) -> bool:
    try:
        act(timezone.now())
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _dialog(
    request: HttpRequest,
    access: AccountAccess,
    template: str,
    context: dict[str, Any],
    *,
    is_refused: bool = False,
) -> HttpResponse:
    form = context.get("form")
    is_refused = is_refused or bool(form is not None and form.errors)
    context |= {"back_url": _list_url(access), "roles": explained_roles()}
    return render_page(request, template, context, status=422 if is_refused else 200)


def _say_sent(request: HttpRequest, email: str) -> None:
    messages.success(request, _("An invitation was sent to %(email)s.") % {"email": email})
