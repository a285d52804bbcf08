"""The refund flow of the Agent Management page: two dialogs, then the package is given back.

Dialog 1 shows every rule, what will stop and what goes back; dialog 2 asks for the last word.
Both are read from the same quote that `billing.refunds.services` executes.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.forms.fields import PlainDateField
from accounts.http import close_dialog, render_page
from accounts.models import Application
from accounts.templatetags.console import money
from agents.models import Agent, SipTelephone
from billing.calendar import billing_zone, local_date, start_of_day
from billing.enums import RefundStatus
from billing.models import Package
from billing.places import number_link
from billing.refunds.labels import describe_trace, explain_refusal
from billing.refunds.quotes import RefundChanged, RefundQuote, RefundRefused, quote_refund
from billing.refunds.services import refund_package

#: How many names a dialog lists before it only counts.
_NAMES_SHOWN = 8


@dataclass(frozen=True)
class Stopping:
    """Who stops working when a package is given back: how many, and the first few by name."""

    agents: int
    telephones: int
    names: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many agents are not named."""
        return self.agents - len(self.names)


class WhatIfForm(forms.Form):
    """Asks the rules about another day."""

    on = PlainDateField(label=gettext_lazy("What if I asked on another day?"))

    def clean_on(self) -> date:
        """Keep to years that a calendar of months can count."""
        day: date = self.cleaned_data["on"]
        if not 2000 <= day.year <= 2999:
            raise forms.ValidationError(_("Choose a day between the years 2000 and 2999."))
        return day


def _find_package(access: AccountAccess, sdkappid: int) -> Package:
    """Return the application's current package, or the one that it had last."""
    application = access.get(Application.objects.all(), sdkappid=sdkappid)
    packages = Package.objects.filter(account=access.account, application=application)
    package = packages.select_related("application", "account").order_by("-pk").first()
    if package is None:
        raise Http404
    return package


def _find_stopping(package: Package, now: datetime) -> Stopping:
    agents = Agent.objects.filter(
        account=package.account_id, application=package.application_id, license__package=package
    ).in_service(now)
    names = tuple(agents.order_by("pk").values_list("name", flat=True)[:_NAMES_SHOWN])
    telephones = SipTelephone.objects.filter(
        account=package.account_id, application=package.application_id, license__package=package
    ).in_service(now)
    return Stopping(agents=agents.count(), telephones=telephones.count(), names=names)


def _management(access: AccountAccess, package: Package) -> str:
    return reverse(
        "agents:management",
        kwargs={"uin": access.account.uin, "sdkappid": package.application.sdkappid},
    )


def _context(access: AccountAccess, quote: RefundQuote, **more: Any) -> dict[str, Any]:
    """Return what both dialogs show of a quote."""
    link = partial(number_link, access)
    others = [uin for _pk, uin in quote.plan.payers if uin != access.account.uin]
    return {
        "access": access,
        "quote": quote,
        "package": quote.package,
        "application": quote.package.application,
        "is_zero": quote.may_confirm and not quote.plan.amount,
        "reason": ""
        if quote.may_confirm
        else explain_refusal(quote.trace, tz=billing_zone(), link=link),
        "rules": describe_trace(quote.trace, tz=billing_zone(), link=link),
        "other_payers": others,
        "is_self_paid": any(uin == access.account.uin for _pk, uin in quote.plan.payers),
        "back_url": _management(access, quote.package),
        "pending": quote.package.refunds.pending().first(),
        **more,
    }


def _what_if(form: WhatIfForm, now: datetime) -> datetime | None:
    """Return the last second of the day asked for; of today, this moment."""
    if not form.is_bound or not form.is_valid():
        return None
    day = form.cleaned_data["on"]
    if day == local_date(now, billing_zone()):
        return None
    return start_of_day(day + timedelta(days=1), billing_zone()) - timedelta(seconds=1)


def _show_rules(
    request: HttpRequest,
    access: AccountAccess,
    package: Package,
    *,
    now: datetime,
    status: int = 200,
    refused: Refused | None = None,
) -> HttpResponse:
    """Answer with dialog 1."""
    form = WhatIfForm(request.GET if "on" in request.GET else None, auto_id="what_if_%s")
    on = _what_if(form, now)
    quote = quote_refund(package=package, now=now, on=on)
    context = _context(
        access,
        quote,
        stopping=_find_stopping(package, now),
        what_if_form=form,
        on=on,
        refused=refused,
    )
    return render_page(request, "agents/refund.html", context, status=status)


@account_page(Permission.SPEND)
@require_safe
def refund_dialog(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Dialog 1: the rules, what will stop, what goes back, and the export before it is too late."""
    package = _find_package(access, sdkappid)
    return _show_rules(request, access, package, now=timezone.now())


def _show_confirmation(
    request: HttpRequest,
    access: AccountAccess,
    quote: RefundQuote,
    *,
    status: int = 200,
    refused: Refused | None = None,
) -> HttpResponse:
    """Answer with dialog 2."""
    context = _context(access, quote, refused=refused)
    return render_page(request, "agents/refund_confirm.html", context, status=status)


@account_page(Permission.SPEND)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_refund(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Dialog 2: the last word; a POST gives the package back, or asks our staff to look."""
    package, now = _find_package(access, sdkappid), timezone.now()
    if request.method != "POST":
        quote = quote_refund(package=package, now=now)
        if not quote.may_confirm:
            return _show_rules(request, access, package, now=now)
        return _show_confirmation(request, access, quote)
    token = request.POST.get("token", "")
    try:
        done = refund_package(package=package, token=token, by=access.user, now=now)
    except RefundChanged as changed:
        if not changed.quote.may_confirm:
            return _show_rules(request, access, package, now=now, status=409, refused=changed)
        return _show_confirmation(request, access, changed.quote, status=409, refused=changed)
    except RefundRefused as refused:
        return _show_rules(request, access, package, now=now, status=409, refused=refused)
    except Refused as refused:
        return _show_rules(request, access, package, now=now, status=422, refused=refused)
    _announce_outcome(request, done.status, done.currency, done.amount)
    return close_dialog(request, "agents-changed", url=_management(access, package))


def _announce_outcome(request: HttpRequest, status: str, currency: str, amount: Decimal) -> None:
    if status == RefundStatus.PENDING:
        messages.info(request, _("Your request was sent. Service continues until the decision."))
    elif not amount:
        messages.success(
            request, _("The package was canceled. Coupons paid for it, so no money came back.")
        )
    else:
        messages.success(
            request,
            _("The package is refunded: %(amount)s went back to the funds that paid.")
            % {"amount": money(amount, currency)},
        )
