"""What the administration's first page shows: work to do, things to watch, and the sweep."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.templatetags.console import countdown
from billing.models import SweepRun
from config.staff.decisions import DECISIONS
from config.staff.status import MAY_SEE_STATUS
from config.staff.watch import WATCH
from config.staff.work import Work, WorkList, change_url


@dataclass(frozen=True)
class Sweep:
    """When the last expiry sweep ended; an overdue one is for anyone who runs the machines."""

    text: str
    url: str
    is_late: bool


@dataclass(frozen=True)
class Desk:
    """The first page of one member of staff; `sweep` is None where it is not theirs to see."""

    decisions: list[WorkList]
    watch: list[WorkList]
    sweep: Sweep | None


def read_desk(user: User, now: datetime) -> Desk:
    """Read what waits for this person: two queries a list, whatever waits."""
    return Desk(
        decisions=_read(DECISIONS, user, now),
        watch=_read(WATCH, user, now),
        sweep=read_sweep(now) if user.has_perm(MAY_SEE_STATUS) else None,
    )


def _read(works: list[Work], user: User, now: datetime) -> list[WorkList]:
    return [work.read(user, now) for work in works if user.has_perms(work.permissions)]


def read_sweep(now: datetime) -> Sweep:
    """Say when the last expiry sweep ended, and whether the next one is overdue."""
    last = SweepRun.objects.order_by("-finished_at").first()
    if last is None:
        return Sweep(text=_("No expiry sweep has run yet."), url="", is_late=True)
    is_late = now - last.finished_at > timedelta(minutes=settings.SWEEP_STALE_MINUTES)
    ago = countdown(last.finished_at, now)
    text = (
        _("The last expiry sweep ended %(ago)s.")
        if not is_late
        else _("The expiry sweep is overdue: the last one ended %(ago)s.")
    )
    return Sweep(text=text % {"ago": ago}, url=change_url(last), is_late=is_late)
