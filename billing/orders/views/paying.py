"""Paying an unpaid order, as its buyer or for another account, and cancelling one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from billing.enums import FundKind, ShownOrderStatus
from billing.orders.models import Order
from billing.orders.queries import derive_status, read_lines, read_orders
from billing.orders.services import cancel_order, missing_amount, pay_order
from billing.places import account_url

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

    Without JavaScript somebody may tick and confirm in one go; then the new split is shown first.
    """
    shown = request.POST.get("shown")
    is_other = shown is not None and shown != ",".join(left_out(request))
    return is_other or "requote" in request.POST


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
            messages.success(request, _("Paid. The order is delivered."))
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
                request, _("Order %(number)s is cancelled.") % {"number": order.number}
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
