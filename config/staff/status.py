"""The status page: whether email, the timetable and the database are well, and where to act."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.enums import JobState
from accounts.models import User
from accounts.templatetags.console import count, countdown
from config.figures import read_figures
from config.staff.watch import STUCK

#: Anyone who may read the sweeps may see how the console is.
MAY_SEE_STATUS = "billing.view_sweeprun"
#: The part of the server's connections in use at which someone should look.
_CROWDED = 0.8

#: The values of each figure, by its name.
Values = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class StatusLine:
    """One thing that can be well or not: how it is, and where one acts.

    `url` leads to the rows behind it; it is empty where there are none, or the reader may not see
    them. `advice` says what to do about it, and is empty while all is well.
    """

    title: str
    text: str
    advice: str = ""
    url: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done."""
        return not self.advice


def read_status_lines(user: User, now: datetime) -> list[StatusLine]:
    """Read how everything is, for a person who may see it."""
    values = {figure.name: figure.values for figure in read_figures(now)}
    return [line for tell in PARTS for line in tell(values, user, now)]


def _list_url(user: User, model: str, query: str = "") -> str:
    if not user.has_perm(model.replace(".", ".view_")):
        return ""
    return reverse(f"admin:{model.replace('.', '_')}_changelist") + query


# --- Email -------------------------------------------------------------------------------------


def _mail(values: Values, user: User, now: datetime) -> Iterable[StatusLine]:
    for kind, title, model in (
        ("sign_in", _("Email about signing in"), "accounts.outgoingmail"),
        ("news", _("Email with news"), "accounts.notification"),
    ):
        overdue = timedelta(seconds=values["mail_overdue_seconds"][kind])
        yield StatusLine(
            title=title,
            text=_waiting(int(values["mail_waiting"][kind]), overdue, now),
            advice=_(
                "Check the mail server, and that a worker or the timer of send_notifications runs."
            )
            if overdue > STUCK
            else "",
            url=_list_url(user, model, "?sent_at__isnull=1"),
        )
        failed = int(values["mail_failed"][kind])
        if failed:
            text = ngettext(
                "%(number)s message of the last 30 days was given up.",
                "%(number)s messages of the last 30 days were given up.",
                failed,
            )
            yield StatusLine(
                title=f"{title}: {_('given up')}",
                text=text % {"number": count(failed)},
                advice=_(
                    "Correct the address or check the mail server. The row shows the last error."
                ),
                url=_list_url(user, model, "?sent_at__isnull=1&attempts__gt=0"),
            )


def _waiting(number: int, overdue: timedelta, now: datetime) -> str:
    if not number:
        return _("Nothing is waiting to be sent.")
    text = ngettext(
        "%(number)s message is waiting to be sent.",
        "%(number)s messages are waiting to be sent.",
        number,
    ) % {"number": count(number)}
    if overdue < timedelta(minutes=1):
        return text
    late = _("The longest overdue has been due for %(time)s.")
    return f"{text} {late % {'time': timesince(now - overdue, now, depth=1)}}"


# --- Background jobs ---------------------------------------------------------------------------

#: How long the oldest job of a lane may wait.
_PATIENCE = {"quick": STUCK, "long": timedelta(hours=1)}


def _jobs(values: Values, user: User, now: datetime) -> Iterable[StatusLine]:
    workers = int(values["workers"][""])
    number = int(sum(values["jobs_waiting"].values()))
    oldest = {lane: timedelta(seconds=values["jobs_oldest_seconds"][lane]) for lane in _PATIENCE}
    yield StatusLine(
        title=_("Background jobs"),
        text=_jobs_waiting(number, max(oldest.values()), now),
        advice=_("Check that a worker runs. If one does, start another one.")
        if any(oldest[lane] > patience for lane, patience in _PATIENCE.items())
        else "",
        url=_list_url(user, "accounts.job", f"?status={JobState.WAITING}"),
    )
    yield StatusLine(
        title=_("Workers"),
        text=_("%(number)s running") % {"number": count(workers)},
        advice=_("Start a worker: until then, these jobs wait.") if number and not workers else "",
    )
    failed = int(values["jobs_failed"][""])
    if failed:
        text = ngettext("%(number)s job failed.", "%(number)s jobs failed.", failed)
        yield StatusLine(
            title=_("Background jobs that failed"),
            text=text % {"number": count(failed)},
            advice=_("Read the error in the log, fix the cause, and run the job again."),
            url=_list_url(user, "accounts.job", f"?status={JobState.FAILED}"),
        )


