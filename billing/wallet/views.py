"""The account's money: balances, the statement of its funds, and coupons."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

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
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.paging import read_numbered_page
from accounts.replica import may_read_replica
from accounts.spreadsheets import Cell, stream_csv, write_xlsx
from billing.catalog.queries import find_price_book
from billing.enums import CreditStatus, FundKind, LedgerKind
from billing.offers.models import Coupon
from billing.places import account_url
from billing.wallet.forms import StatementForm
from billing.wallet.ledger import read_balances
from billing.wallet.months import list_months
from billing.wallet.statements import (
    COLUMNS,
    FUND_COLUMNS,
    StatementFilter,
    StatementKeys,
    read_statement_rows,
    stream_rows,
)

#: A statement leads less far back: it is narrowed by its dates, and exported whole.
_STATEMENT_LIMIT = 1_000
_MONTHS_ON_PAGE = 12


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
@require_safe
def statement_csv(request: HttpRequest, access: AccountAccess) -> HttpResponseBase:
    """Hand out the chosen part of the statement as CSV, piece by piece."""
    form = StatementForm(request.GET)
    if not form.is_valid():
        return _back_to_form(request, access)
    rows = _table(access, form.statement_filter)
    response = StreamingHttpResponse(stream_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(access)}.csv"'
    return response


@account_page(Permission.READ_MONEY)
@may_read_replica
@require_safe
def statement_xlsx(request: HttpRequest, access: AccountAccess) -> HttpResponseBase:
    """Hand out the chosen part of the statement as XLSX."""
    form = StatementForm(request.GET)
    if not form.is_valid():
        return _back_to_form(request, access)
    file = write_xlsx(_table(access, form.statement_filter), title=_("Statement"))
    return FileResponse(file, as_attachment=True, filename=f"{_filename(access)}.xlsx")


def _back_to_form(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Lead to the page that says what is wrong with the filter."""
    return HttpResponseRedirect(f"{account_url('statement', access)}?{request.GET.urlencode()}")


def _filename(access: AccountAccess) -> str:
    return f"statement-{access.account.uin}-{timezone.localdate():%Y%m%d}"


def _table(access: AccountAccess, chosen: StatementFilter) -> Iterator[list[Cell]]:
    """Return the heading and the rows.

    The words are looked up now: while a long file is read, the request's language is gone.
    """
    heading: list[Cell] = [_("When"), _("Kind"), _("Number"), _("Other account")]
    heading += [*(str(kind.label) for kind in COLUMNS), _("Currency")]
    labels = {kind: str(kind.label) for kind in LedgerKind}
    rows: Iterator[list[Cell]] = (
        [
            timezone.localtime(row.at),
            labels[row.kind],
            row.number,
            row.other,
            *row.cells,
            row.currency,
        ]
        for row in stream_rows(access.account, chosen)
    )
    return chain([heading], rows)


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
