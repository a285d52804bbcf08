"""The start page of an account."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.charts import draw_bars
from billing.catalog.queries import find_prices
from billing.enums import FundKind
from billing.wallet.ledger import read_balances
from config.start.first_steps import FirstStep, list_first_steps
from config.start.overview import find_next_expiry, read_packages
from config.start.spending import read_spending
from config.start.tasks import Task, list_tasks


def _money(access: AccountAccess, currency: str, now: datetime) -> dict[str, Any]:
    """Return the balances, and what was spent, this month and in those before."""
    balances = read_balances(account=access.account, currency=currency)
    months = read_spending(access.account, currency, now)
    return {
        "funds": [(kind.label, balances[kind]) for kind in FundKind],
        "balance": sum(balances[kind] for kind in FundKind),
        "chart": draw_bars(months),
        "this_month": months[-1],
        "last_month": months[-2],
    }


def _beside(steps: list[FirstStep], tasks: list[Task]) -> list[Task]:
    """Leave out the tasks that stand among the first steps already."""
    known = {str(step.url) for step in steps if not step.is_done}
    return [task for task in tasks if task.url not in known]


@account_page()
@require_safe
def start(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Show how the account stands, what waits for this person, and the next step."""
    now = timezone.now()
    _book, prices = find_prices(now)
    currency = prices.currency
    rows = read_packages(access.account, now)
    steps = list_first_steps(access, rows)
    context: dict[str, Any] = {
        "access": access,
        "now": now,
        "currency": currency,
        "rows": rows,
        "agents_used": sum(row.agents_used for row in rows),
        "agents_free": sum(row.agents_free for row in rows),
        "agents_total": sum(row.agents for row in rows),
        "sip_used": sum(row.sip_used for row in rows),
        "sip_total": sum(row.sip for row in rows),
        "next_expiry": find_next_expiry(rows, prices),
        "steps": steps,
        "tasks": _beside(steps, list_tasks(access, rows, now)),
    }
    if access.may(Permission.READ_MONEY):
        context |= _money(access, currency, now)
    return render(request, "config/start.html", context)
