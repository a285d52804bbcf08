"""The last word on an order: confirming a quote, paying what waits, and canceling it."""

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
from billing.enums import FundKind, OrderKind, OrderStatus, ShownOrderStatus
from billing.orders.models import Order
from billing.orders.queries import derive_status, read_lines, read_orders
from billing.orders.quotes import ConfirmableQuote, read_signed_quote
from billing.orders.quoting import confirmable_quote
from billing.orders.services import (
    QuoteChanged,
    cancel_order,
    missing_amount,
    pay_order,
    place_order,
)
from billing.orders.views.quote_context import describe_quote, name_expiries
from billing.places import account_url, application_url

#: The funds that a customer may leave out; cash always pays (ADR 0023).
OPTIONAL_FUNDS = (FundKind.GIFT, FundKind.INCOME)


def order_url(access: AccountAccess, order: Order) -> str:
    """Return where this account sees an order: its own, or one that it is asked to pay."""
    name = "order" if order.account_id == access.account.pk else "payment_request"
    return account_url(name, access, number=order.number)


def left_out(request: HttpRequest) -> tuple[str, ...]:
    """Return the optional funds whose box is not ticked."""
    ticked = request.POST.getlist("use")
    return tuple(kind.value for kind in OPTIONAL_FUNDS if kind.value not in ticked)


def chose_anew(request: HttpRequest) -> bool:
    """Say whether other funds are ticked than those whose split was shown, or a new one is asked.

    Without JavaScript a customer may tick and confirm in one go; then the new split is shown first.
    """
    shown = request.POST.get("shown")
    is_other = shown is not None and shown != ",".join(left_out(request))
    return is_other or "requote" in request.POST


@account_page(Permission.SPEND)
def confirm(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Place the confirmed order, or quote again where other funds should pay."""
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
    return render_page(request, "billing/confirm.html", context, status=status)


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
        messages.success(request, _("Paid. Your order is complete."))
    elif order.payer_id != order.account_id:
        messages.info(
            request,
            _("The order was placed. Account %(uin)s can see it now, and pay or refuse it.")
            % {"uin": order.payer.uin},
        )
    elif order.status == OrderStatus.UNPAID:
        missing = money(missing_amount(order).missing, order.currency)
        messages.warning(
            request,
            _("The order was placed. The balance is %(missing)s short.") % {"missing": missing},
        )


def find_payable(access: AccountAccess, number: str) -> Order:
    """Return an order that this account is to pay, its own or another's; else raise Http404."""
    found = read_orders().filter(payer=access.account, number=number).first()
    return found or access.get(read_orders().none())


@account_page(Permission.SPEND)
def pay(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show how the funds would pay an unpaid order; on POST, pay and deliver it."""
    order = find_payable(access, number)
    without = left_out(request) if request.method == "POST" else tuple(order.excluded_funds)
    refusal = None
    if request.method == "POST" and not chose_anew(request):
        try:
            pay_order(order=order, without=without, by=access.user, now=timezone.now())
        except Refused as refused:
            refusal = refused
            order = find_payable(access, number)
        else:
            messages.success(request, _("Paid. Your order is complete."))
            return redirect_after(request, order_url(access, order))
    if order.paid_at is not None:
        # Paid meanwhile, perhaps by the same button: the order's page tells.
        return redirect_after(request, order_url(access, order))
    context = {**_describe(order, access, without), "refusal": refusal}
    return render_page(request, "billing/pay.html", context, status=422 if refusal else 200)


def _describe(order: Order, access: AccountAccess, without: tuple[str, ...]) -> dict[str, Any]:
    now = timezone.now()
    return {
        "access": access,
        "order": order,
        "is_open": derive_status(order, now) == ShownOrderStatus.UNPAID,
        "line_groups": read_lines(order),
        "split": missing_amount(order, without=without),
        "optional_funds": [(kind, kind not in without) for kind in OPTIONAL_FUNDS],
        "shown": ",".join(without),
        "split_url": account_url("pay", access, number=order.number),
        "currency": order.currency,
        "buyer_name": order.account.name,
        "is_own": order.account_id == access.account.pk,
        "back_url": order_url(access, order),
    }


@account_page(Permission.SPEND)
def cancel(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Close an unpaid order of the account, after asking."""
    order: Order = access.get(read_orders(), number=number)
    refusal = None
    if request.method == "POST":
        try:
            cancel_order(order=order, by=access.user, now=timezone.now())
        except Refused as refused:
            refusal = refused
        else:
            messages.success(
                request, _("Order %(number)s was canceled.") % {"number": order.number}
            )
            return redirect_after(request, order_url(access, order))
    context = {
        "access": access,
        "order": order,
        "refusal": refusal,
        "is_open": derive_status(order, timezone.now()) == ShownOrderStatus.UNPAID,
        "back_url": order_url(access, order),
    }
    return render_page(request, "billing/cancel.html", context, status=422 if refusal else 200)
