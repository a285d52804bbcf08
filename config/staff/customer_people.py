"""The account's page: measures, members and applications; news and the audit trail."""

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Application, AuditEvent, Membership, Notification, Restriction
from accounts.services.letters import write
from accounts.templatetags.console import badge, instant
from accounts.wording import describe_event
from config.staff.sections import Cell, DeskTable, Reader, words


def _end(reader: Reader, row: Restriction) -> Cell:
    if row.is_annulled:
        return badge("overturned", _("Annulled"), tone="quiet")
    return instant(row.ended_at) if row.ended_at else badge("blocked", _("In effect"))


def _delivery(reader: Reader, row: Notification) -> Cell:
    if row.sent_at:
        return badge("sent", _("Sent"))
    if row.next_attempt_at:
        return (
            badge("failed", _("Failed, tried again"))
            if row.attempts
            else badge("scheduled", _("Waiting to be sent"))
        )
    return badge("failed", _("Not sent")) if row.attempts else badge("neutral", _("Console only"))


def _headline(reader: Reader, row: Notification) -> Cell:
    row.account = reader.account
    return reader.link(row, write(row).subject)


PEOPLE = [
    DeskTable(
        name="measures",
        title=gettext_lazy("Measures"),
        model="accounts.restriction",
        find=lambda reader: Restriction.objects.filter(account=reader.account).order_by(
            F("ended_at").desc(nulls_first=True), "-started_at"
        ),
        columns={
            gettext_lazy("Case"): lambda reader, row: reader.link(row),
            gettext_lazy("Measure"): words("measure"),
            gettext_lazy("From"): lambda reader, row: instant(row.started_at),
            gettext_lazy("Until"): _end,
        },
        empty=gettext_lazy("No measures taken."),
    ),
    DeskTable(
        name="members",
        title=gettext_lazy("Members"),
        model="accounts.membership",
        find=lambda reader: (
            Membership.objects.filter(account=reader.account).select_related("user").order_by("pk")
        ),
        columns={
            gettext_lazy("Person"): lambda reader, row: reader.link(row, row.user.email),
            gettext_lazy("Name"): lambda reader, row: row.user.name,
            gettext_lazy("Role"): words("role"),
            gettext_lazy("Since"): lambda reader, row: instant(row.created_at),
        },
        empty=gettext_lazy("This account has no members."),
    ),
    DeskTable(
        name="applications",
        title=gettext_lazy("Applications"),
        model="accounts.application",
        find=lambda reader: Application.objects.filter(account=reader.account).order_by("pk"),
        columns={
            gettext_lazy("Application"): lambda reader, row: reader.link(row, row.name),
            "SDKAppID": lambda reader, row: str(row.sdkappid),
            gettext_lazy("Activated"): lambda reader, row: instant(row.activated_at),
        },
        empty=gettext_lazy("No application has been activated yet."),
    ),
]

HISTORY = [
    DeskTable(
        name="notifications",
        title=gettext_lazy("Notifications"),
        model="accounts.notification",
        find=lambda reader: (
            Notification.objects.filter(account=reader.account)
            .select_related("user")
            .order_by("-pk")
        ),
        columns={
            gettext_lazy("About"): _headline,
            gettext_lazy("Recipient"): lambda reader, row: row.user.email,
            gettext_lazy("When"): lambda reader, row: instant(row.created_at),
            gettext_lazy("Email"): _delivery,
        },
        empty=gettext_lazy("No notifications yet."),
    ),
    DeskTable(
        name="audit",
        title=gettext_lazy("Audit trail"),
        model="accounts.auditevent",
        find=lambda reader: (
            AuditEvent.objects.filter(account=reader.account)
            .select_related("actor")
            .order_by("-pk")
        ),
        columns={
            gettext_lazy("What"): lambda reader, row: reader.link(row, describe_event(row)),
            gettext_lazy("Who"): lambda reader, row: row.actor.email if row.actor else _("System"),
            gettext_lazy("When"): lambda reader, row: instant(row.at),
            gettext_lazy("Why"): lambda reader, row: row.reason,
        },
        empty=gettext_lazy("Nothing has happened yet."),
    ),
]
