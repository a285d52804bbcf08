"""Pages of one account: its applications, its name, its audit trail."""

from datetime import datetime, time
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.forms.audit import AuditFilterForm
from accounts.forms.people import AccountNameForm
from accounts.http import redirect_after, render_page
from accounts.models import Application, AuditEvent
from accounts.paging import read_history_page
from accounts.replica import may_read_replica
from accounts.services.standings import read_standings
from accounts.services.tenants import rename_account
from accounts.views.home import posted
from accounts.wording import describe_event, visible_verbs


def _address(name: str, **kwargs: Any) -> str:
    """The address of a page of a layer above, or nothing where there is none."""
    try:
        return reverse(name, kwargs=kwargs)
    except NoReverseMatch:
        return ""


@account_page()
@require_safe
def applications(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's applications and how each stands."""
    account = access.account
    standings = read_standings(account, timezone.now())
    rows = Application.objects.filter(account=account).order_by("name", "sdkappid")
    uin = account.uin
    may_activate = access.may(Permission.ACTIVATE) and account.is_in_good_standing
    context = {
        "rows": [
            {
                "application": row,
                "standing": standings.get(row.pk),
                "url": _address("billing:application", uin=uin, sdkappid=row.sdkappid)
                or _address("agents:management", uin=uin, sdkappid=row.sdkappid),
            }
            for row in rows
        ],
        "activate_url": _address("billing:activate", uin=uin) if may_activate else "",
        "may_rename": access.may(Permission.MANAGE_ACCOUNT),
        "title": _("Applications"),
    }
    return render_page(request, "accounts/applications.html", context)


@account_page(Permission.MANAGE_ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
def account_rename(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Give the account another name."""
    back = reverse("accounts:applications", kwargs={"uin": access.account.uin})
    form = AccountNameForm(posted(request), initial={"name": access.account.name})
    if request.method == "POST" and form.is_valid():
        rename_account(
            account=access.account,
            name=form.cleaned_data["name"],
            reason="",
            by=access.user,
            now=timezone.now(),
        )
        messages.success(request, _("The account was renamed."))
        return redirect_after(request, back)
    status = 422 if form.errors else 200
    context = {"form": form, "back_url": back}
    return render_page(request, "accounts/rename.html", context, status=status)


@account_page(Permission.READ_AUDIT)
@may_read_replica
@require_safe
def audit(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Tell what happened in the account: who, what, when, why."""
    form = AuditFilterForm(request.GET)
    form.is_valid()
    events = AuditEvent.objects.filter(account=access.account, verb__in=visible_verbs())
    found = _narrow(events, form.cleaned_data).select_related("actor")
    page = read_history_page(found, request.GET)
    context = {
        "form": form,
        "page": page,
        "lines": [(event, describe_event(event)) for event in page.rows],
        "is_filtered": any(form.cleaned_data.values()),
        "title": _("Audit trail"),
    }
    return render_page(request, "accounts/audit.html", context, partial="list")


def _narrow(events: "QuerySet[AuditEvent]", wanted: dict[str, Any]) -> "QuerySet[AuditEvent]":
    """Leave those that the clean filter means; what could not be cleaned does not narrow."""
    if who := wanted.get("who"):
        events = events.filter(_by(who))
    if what := wanted.get("what"):
        events = events.filter(verb__startswith=f"{what}.")
    if text := wanted.get("text"):
        events = events.filter(Q(reason__icontains=text) | Q(target_label__icontains=text))
    if since := wanted.get("since"):
        events = events.filter(at__gte=_local(since, time.min))
    if until := wanted.get("until"):
        events = events.filter(at__lte=_local(until, time.max))
    return events


def _by(who: str) -> Q:
    if who.casefold() in {"system", _("System").casefold()}:
        return Q(actor=None)
    # Who of the staff acted is not the customer's to find out.
    is_person = Q(actor__email__istartswith=who) | Q(actor__name__istartswith=who)
    return is_person & Q(actor__is_staff=False)


def _local(day: Any, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
