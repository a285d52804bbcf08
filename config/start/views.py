"""The start page of an account."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page
from billing.catalog.queries import find_price_book
from billing.enums import FundKind
from billing.wallet.ledger import read_balances
from config.start.first_steps import FirstStep, list_first_steps
from config.start.overview import read_packages
from config.start.spending import BASE, HEIGHT, WIDTH, read_spending
from config.start.tasks import Task, list_tasks


def _money(access: AccountAccess, currency: str) -> list[tuple[str, Any]]:
    balances = read_balances(account=access.account, currency=currency)
    return [(str(kind.label), balances[kind]) for kind in FundKind]


def _beside(steps: list[FirstStep], tasks: list[Task]) -> list[Task]:
    """Leave out the tasks that stand among the first steps already."""
    known = {str(step.url) for step in steps if not step.is_done}
    return [task for task in tasks if task.url not in known]


@account_page()
@require_safe
def start(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Show how the account stands, what waits for this person, and the next step."""
    now = timezone.now()
    currency = find_price_book(now).currency
    rows = read_packages(access.account, now)
    steps = list_first_steps(access, rows)
    context: dict[str, Any] = {
        "access": access,
        "now": now,
        "currency": currency,
        "rows": rows,
        "agents_used": sum(row.agents_used for row in rows),
        "agents_total": sum(row.agents for row in rows),
        "sip_used": sum(row.sip_used for row in rows),
        "sip_total": sum(row.sip for row in rows),
        "steps": steps,
        "tasks": _beside(steps, list_tasks(access, rows, now)),
    }
    if access.may(Permission.READ_MONEY):
        months = read_spending(access.account, currency, now)
        context |= {
            "funds": _money(access, currency),
            "months": months,
            "has_spent": any(month.amount for month in months),
            "chart": {"width": WIDTH, "height": HEIGHT, "base": BASE},
        }
    return render(request, "config/start.html", context)
