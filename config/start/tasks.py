"""What waits for the person who looks at an account's start page, with the button that mends it.

A few queries, the same however much there is; lists are bounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import AccountAccess, Permission
from agents.models import Agent
from billing.enums import OrderStatus, PackageState, RefundStatus, RenewalMode
from billing.models import Order, Refund
from compliance.models import ConnectionRequest, Violation
from config.start.overview import PackageRow, address_of

#: An expiry nearer than this is something to do.
_SOON = timedelta(days=7)
#: How many orders, or requests, are named.
_SHOWN = 3


@dataclass(frozen=True)
class Task:
    """Something that waits, or is wrong, and the button that mends it."""

    tone: str
    text: str
    button: str | Promise
    url: str
    is_dialog: bool = False


def _package_tasks(access: AccountAccess, rows: Iterable[PackageRow], now: datetime) -> list[Task]:
    if not access.may(Permission.SPEND):
        return []
    tasks = []
    for row in rows:
        name = row.application.name
        if row.package is None:
            tasks.append(
                Task(
                    tone="info",
                    text=_("“%(name)s” has no package.") % {"name": name},
                    button=_("Buy a package"),
                    url=address_of("billing:purchase", row.application),
                )
            )
        elif row.state == PackageState.ISOLATED:
            tasks.append(
                Task(
                    tone="danger",
                    text=_("The package of “%(name)s” has run out; its agents cannot work.")
                    % {"name": name},
                    button=_("Renew"),
                    url=address_of("billing:renew", row.application),
                )
            )
        elif row.package.expires_at - now <= _SOON:
            tasks += _expiry_task(row)
    return tasks


def _expiry_task(row: PackageRow) -> list[Task]:
    assert row.package is not None  # noqa: S101 - the caller has just looked
    if row.state == PackageState.TRIAL:
        return [
            Task(
                tone="warning",
                text=_("The trial of “%(name)s” ends within a week.")
                % {"name": row.application.name},
                button=_("Buy a package"),
                url=address_of("billing:purchase", row.application),
            )
        ]
    if row.package.renewal_mode != RenewalMode.REMIND:
        return []
    return [
        Task(
            tone="warning",
            text=_("The package of “%(name)s” expires within a week.")
            % {"name": row.application.name},
            button=_("Renew"),
            url=address_of("billing:renew", row.application),
        )
    ]


def _money_tasks(access: AccountAccess, now: datetime) -> list[Task]:
    if not access.may(Permission.SPEND):
        return []
    uin = access.account.uin
    open_orders = Order.objects.filter(
        Q(account=access.account) | Q(payer=access.account),
        status=OrderStatus.UNPAID,
        expires_at__gt=now,
    )
    unpaid = [
        Task(
            tone="warning",
            text=_("Order %(number)s over %(currency)s %(total)s waits to be paid.")
            % {"number": order.number, "currency": order.currency, "total": order.total},
            button=_("Look at the order"),
            url=reverse("billing:order", kwargs={"uin": uin, "number": order.number}),
        )
        for order in open_orders.order_by("expires_at")[:_SHOWN]
    ]
    pending = Refund.objects.filter(account=access.account, status=RefundStatus.PENDING)
    return unpaid + [
        Task(
            tone="info",
            text=_("Refund request %(number)s is with our staff.") % {"number": refund.number},
            button=_("Look at the request"),
            url=reverse("billing:refund", kwargs={"uin": uin, "number": refund.number}),
        )
        for refund in pending[:_SHOWN]
    ]


def _agent_tasks(access: AccountAccess, rows: Iterable[PackageRow], now: datetime) -> list[Task]:
    if not access.may(Permission.MANAGE_AGENTS):
        return []
    tasks = []
    with_agents = set(
        Agent.objects.filter(account=access.account)
        .values_list("application", flat=True)
        .distinct()
    )
    waiting = {
        row["application"]: row["count"]
        for row in Agent.objects.filter(account=access.account, is_enabled=True)
        .unlicensed(now)
        .values("application")
        .annotate(count=Count("pk"))
    }
    for row in rows:
        if not row.is_live:
            continue
        name, count = row.application.name, waiting.get(row.application.pk, 0)
        if row.application.pk not in with_agents:
            tasks.append(
                Task(
                    tone="info",
                    text=_("“%(name)s” has licences, but no agents yet.") % {"name": name},
                    button=_("Add agents"),
                    url=row.manage_url,
                )
            )
        elif count and row.agents_free:
            tasks.append(
                Task(
                    tone="warning",
                    text=ngettext(
                        "%(count)d agent of “%(name)s” has no licence, and licences are free.",
                        "%(count)d agents of “%(name)s” have no licence, and licences are free.",
                        count,
                    )
                    % {"count": count, "name": name},
                    button=_("Assign licences"),
                    url=row.manage_url,
                )
            )
    return tasks


def _rule_tasks(access: AccountAccess, rows: Iterable[PackageRow]) -> list[Task]:
    uin = access.account.uin
    tasks = []
    if not access.account.is_in_good_standing:
        tasks.append(
            Task(
                tone="danger",
                text=_("The account is %(status)s: its agents are out of service.")
                % {"status": access.account.get_status_display().lower()},
                button=_("See why, and how to appeal"),
                url=reverse("compliance:violations", kwargs={"uin": uin}),
            )
        )
    elif Violation.objects.filter(account=access.account).under_investigation().exists():
        tasks.append(
            Task(
                tone="warning",
                text=_("A violation of the connect guidelines is under investigation."),
                button=_("See what it is about"),
                url=reverse("compliance:violations", kwargs={"uin": uin}),
            )
        )
    declared = set(
        ConnectionRequest.objects.filter(account=access.account).values_list(
            "application", flat=True
        )
    )
    missing = [row for row in rows if row.is_live and row.application.pk not in declared]
    if missing and access.may(Permission.REQUEST_CONNECTION):
        tasks.append(
            Task(
                tone="info",
                text=_("“%(name)s” needs an approved connection request before it can call.")
                % {"name": missing[0].application.name},
                button=_("Declare your business"),
                url=reverse("compliance:request_connection", kwargs={"uin": uin}),
            )
        )
    return tasks


def list_tasks(access: AccountAccess, rows: list[PackageRow], now: datetime) -> list[Task]:
    """Return what waits for this person, the gravest first."""
    tasks = [
        *_rule_tasks(access, rows),
        *_package_tasks(access, rows, now),
        *_money_tasks(access, now),
        *_agent_tasks(access, rows, now),
    ]
    order = {"danger": 0, "warning": 1, "info": 2}
    return sorted(tasks, key=lambda task: order[task.tone])
