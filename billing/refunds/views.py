"""An account's refunds: what was asked for, what the rules said, and what went back."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.models import Account
from accounts.paging import read_numbered_page
from accounts.replica import may_read_replica
from accounts.text import mask_name
from billing.calendar import billing_zone
from billing.enums import RefundStatus, TenderKind
from billing.places import account_url, number_link
from billing.refunds.decisions import withdraw_refund
from billing.refunds.labels import describe_trace
from billing.refunds.models import Refund, RefundLine
from billing.refunds.trace import RefundTrace


def _visible(access: AccountAccess) -> "QuerySet[Refund]":
    """Return the account's refunds, and those of others that returned money to it."""
    returned = RefundLine.objects.filter(account=access.account).values("refund")
    return (
        Refund.objects.filter(
            Q(account=access.account) | Q(status=RefundStatus.DONE, pk__in=returned)
        )
        .select_related("account")
        .prefetch_related("application", "package")
    )


def _returned_to(account: Account, refunds: Iterable[Refund]) -> dict[int, Decimal]:
    """Return what refunds brought back to an account, by key."""
    lines = RefundLine.objects.filter(account=account, refund__in=[each.pk for each in refunds])
    return dict(lines.order_by().values_list("refund").annotate(amount=Sum("amount")))


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_safe
def refunds(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's refunds, and what came back of orders that it paid for others."""
    found = _visible(access).order_by("-requested_at", "-pk")
    page = read_numbered_page(found, request.GET)
    others = [each for each in page.object_list if each.account_id != access.account.pk]
    returned = _returned_to(access.account, others) if others else {}
    rows = [
        {
            "refund": each,
            "is_own": each.account_id == access.account.pk,
            "amount": returned.get(each.pk, each.amount),
            "buyer_name": mask_name(each.account.name),
        }
        for each in page.object_list
    ]
    context = {"access": access, "page": page, "rows": rows}
    return render_page(request, "billing/refunds.html", context, partial="list")


def _lines(refund: Refund) -> list[dict[str, Any]]:
    """Return the stored plan's lines: what each payment paid and gets back."""
    return [
        {
            **line,
            "label": TenderKind(line["kind"]).label,
            "is_other_payer": line["payer"] != refund.account_id,
        }
        for line in refund.plan["lines"]
    ]


@account_page(Permission.READ_MONEY)
@require_safe
def refund_page(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show one refund with the rules as they were judged, and the amounts."""
    found = get_object_or_404(_visible(access), number=number)
    if found.account_id != access.account.pk:
        return _show_to_payer(request, access, found)
    context = {
        "access": access,
        "refund": found,
        "rules": describe_trace(
            RefundTrace.from_json(found.trace),
            tz=billing_zone(),
            link=partial(number_link, access),
        ),
        "lines": _lines(found),
        "is_pending": found.status == RefundStatus.PENDING,
        "may_withdraw": found.status == RefundStatus.PENDING and access.may(Permission.SPEND),
    }
    return render_page(request, "billing/refund.html", context, partial="refund")


def _show_to_payer(request: HttpRequest, access: AccountAccess, refund: Refund) -> HttpResponse:
    """Show what came back to an account that had paid for another: nothing else of the refund."""
    own = [line for line in _lines(refund) if line["payer"] == access.account.pk]
    context = {
        "access": access,
        "refund": refund,
        "lines": own,
        "total": sum((Decimal(line["amount"]) for line in own), Decimal("0.00")),
        "buyer_name": mask_name(refund.account.name),
    }
    return render_page(request, "billing/refund_returned.html", context)


@account_page(Permission.SPEND)
@require_http_methods(["GET", "HEAD", "POST"])
def refund_withdraw(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Take a request under review back, after asking once."""
    found = access.get(Refund.objects.select_related("application", "package"), number=number)
    url = account_url("refund", access, number=number)
    context: dict[str, Any] = {"access": access, "refund": found, "back_url": url}
    if request.method != "POST":
        return render_page(request, "billing/refund_withdraw.html", context)
    try:
        withdraw_refund(refund=found, by=access.user, now=timezone.now())
    except Refused as refused:
        context["refused"] = refused
        return render_page(request, "billing/refund_withdraw.html", context, status=409)
    messages.success(request, _("The request was withdrawn. The package continues as before."))
    return redirect_after(request, url)
