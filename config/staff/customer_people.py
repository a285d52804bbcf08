"""The account's page: measures, members and applications; news and the audit trail."""

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.models import Application, AuditEvent, Membership, Notification, Restriction
from accounts.templatetags.console import badge, instant
from accounts.wording import describe
from config.staff.sections import Cell, Reader, Table, words


def _end(reader: Reader, row: Restriction) -> Cell:
    if row.is_annulled:
        return badge("overturned", _("Annulled"), tone="quiet")
    return instant(row.ended_at) if row.ended_at else badge("blocked", _("In force"))


def _delivery(reader: Reader, row: Notification) -> Cell:
    if row.sent_at:
        return badge("sent", _("Sent"))
    if row.next_attempt_at:
        return (
            badge("failed", _("Failed, tried again"))
            if row.attempts
            else badge("scheduled", _("Waits to be sent"))
        )
    return badge("failed", _("Not sent")) if row.attempts else badge("neutral", _("Console only"))


PEOPLE = [
    Table(
        name="measures",
        title=lazy("Measures"),
        model="accounts.restriction",
        find=lambda reader: Restriction.objects.filter(account=reader.account).order_by(
            F("ended_at").desc(nulls_first=True), "-started_at"
        ),
        columns={
            lazy("Case"): lambda reader, row: reader.link(row),
            lazy("Measure"): words("measure"),
            lazy("From"): lambda reader, row: instant(row.started_at),
            lazy("Until"): _end,
        },
        empty=lazy("No measure was ever taken."),
    ),
    Table(
        name="members",
        title=lazy("Members"),
        model="accounts.membership",
        find=lambda reader: (
            Membership.objects.filter(account=reader.account).select_related("user").order_by("pk")
        ),
        columns={
            lazy("Person"): lambda reader, row: reader.link(row, row.user.email),
            lazy("Name"): lambda reader, row: row.user.name,
            lazy("Role"): words("role"),
            lazy("Since"): lambda reader, row: instant(row.created_at),
        },
        empty=lazy("Nobody is in this account."),
    ),
    Table(
        name="applications",
        title=lazy("Applications"),
        model="accounts.application",
        find=lambda reader: Application.objects.filter(account=reader.account).order_by("pk"),
        columns={
            lazy("Application"): lambda reader, row: reader.link(row, row.name),
            "SDKAppID": lambda reader, row: str(row.sdkappid),
            lazy("Activated"): lambda reader, row: instant(row.activated_at),
        },
        empty=lazy("No application is activated yet."),
    ),
]

HISTORY = [
    Table(
        name="notifications",
        title=lazy("Notifications"),
        model="accounts.notification",
        find=lambda reader: (
            Notification.objects.filter(account=reader.account)
            .select_related("user")
            .order_by("-pk")
        ),
        columns={
            lazy("About"): lambda reader, row: reader.link(row, row.kind.replace("_", " ")),
            lazy("Recipient"): lambda reader, row: row.user.email,
            lazy("When"): lambda reader, row: instant(row.created_at),
            lazy("E-mail"): _delivery,
        },
        empty=lazy("Nobody was told anything yet."),
    ),
    Table(
        name="audit",
        title=lazy("Audit trail"),
        model="accounts.auditevent",
        find=lambda reader: (
            AuditEvent.objects.filter(account=reader.account)
            .select_related("actor")
            .order_by("-pk")
        ),
        columns={
            lazy("What"): lambda reader, row: reader.link(row, describe(row)),
            lazy("Who"): lambda reader, row: row.actor.email if row.actor else _("System"),
            lazy("When"): lambda reader, row: instant(row.at),
            lazy("Why"): lambda reader, row: row.reason,
        },
        empty=lazy("Nothing has happened yet."),
    ),
]
