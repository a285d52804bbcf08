"""The account's money: balances, the statement of its funds, and coupons."""

from datetime import datetime

from django.conf import settings
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.paging import read_numbered_page
from accounts.replica import may_read_replica
from accounts.services.exports import export_takes_a_job
from accounts.spreadsheets import stream_csv, write_xlsx
from accounts.views.exports import offer_export
from billing.catalog.queries import find_price_book
from billing.enums import CreditStatus, FundKind
from billing.offers.models import Coupon
from billing.places import account_url
from billing.wallet.exports import as_options, statement_table
from billing.wallet.forms import StatementForm
from billing.wallet.ledger import read_balances
from billing.wallet.months import list_months
from billing.wallet.statements import (
    COLUMNS,
    FUND_COLUMNS,
    StatementFilter,
    StatementKeys,
    read_statement_rows,
)

#: A statement leads less far back: it is narrowed by its dates, and exported whole.
_STATEMENT_LIMIT = 1_000
_MONTHS_ON_PAGE = 12
#: The rows of an export are counted no further, for its progress.
_COUNTED = 10_000_000


@account_page(Permission.READ_MONEY)
@require_safe
def funds(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Show the balances, and what came in last."""
    currency = find_price_book(timezone.now()).currency
    balances = read_balances(account=access.account, currency=currency)
    received = access.account.credits.filter(status=CreditStatus.BOOKED)
    context = {
        "access": access,
        "currency": currency,
        "balances": [(kind, balances[kind]) for kind in FundKind],
        "total": sum(balances.values()),
        "credits": list(received.order_by("-pk")[:10]),
    }
    return render(request, "billing/funds.html", context)


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_safe
def months(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Show what each month put into the funds, and what was left at its end.

    A page of its own, since it reads every movement there ever was.
    """
    found = list_months(access.account)
    page = read_numbered_page(found, request.GET, size=_MONTHS_ON_PAGE)
    context = {
        "access": access,
        "page": page,
        "columns": list(FUND_COLUMNS),
        "currency": find_price_book(timezone.now()).currency,
    }
    return render(request, "billing/months.html", context)


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_safe
def statement(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Show what moved in the funds, and what is in them now."""
    form = StatementForm(request.GET)
    chosen = form.statement_filter if form.is_valid() else StatementFilter()
    keys = StatementKeys(access.account, chosen)
    page = read_numbered_page(keys, request.GET, limit=_STATEMENT_LIMIT)
    rows = read_statement_rows(access.account, page.object_list)
    currency = rows[0].currency if rows else ""
    balances = read_balances(account=access.account, currency=currency) if rows else {}
    context = {
        "access": access,
        "form": form,
        "page": page,
        "rows": rows,
        "columns": COLUMNS,
        "balances": [(kind, balances.get(kind)) for kind in COLUMNS],
        "total": sum(balances.values()),
        "currency": currency,
        "is_filtered": any(form.cleaned_data.values()),
        "query": request.GET.urlencode(),
        "now": timezone.now(),
    }
    return render(request, "billing/statement.html", context)


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_http_methods(["GET", "HEAD", "POST"])
def statement_csv(request: HttpRequest, access: AccountAccess) -> HttpResponseBase:
    """Hand out the chosen part of the statement as CSV, piece by piece."""
    return _export(request, access, "csv")


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_http_methods(["GET", "HEAD", "POST"])
def statement_xlsx(request: HttpRequest, access: AccountAccess) -> HttpResponseBase:
    """Hand out the chosen part of the statement as XLSX."""
    return _export(request, access, "xlsx")


def _export(request: HttpRequest, access: AccountAccess, suffix: str) -> HttpResponseBase:
    """Hand out a short statement, and let a job make a long one."""
    form = StatementForm(request.GET)
    back_url = f"{account_url('statement', access)}?{request.GET.urlencode()}".rstrip("?")
    if not form.is_valid():
        # The page says what is wrong with the filter.
        return HttpResponseRedirect(back_url)
    chosen = form.statement_filter
    file_name = f"statement-{access.account.uin}-{timezone.localdate():%Y%m%d}.{suffix}"
    keys = StatementKeys(access.account, chosen)
    if request.method == "POST" or export_takes_a_job(keys.count_to(settings.EXPORTED_AT_ONCE + 1)):
        return offer_export(
            request,
            access,
            kind="statement",
            options=as_options(chosen),
            file_name=file_name,
            total=keys.count_to(_COUNTED),
            back_url=back_url,
        )
    rows = statement_table(access.account, chosen)
    if suffix == "xlsx":
        file = write_xlsx(rows, title=_("Statement"))
        return FileResponse(file, as_attachment=True, filename=file_name)
    response = StreamingHttpResponse(stream_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


@account_page(Permission.READ_MONEY)
@require_safe
def coupons(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's coupons: those that can be used first."""
    now = timezone.now()
    found = Coupon.objects.filter(account=access.account).order_by("ends_at", "pk")
    rows = sorted(((_standing(coupon, now), coupon) for coupon in found), key=lambda row: row[0])
    page = read_numbered_page(rows, request.GET)
    return render(request, "billing/coupons.html", {"access": access, "page": page, "now": now})


def _standing(coupon: Coupon, now: datetime) -> int:
    """Return 0 for usable, 1 for not yet, 2 for used up, 3 for expired, 4 for withdrawn."""
    if coupon.withdrawn_at is not None:
        return 4
    if coupon.used_at is not None or coupon.remaining == 0:
        return 2
    if coupon.ends_at <= now:
        return 3
    return 0 if coupon.starts_at <= now else 1
