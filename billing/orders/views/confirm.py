"""The dialog that asks for the last word on a signed quote, and what follows."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.templatetags.console import money
from billing.enums import OrderKind, OrderStatus
from billing.orders.models import Order
from billing.orders.quotes import ConfirmableQuote, read_signed_quote
from billing.orders.quoting import confirmable_quote
from billing.orders.services import QuoteChanged, missing_amount, place_order
from billing.orders.views.paying import OPTIONAL_FUNDS, chose_anew, left_out, order_url
from billing.orders.views.quote_context import describe_quote, name_expiries
from billing.places import account_url, application_url

TEMPLATE = "billing/confirm.html"


@account_page(Permission.SPEND)
def confirm(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Place the confirmed order, or quote anew where other funds shall pay."""
    if request.method != "POST":
        return redirect("billing:buy", uin=access.account.uin)
    now = timezone.now()
    token = request.POST.get("token", "")
    try:
        if chose_anew(request):
            signed = read_signed_quote(token, access.account)
            chosen = replace(signed.request, without=left_out(request))
            quote = confirmable_quote(account=access.account, order_request=chosen, now=now)
            return show_confirmation(request, access, quote, now=now)
        order = place_order(account=access.account, token=token, by=access.user, now=now)
    except QuoteChanged as changed:
        context = {
            "changed": changed,
            "old_total": changed.old_total,
            "changed_expiries": name_expiries(changed),
        }
        return show_confirmation(
            request, access, changed.quote, now=now, status=409, context=context
        )
    except Refused as refusal:
        return show_refusal(request, access, refusal)
    _say_what_happened(request, order)
    return redirect_after(request, order_url(access, order))


def show_confirmation(
    request: HttpRequest,
    access: AccountAccess,
    quote: ConfirmableQuote,
    *,
    now: datetime,
    status: int = 200,
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """Show the signed quote with everything that confirming it will do."""
    context = {
        **(context or {}),
        **describe_quote(quote),
        "access": access,
        "now": now,
        "split": quote.split,
        "shown": ",".join(quote.request.without),
        "split_url": account_url("confirm", access),
        "currency": quote.currency,
        "back_url": _page_of(access, quote),
        "optional_funds": [(kind, kind not in quote.request.without) for kind in OPTIONAL_FUNDS],
    }
    return render_page(request, TEMPLATE, context, status=status)


def show_refusal(request: HttpRequest, access: AccountAccess, refusal: Refused) -> HttpResponse:
    """Say in the dialog why nothing was done."""
    context = {"refusal": refusal, "back_url": account_url("orders", access)}
    return render_page(request, "billing/refused.html", context, status=422)


def _page_of(access: AccountAccess, quote: ConfirmableQuote) -> str:
    """Return the page where the quote was chosen."""
    if quote.request.kind == OrderKind.RENEWAL and len(quote.snapshots) > 1:
        return account_url("renew_many", access)
    if quote.request.kind == OrderKind.NEW:
        return account_url("buy", access)
    name = {OrderKind.ADDITIONAL: "add", OrderKind.RENEWAL: "renew", OrderKind.UPGRADE: "upgrade"}
    return application_url(name[quote.request.kind], access, quote.snapshots[0].package.application)


def _say_what_happened(request: HttpRequest, order: Order) -> None:
    if order.status == OrderStatus.PAID:
        messages.success(request, _("Paid. The order is delivered."))
    elif order.payer_id != order.account_id:
        messages.info(
            request,
            _("The order was placed. Account %(uin)s can see it now, and pay or refuse it.")
            % {"uin": order.payer.uin},
        )
    elif order.status == OrderStatus.UNPAID:
        missing = money(missing_amount(order).missing, order.currency)
        messages.warning(
            request, _("The order was placed, but %(missing)s are missing.") % {"missing": missing}
        )
