"""Orders of other accounts that ask this account to pay: checking, paying, refusing.

Neither account learns more of the other than its UIN and its masked name.
"""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.paging import read_numbered_page
from accounts.row_security import touch
from billing.enums import ShownOrderStatus
from billing.orders.forms.orders import RefusePaymentForm
from billing.orders.models import Order
from billing.orders.queries import (
    derive_status,
    read_lines,
    read_orders,
    read_returned,
    read_timeline,
)
from billing.orders.services import missing_amount, refuse_payment
from billing.orders.views.confirm import order_url
from billing.refunds.queries import find_refunds, refunded_of, sum_returned


def _asked(access: AccountAccess) -> "QuerySet[Order]":
    return read_orders().filter(payer=access.account).exclude(account=access.account)


@account_page(Permission.READ_MONEY)
@require_safe
def payment_requests(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the orders that other accounts ask this one to pay, the newest first."""
    now = timezone.now()
    page = read_numbered_page(_asked(access).order_by("-created_at", "-pk"), request.GET)
    returned = read_returned(page.object_list)
    rows = [
        {
            "order": order,
            "status": derive_status(order, now, returned=returned.get(order.pk, Decimal(0))),
            "buyer_name": order.account.name,
        }
        for order in page.object_list
    ]
    context = {"access": access, "page": page, "rows": rows, "now": now}
    return render(request, "billing/payment_requests.html", context)


@account_page(Permission.READ_MONEY)
@require_safe
def payment_request(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show what another account wants to have paid."""
    order = get_object_or_404(_asked(access), number=number)
    touch(order.account_id)
    now = timezone.now()
    refunds = refunded_of(order, find_refunds(order), payer=access.account)
    returned = sum_returned(refunds)
    groups = read_lines(order)
    status = derive_status(order, now, returned=returned)
    context = {
        "refunds": refunds,
        "returned": returned,
        "access": access,
        "order": order,
        "status": status,
        "is_open": status == ShownOrderStatus.UNPAID,
        "line_groups": groups,
        "applications": sorted({group.application.name for group in groups}),
        "payments": list(order.payments.all()),
        "split": missing_amount(order) if status == ShownOrderStatus.UNPAID else None,
        "history": read_timeline(order, reader=access.account),
        "buyer_name": order.account.name,
        "may_spend": access.may(Permission.SPEND),
        "now": now,
    }
    return render(request, "billing/payment_request.html", context)


@account_page(Permission.SPEND)
def refuse(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Turn down an order that another account wants to have paid, with a reason for it."""
    order = get_object_or_404(_asked(access), number=number)
    form = RefusePaymentForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            refuse_payment(
                order=order,
                reason=form.cleaned_data["reason"],
                by=access.user,
                now=timezone.now(),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The payment was refused. Nothing was charged."))
            return redirect_after(request, order_url(access, order))
    context: dict[str, Any] = {
        "access": access,
        "order": order,
        "form": form,
        "buyer_name": order.account.name,
        "back_url": order_url(access, order),
    }
    return render_page(
        request, "billing/refuse_payment.html", context, status=422 if form.errors else 200
    )
