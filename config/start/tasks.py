"""What waits for the person who looks at an account's start page, with the button that fixes it.

A few queries, the same however much there is; lists are bounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import AccountAccess, Permission
from accounts.templatetags.console import count as format_count
from accounts.templatetags.console import money
from agents.models import Agent
from billing.enums import PackageState, RenewalMode
from billing.models import Order, Refund
from billing.packages.acts import PackageAct
from billing.packages.buttons import button_of
from compliance.models import ConnectionRequest, Violation
from config.start.overview import PackageRow

#: How many orders, or requests, are named.
_SHOWN = 3


@dataclass(frozen=True)
class Task:
    """Something that waits, or is wrong, and the button that fixes it."""

    tone: str
    text: str
    button: str | Promise
    url: str
    is_dialog: bool = False

    @property
    def severity(self) -> str:
        """What the color says, in a word."""
        return {"danger": _("Urgent"), "warning": _("Warning")}.get(self.tone, _("Note"))


def _package_tasks(access: AccountAccess, rows: Iterable[PackageRow], now: datetime) -> list[Task]:
    """Return what to do about packages: only what the package and the account allow."""
    if not access.may(Permission.SPEND):
        return []
    tasks = (_package_task(row, now) for row in rows)
    return [task for task in tasks if task is not None]


def _package_task(row: PackageRow, now: datetime) -> Task | None:
    acts, name, soon = row.status.acts, row.application.name, settings.EXPIRING_SOON_DAYS
    if row.package is None:
        text, tone, act = _("“%(name)s” has no package."), "info", PackageAct.BUY
    elif row.state == PackageState.ISOLATED:
        text = _("The package of “%(name)s” has expired, so its agents cannot work.")
        tone, act = "danger", PackageAct.RENEW
    elif row.package.expires_at - now > timedelta(days=soon):
        return None
    elif row.state == PackageState.TRIAL:
        text = ngettext(
            "The trial of “%(name)s” ends within %(days)d day.",
            "The trial of “%(name)s” ends within %(days)d days.",
            soon,
        )
        tone, act = "warning", PackageAct.BUY
    elif row.package.renewal_mode != RenewalMode.REMIND:
        return None
    else:
        text = ngettext(
            "The package of “%(name)s” expires within %(days)d day.",
            "The package of “%(name)s” expires within %(days)d days.",
            soon,
        )
        tone, act = "warning", PackageAct.RENEW
    if act not in acts:
        return None
    button = button_of(act, row.application)
    text %= {"name": name, "days": soon}
    return Task(tone=tone, text=text, button=button.label, url=button.url)


def _money_tasks(access: AccountAccess, now: datetime) -> list[Task]:
    if not access.may(Permission.SPEND):
        return []
    uin = access.account.uin
    unpaid = []
    if access.account.is_in_good_standing:
        unpaid = [
            _order_task(access, order)
            for order in Order.objects.open(now)
            .filter(Q(account=access.account) | Q(payer=access.account))
            .order_by("expires_at")[:_SHOWN]
        ]
    pending = Refund.objects.pending().filter(account=access.account)
    return unpaid + [
        Task(
            tone="info",
            text=_("Our staff are reviewing refund request %(number)s.")
            % {"number": refund.number},
            button=_("View the request"),
            url=reverse("billing:refund", kwargs={"uin": uin, "number": refund.number}),
        )
        for refund in pending[:_SHOWN]
    ]


def _order_task(access: AccountAccess, order: Order) -> Task:
    """Lead to an order that waits for payment: the account's own, or one that it is to pay."""
    name = "order" if order.account_id == access.account.pk else "payment_request"
    return Task(
        tone="warning",
        text=_("Order %(number)s (%(total)s) is awaiting payment.")
        % {"number": order.number, "total": money(order.total, order.currency)},
        button=_("View the order"),
        url=reverse(f"billing:{name}", kwargs={"uin": access.account.uin, "number": order.number}),
    )


def _agent_tasks(access: AccountAccess, rows: Iterable[PackageRow], now: datetime) -> list[Task]:
    if not access.may(Permission.MANAGE_AGENTS) or not access.account.is_in_good_standing:
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
                    text=_("“%(name)s” has licenses, but no agents yet.") % {"name": name},
                    button=_("Add agents"),
                    url=row.manage_url,
                )
            )
        elif count and row.agents_free:
            tasks.append(
                Task(
                    tone="warning",
                    text=ngettext(
                        "%(text)s agent of “%(name)s” has no license, and licenses are free.",
                        "%(text)s agents of “%(name)s” have no license, and licenses are free.",
                        count,
                    )
                    % {"text": format_count(count), "name": name},
                    button=_("Assign licenses"),
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
                button=_("View details"),
                url=reverse("compliance:violations", kwargs={"uin": uin}),
            )
        )
    declared = set(
        ConnectionRequest.objects.filter(account=access.account).values_list(
            "application", flat=True
        )
    )
    missing = [row for row in rows if row.is_live and row.application.pk not in declared]
    may_request = access.may(Permission.REQUEST_CONNECTION) and access.account.is_in_good_standing
    if missing and may_request:
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
