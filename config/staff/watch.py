"""Things that staff keep an eye on, so that they can call a customer, or fix what is broken."""

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.functional import lazy
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.enums import JobState, MailState
from accounts.models import Job, Notification, OutgoingMail, User
from accounts.templatetags.console import countdown, money
from billing.enums import OrderStatus, PackageState
from billing.models import Order, Package, SweepRun
from billing.renewals.auto_renewal import due_renewals
from config.staff.work import Work, WorklistLine, change_url

#: Emails that failed longer ago than this are history.
RECENTLY = timedelta(days=30)
#: Mail about signing in that waits longer than this is stuck: the sender does not run.
STUCK = timedelta(minutes=10)
#: So many of the newest messages are looked through for failures.
LOOKED_THROUGH = 100_000
#: What the outbox writes about a message whose reader has left; that is no failure.
GONE = "recipient is gone"


def _soon(now: datetime) -> datetime:
    """Return until when a package that ends is about to expire."""
    return now + timedelta(days=settings.EXPIRING_SOON_DAYS)


def _title_of_expiring() -> str:
    days = settings.EXPIRING_SOON_DAYS
    text = ngettext(
        "Packages that expire within %(days)d day",
        "Packages that expire within %(days)d days",
        days,
    )
    return text % {"days": days}


def _no_expiring() -> str:
    days = settings.EXPIRING_SOON_DAYS
    text = ngettext(
        "No package expires within %(days)d day.",
        "No package expires within %(days)d days.",
        days,
    )
    return text % {"days": days}


def _renewals(user: User, now: datetime) -> QuerySet[Package]:
    """Return what the last sweep should have renewed and did not: mostly, money is missing."""
    last = SweepRun.objects.order_by("-finished_at").values_list("as_of", flat=True).first()
    due = due_renewals(last) if last else Package.objects.none()
    return due.select_related("account", "application").order_by("expires_at", "pk")


def _expiring(user: User, now: datetime) -> QuerySet[Package]:
    return (
        Package.objects.filter(
            state=PackageState.ACTIVE, expires_at__gt=now, expires_at__lte=_soon(now)
        )
        .select_related("account", "application")
        .order_by("expires_at", "pk")
    )


def _package(package: Package, now: datetime) -> WorklistLine:
    is_over = package.expires_at <= now
    at = countdown(package.expires_at, now)
    return WorklistLine(
        label=str(package.application),
        url=change_url(package),
        text=f"{package.account.name} · {package.get_edition_display()}",
        waits=(_("expired %(when)s") if is_over else _("expires %(when)s")) % {"when": at},
        is_late=is_over,
    )


def _orders(user: User, now: datetime) -> QuerySet[Order]:
    return (
        Order.objects.filter(status=OrderStatus.UNPAID, expires_at__lte=now)
        .select_related("account")
        .order_by("expires_at", "pk")
    )


def _order(order: Order, now: datetime) -> WorklistLine:
    return WorklistLine(
        label=order.number,
        url=change_url(order),
        text=f"{order.account.name} · {money(order.total, order.currency)}",
        waits=_("ordered %(time)s ago") % {"time": timesince(order.created_at, now, depth=1)},
        is_late=True,
    )


def _emails(user: User, now: datetime) -> QuerySet[Notification]:
    """Return recent failures among the newest messages: no index tells them from the rest."""
    newest = Notification.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return (
        Notification.objects.filter(
            pk__gt=newest - LOOKED_THROUGH,
            created_at__gt=now - RECENTLY,
            sent_at=None,
            attempts__gt=0,
        )
        .exclude(last_error=GONE)
        .select_related("user", "account")
        .order_by("pk")
    )


def _email(notification: Notification, now: datetime) -> WorklistLine:
    is_given_up = notification.next_attempt_at is None
    return WorklistLine(
        label=notification.user.email,
        url=change_url(notification),
        text=f"{notification.account.name} · {notification.last_error[:120]}",
        waits=_("given up") if is_given_up else _("will be tried again"),
        is_late=is_given_up,
    )


def _mails(user: User, now: datetime) -> QuerySet[OutgoingMail]:
    """Return mail about signing in that failed, or waits longer than a run should take."""
    return OutgoingMail.objects.filter(
        Q(attempts__gt=0) | Q(created_at__lte=now - STUCK),
        sent_at=None,
        created_at__gt=now - RECENTLY,
    ).order_by("pk")


def _mail(mail: OutgoingMail, now: datetime) -> WorklistLine:
    state = mail.state_at(now)
    return WorklistLine(
        label=mail.to,
        url=change_url(mail),
        text=f"{mail.subject} · {mail.last_error[:120]}",
        waits=str(state.label),
        is_late=state != MailState.WAITING or mail.created_at <= now - STUCK,
    )


def _jobs(user: User, now: datetime) -> QuerySet[Job]:
    return Job.objects.filter(status=JobState.FAILED).order_by("pk")


def _job(job: Job, now: datetime) -> WorklistLine:
    return WorklistLine(
        label=str(job),
        url=change_url(job),
        text=json.dumps(job.args)[:120],
        waits=str(JobState.FAILED.label),
        is_late=True,
    )


WATCH = [
    Work(
        name="renewals",
        title=gettext_lazy("Failed automatic renewals"),
        icon="arrow-path",
        permissions=("billing.view_package",),
        find=_renewals,
        describe=_package,
        table="billing_package",
        query={"renewal_mode__exact": "automatic", "state__in": "active,isolated"},
        empty=gettext_lazy("No automatic renewal has failed."),
    ),
    Work(
        name="expiring",
        title=lazy(_title_of_expiring, str)(),
        icon="calendar-days",
        permissions=("billing.view_package",),
        find=_expiring,
        describe=_package,
        table="billing_package",
        query=lambda now: {
            "state__exact": "active",
            "expires_at__gt": now.isoformat(),
            "expires_at__lte": (_soon(now)).isoformat(),
        },
        empty=lazy(_no_expiring, str)(),
    ),
    Work(
        name="orders",
        title=gettext_lazy("Overdue unpaid orders"),
        icon="shopping-cart",
        permissions=("billing.view_order",),
        find=_orders,
        describe=_order,
        table="billing_order",
        query=lambda now: {"status__exact": "unpaid", "expires_at__lte": now.isoformat()},
        empty=gettext_lazy("No unpaid order is overdue."),
    ),
    Work(
        name="emails",
        title=gettext_lazy("Emails that failed"),
        icon="envelope",
        permissions=("accounts.view_notification",),
        find=_emails,
        describe=_email,
        table="accounts_notification",
        query={"sent_at__isnull": "1", "attempts__gt": "0"},
        empty=gettext_lazy("All emails were sent."),
    ),
    Work(
        name="sign-in-emails",
        title=gettext_lazy("Sign-in emails that failed or are stuck"),
        icon="envelope",
        permissions=("accounts.view_outgoingmail",),
        find=_mails,
        describe=_mail,
        table="accounts_outgoingmail",
        query={"sent_at__isnull": "1"},
        empty=gettext_lazy("Every sign-in email has been sent."),
    ),
    Work(
        name="jobs",
        title=gettext_lazy("Background jobs that failed"),
        icon="cog-6-tooth",
        permissions=("accounts.view_job",),
        find=_jobs,
        describe=_job,
        table="accounts_job",
        query={"status": JobState.FAILED.value},
        empty=gettext_lazy("No background job has failed."),
    ),
]
