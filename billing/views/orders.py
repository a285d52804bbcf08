"""Orders of the account: the list, one with its history, and its receipt."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.paging import read_numbered_page
from accounts.replica import may_read_replica
from accounts.text import mask_name
from billing.enums import OrderKind, ShownOrderStatus
from billing.orders.forms.orders import OrderFilterForm
from billing.orders.models import Order, OrderLine
from billing.orders.queries import (
    derive_status,
    filter_by_status,
    read_lines,
    read_orders,
    read_returned,
    read_timeline,
)
from billing.orders.services import missing_amount
from billing.refunds.queries import find_refunds, refunded_of, sum_returned


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_safe
def orders(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's orders, the newest first."""
    now = timezone.now()
    form = OrderFilterForm(request.GET)
    found: QuerySet[Order] = (
        Order.objects.select_related("payer")
        .filter(account=access.account)
        .order_by("-created_at", "-pk")
    )
    if not form.is_valid():
        found = found.none()
    else:
        if form.cleaned_data["status"]:
            found = filter_by_status(found, form.cleaned_data["status"], now)
        if form.cleaned_data["kind"]:
            found = found.filter(kind=form.cleaned_data["kind"])
    page = read_numbered_page(found, request.GET)
    applications = _applications(list(page.object_list))
    returned = read_returned(page.object_list)
    context = {
        "access": access,
        "form": form,
        "page": page,
        "rows": [
            _row(order, applications[order.pk], returned.get(order.pk, Decimal(0)), now)
            for order in page.object_list
        ],
        "is_filtered": bool(form.errors or any(form.cleaned_data.values())),
        "asked": Order.objects.open(now)
        .filter(payer=access.account)
        .exclude(account=access.account)
        .count(),
        "may_spend": access.may(Permission.SPEND),
        "now": now,
    }
    return render(request, "billing/orders.html", context)


def _applications(orders: list[Order]) -> dict[int, list[str]]:
    """Return the names of the applications that each order is for, in the order of its lines."""
    names: dict[int, dict[str, None]] = defaultdict(dict)
    lines = OrderLine.objects.filter(order__in=[order.pk for order in orders]).order_by("pk")
    for order, name in lines.values_list("order", "application__name"):
        names[order][name] = None
    return {order.pk: list(names[order.pk]) for order in orders}


def _row(order: Order, applications: list[str], returned: Decimal, now: datetime) -> dict[str, Any]:
    return {
        "returned": returned,
        "order": order,
        "kind": OrderKind(order.kind),
        "status": derive_status(order, now, returned=returned),
        "applications": applications,
        "payer_name": mask_name(order.payer.name) if order.payer_id != order.account_id else "",
    }


@account_page(Permission.READ_MONEY)
@require_safe
def order(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show an order of the account with everything that happened to it."""
    found: Order = access.get(read_orders(), number=number)
    return render(request, "billing/order.html", _describe(found, access))


@account_page(Permission.READ_MONEY)
@require_safe
def receipt(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show a paid order as a receipt to print. There is none for an order that was not paid."""
    found: Order = access.get(read_orders(), number=number)
    if found.paid_at is None:
        raise Http404
    return render(request, "billing/receipt.html", _describe(found, access))


def _describe(order: Order, access: AccountAccess) -> dict[str, Any]:
    now = timezone.now()
    order.account = access.account
    refunds = refunded_of(order, find_refunds(order))
    returned = sum_returned(refunds)
    status = derive_status(order, now, returned=returned)
    groups = read_lines(order)
    is_self_paid = order.payer_id == order.account_id
    is_open = status == ShownOrderStatus.UNPAID
    return {
        "access": access,
        "order": order,
        "status": status,
        "line_groups": groups,
        "applications": [group.application for group in groups],
        "payments": list(order.payments.all()),
        "refunds": refunds,
        "returned": returned,
        "history": read_timeline(order, reader=access.account),
        "payer_name": "" if is_self_paid else mask_name(order.payer.name),
        "is_self_paid": is_self_paid,
        "is_open": is_open,
        "split": missing_amount(order) if is_open and is_self_paid else None,
        "may_spend": access.may(Permission.SPEND),
        "now": now,
    }
