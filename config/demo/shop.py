"""Short ways to do through the services what customers and staff do, at a time in the past."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model

from accounts.models import Account, Application, User
from accounts.services.proposals import approve_proposal, propose
from accounts.services.tenants import lock_account
from agents.models import Agent
from agents.services.agents import AgentDetails, add_agent
from billing.enums import Edition, OrderKind, TermUnit
from billing.grants.credits import record_credit
from billing.models import Order, Package, Refund
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest
from billing.orders.services import place_order
from billing.packages.lifecycle import settle_package
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package


def credit(
    account: Account, *, gift: int = 0, income: int = 0, cash: int = 0, at: datetime
) -> None:
    """Credit whole dollars to the account's funds, once."""
    for kind, amount in (("gift", gift), ("income", income), ("cash", cash)):
        if amount:
            record_credit(
                account=account,
                fund_kind=kind,
                amount=Decimal(amount),
                currency="USD",
                reference=f"DEMO-{account.uin}-{kind}-{at:%Y%m%d}",
                note="Demo",
                by=None,
                now=at,
            )


def by_two(
    kind: str,
    *,
    account: Account | None = None,
    target: Model | None = None,
    payload: Mapping[str, Any],
    reason: str,
    first: User,
    second: User,
    at: datetime,
) -> Any:
    """Let one member of staff prepare an act and another one approve it."""
    proposal = propose(
        kind, account=account, target=target, payload=payload, reason=reason, by=first, now=at
    )
    return approve_proposal(proposal=proposal, reason="Checked.", by=second, now=at)


def place(account: Account, order_request: OrderRequest, *, by: User, at: datetime) -> Order:
    """Quote and confirm in one go."""
    quote = confirmable_quote(account=account, order_request=order_request, now=at)
    return place_order(account=account, token=quote.token, by=by, now=at)


def order_new(
    application: Application,
    edition: Edition,
    *,
    by: User,
    at: datetime,
    unit: TermUnit = TermUnit.MONTH,
    count: int = 1,
    agents: int = 0,
    sip: int = 0,
) -> Package:
    """Buy a package; on a trial, where one runs."""
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=application.pk,
        edition=edition,
        unit=unit,
        count=count,
        agents=agents,
        sip=sip,
    )
    place(application.account, order_request, by=by, at=at)
    return Package.objects.current().get(application=application)


def order_additional(
    application: Application, *, agents: int = 0, sip: int = 0, by: User, at: datetime
) -> Order:
    """Buy additional licenses for the application's package."""
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL, application=application.pk, agents=agents, sip=sip
    )
    return place(application.account, order_request, by=by, at=at)


def order_upgrade(application: Application, *, by: User, at: datetime) -> Order:
    """Upgrade the application's package to Premium."""
    order_request = OrderRequest(
        kind=OrderKind.UPGRADE, application=application.pk, edition=Edition.PREMIUM
    )
    return place(application.account, order_request, by=by, at=at)


def order_refund(package: Package, *, by: User, at: datetime) -> Refund:
    """Ask for the full refund of a package, as both dialogs do."""
    package.refresh_from_db()
    quote = quote_refund(package=package, now=at)
    return refund_package(package=package, token=quote.token, by=by, now=at)


@transaction.atomic
def settle(application: Application, *, at: datetime) -> None:
    """Record what time has done to the application's package."""
    account = lock_account(application.account_id)
    for package in Package.objects.select_for_update(no_key=True).filter(application=application):
        settle_package(package, account=account, by=None, now=at)


def staff_agents(
    application: Application,
    names: Iterable[str],
    *,
    by: User,
    at: datetime,
    licensed: int | None = None,
) -> list[Agent]:
    """Add agents by name, the first `licensed` of them (by default all) with a license."""
    plain = AgentDetails(name="", staff_number="", email="")
    agents = []
    for number, name in enumerate(names, start=1):
        details = replace(
            plain,
            name=name,
            nickname=name.split()[0],
            staff_number=f"{application.sdkappid % 1000:03d}{number:05d}",
            email=f"agent{number}.{application.sdkappid}@example.com",
            phone=f"+8613{number:09d}",
            extension=f"{10_000 + number % 80_000}" if number <= 60_000 else "",
        )
        agents.append(
            add_agent(
                application=application,
                details=details,
                with_license=licensed is None or number <= licensed,
                by=by,
                now=at,
            )
        )
    return agents
