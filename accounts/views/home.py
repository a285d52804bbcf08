"""Where people arrive: the way in, the accounts of a person, and opening one."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Refused
from accounts.forms.signup import OpenAccountForm, company_of
from accounts.http import redirect_after, render_page
from accounts.models import Account, Membership, PendingAccount, User
from accounts.services.signup import entities_of, open_for_new_company, open_further_account


def signed_in(request: HttpRequest) -> User:
    """Return the person behind the request, who has signed in by now."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what a form was sent with; None while it is only shown."""
    return request.POST if request.method == "POST" else None


def _places(user: User) -> list[Membership]:
    rows = Membership.objects.filter(user_id=user.pk).select_related("account__entity")
    return list(rows.order_by("account__name", "pk"))


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead on: to sign-in, to the one account, to the choice of several, or to opening one."""
    if not isinstance(request.user, User):
        return redirect_to_login("/")
    places = _places(request.user)
    if len(places) == 1:
        return redirect("start", uin=places[0].account.uin)
    if places:
        return redirect("accounts:list")
    return redirect("admin:index" if request.user.is_staff else "accounts:open")


@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """Let a person choose among their accounts."""
    places = _places(signed_in(request))
    if not places:
        return redirect("accounts:open")
    return render_page(request, "accounts/list.html", {"places": places, "title": _("Accounts")})


@require_http_methods(["GET", "HEAD", "POST"])
def account_open(request: HttpRequest) -> HttpResponse:
    """Open an account: the one asked for at sign-up, a further one, or that of a new company."""
    user = signed_in(request)
    entities = entities_of(user)
    form = OpenAccountForm(posted(request), initial=_wish(user), entities=entities)
    status = 200
    if request.method == "POST":
        account = _open(form, user)
        if account is not None:
            return redirect_after(request, reverse("start", kwargs={"uin": account.uin}))
        status = 422
    context = {"form": form, "is_first": not _places(user)}
    return render_page(request, "accounts/open.html", context, status=status)


def _wish(user: User) -> dict[str, str]:
    """What was asked for at sign-up and could not be opened."""
    pending = PendingAccount.objects.filter(user=user).first()
    if pending is None:
        return {}
    names = ("entity_name", "kind", "registration_number", "account_name")
    return {name: getattr(pending, name) for name in names}


def _open(form: OpenAccountForm, user: User) -> Account | None:
    if not form.is_valid():
        return None
    data, now = form.cleaned_data, timezone.now()
    name = data["account_name"]
    try:
        if data.get("entity"):
            return open_further_account(entity=data["entity"], account_name=name, by=user, now=now)
        return open_for_new_company(company=company_of(data), account_name=name, by=user, now=now)
    except Refused as refusal:
        form.add_error(refusal.field, str(refusal))
        return None