def _jobs_waiting(number: int, oldest: timedelta, now: datetime) -> str:
    if not number:
        return _("No job is waiting.")
    text = ngettext("%(number)s job is waiting.", "%(number)s jobs are waiting.", number) % {
        "number": count(number)
    }
    if oldest < timedelta(minutes=1):
        return text
    late = _("The oldest has waited for %(time)s.")
    return f"{text} {late % {'time': timesince(now - oldest, now, depth=1)}}"


# --- The timetable -----------------------------------------------------------------------------


def _timetable(values: Values, user: User, now: datetime) -> Iterable[StatusLine]:
    """Tell of each command's last run, and how old that may be."""

    def last(command: str, title: str, patience: timedelta) -> StatusLine:
        at = values["last_run_timestamp_seconds"].get(command)
        ended_at = datetime.fromtimestamp(at, UTC) if at else None
        text = _("It has not run yet.")
        if ended_at:
            text = _("The last run ended %(ago)s.") % {"ago": countdown(ended_at, now)}
        is_late = ended_at is None or now - ended_at > patience
        advice = _("Check that a worker or the timer of %(command)s runs.") % {"command": command}
        return StatusLine(title, text, advice if is_late else "")

    yield last("send_notifications", _("Sending email"), STUCK)
    sweep = last(
        "sweep_expirations",
        _("Expiry sweep"),
        timedelta(minutes=settings.SWEEP_STALE_MINUTES),
    )
    lag = timedelta(seconds=values["sweep_lag_seconds"][""])
    yield replace(
        sweep,
        text=f"{sweep.text} {_recorded(lag, now)}",
        url=_list_url(user, "billing.sweeprun"),
    )
    yield last("send_expiry_reminders", _("Expiry reminders"), timedelta(hours=3))
    yield last("purge_old_data", _("Deletion of old data"), timedelta(hours=36))
    verification = last("verify_ledger", _("Verification of the ledger"), timedelta(hours=36))
    failures = values["last_run_failures"].get("verify_ledger")
    yield verification if failures is None else _with_breaches(verification, int(failures))


def _recorded(lag: timedelta, now: datetime) -> str:
    if not lag:
        return _("All that has ended is recorded.")
    text = _("The oldest end that is not recorded was %(time)s ago.")
    return text % {"time": timesince(now - lag, now, depth=1)}


def _with_breaches(line: StatusLine, number: int) -> StatusLine:
    if not number:
        return replace(line, text=f"{line.text} {_('It found no breach.')}")
    found = ngettext("It found %(number)s breach.", "It found %(number)s breaches.", number)
    return replace(
        line,
        text=f"{line.text} {found % {'number': count(number)}}",
        advice=_("Run verify_ledger on a host. It lists the rows. Do not change anything by hand."),
    )


# --- The database ------------------------------------------------------------------------------


def _database(values: Values, user: User, now: datetime) -> Iterable[StatusLine]:
    yield StatusLine(
        title=_("Size of the database"), text=filesizeformat(values["database_bytes"][""])
    )
    used = int(values["database_connections"][""])
    limit = int(values["database_connections_limit"][""])
    yield StatusLine(
        title=_("Connections of the database"),
        text=_("%(used)s of %(limit)s are in use.") % {"used": count(used), "limit": count(limit)},
        advice=_("Lower DATABASE_POOL_SIZE on the hosts, or use PgBouncer.")
        if used > limit * _CROWDED
        else "",
    )


def _replica(values: Values, user: User, now: datetime) -> Iterable[StatusLine]:
    if "replica_answers" not in values:
        return
    title = _("Replica of the database")
    if "replica_lag_seconds" not in values:
        yield StatusLine(
            title,
            text=_("It does not answer. Lists are read from the primary."),
            advice=_("Check the server of DATABASE_REPLICA_URL."),
        )
        return
    lag = values["replica_lag_seconds"][""]
    is_late = lag > settings.REPLICA_MAX_LAG_SECONDS
    yield StatusLine(
        title,
        text=_("It is %(seconds)s s behind the primary.") % {"seconds": count(round(lag))},
        advice=_(
            "Lists are read from the primary in the meantime. Find out what slows down the replica."
        )
        if is_late
        else "",
    )


# A place for the status of other work: each function tells its lines, in the order of the page.
PARTS: tuple[Callable[[Values, User, datetime], Iterable[StatusLine]], ...] = (
    _mail,
    _jobs,
    _timetable,
    _database,
    _replica,
)
