"""An account's refunds: what was asked for, what the rules said, and what went back."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.paginator import CappedPaginator
from billing.enums import RefundStatus, TenderKind
from billing.models import Refund
from billing.refund_policy import RefundTrace
from billing.refund_words import describe_trace
from billing.services.delivery import billing_zone
from billing.services.refunds import withdraw_refund
from billing.views.places import account_url, number_link

_PER_PAGE = 25


@account_page(Permission.READ_MONEY)
@require_safe
def refunds(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's refunds, newest first."""
    found = Refund.objects.filter(account=access.account).select_related("application")
    page = CappedPaginator(found.order_by("-pk"), _PER_PAGE).get_page(request.GET.get("page"))
    context = {"access": access, "page": page}
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
def refund(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show one refund with the rules as they were judged, and the amounts."""
    found = access.get(Refund.objects.select_related("application", "package"), number=number)
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


@account_page(Permission.SPEND)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
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
    messages.success(request, _("The request is withdrawn. The package goes on as before."))
    return redirect_after(request, url)
