"""What an act on a selection would do, counted exactly, for the dialog that asks for consent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils.formats import number_format
from django.utils.translation import ngettext

from accounts.models import Application
from agents.models import SipTelephone
from agents.models.agents import AgentQuerySet
from agents.services.seats import free_licenses
from billing.enums import LicenseKind

SAMPLE = 5


@dataclass(frozen=True)
class Preview:
    """`matched` agents are meant and `affected` of them would change; `lines` say how.

    `missing` is the number of licenses that would have to be bought, `free` of those there are.
    """

    matched: int
    affected: int
    lines: tuple[str, ...] = ()
    missing: int = 0
    free: int = 0
    sample: tuple[str, ...] = ()

    @property
    def others(self) -> int:
        """How many agents the sample leaves out."""
        return self.matched - len(self.sample)


Previewer = Callable[[Application, AgentQuerySet, datetime], Preview]


def _counts(chosen: AgentQuerySet, **conditions: Q) -> dict[str, int]:
    """Count the agents, and those that meet each condition, in one query."""
    counted = {name: Count("pk", filter=condition) for name, condition in conditions.items()}
    return dict(chosen.order_by().aggregate(matched=Count("pk"), **counted))


def _line(number: int, text: str) -> str:
    """Fill the number in; nothing where it is zero."""
    return text % {"number": number_format(number, force_grouping=True)} if number else ""


def _preview(
    chosen: AgentQuerySet,
    matched: int,
    affected: int,
    *lines: str,
    missing: int = 0,
    free: int = 0,
) -> Preview:
    return Preview(
        matched=matched,
        affected=affected,
        lines=tuple(line for line in lines if line),
        missing=missing,
        free=free,
        sample=tuple(str(agent) for agent in chosen.order_by("pk")[:SAMPLE]),
    )


def _licenses_stay(number: int) -> str:
    return _line(
        number,
        ngettext(
            "%(number)s license is free again and stays until its date. It is not refunded.",
            "%(number)s licenses are free again and stay until their date. They are not refunded.",
            number,
        ),
    )


def preview_disable(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview disabling."""
    n = _counts(chosen, active=Q(is_enabled=True), licensed=Q(license__isnull=False))
    idle, working = n["matched"] - n["active"], chosen.in_service(now).count()
    return _preview(
        chosen,
        n["matched"],
        # Freeing the licenses of agents that were disabled before is a change as well.
        max(n["active"], n["licensed"]),
        _line(
            n["active"],
            ngettext(
                "%(number)s agent is disabled.", "%(number)s agents are disabled.", n["active"]
            ),
        ),
        _line(
            working,
            ngettext(
                "%(number)s of them is in service now and is forced offline.",
                "%(number)s of them are in service now and are forced offline.",
                working,
            ),
        ),
        _line(
            idle,
            ngettext(
                "%(number)s agent is already disabled.",
                "%(number)s agents are already disabled.",
                idle,
            ),
        ),
        _line(
            n["licensed"],
            ngettext(
                "%(number)s license stays with its agent until its date, unless you free it. "
                "It is not refunded.",
                "%(number)s licenses stay with their agents until their date, unless you free "
                "them. They are not refunded.",
                n["licensed"],
            ),
        ),
    )


def preview_enable(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview enabling."""
    matched = chosen.count()
    idle = chosen.filter(is_enabled=False)
    number, unlicensed = idle.count(), idle.unlicensed(now).count()
    return _preview(
        chosen,
        matched,
        number,
        _line(
            number,
            ngettext("%(number)s agent is enabled.", "%(number)s agents are enabled.", number),
        ),
        _line(
            unlicensed,
            ngettext(
                "%(number)s of them has no license and stays out of service.",
                "%(number)s of them have no license and stay out of service.",
                unlicensed,
            ),
        ),
        _line(
            matched - number,
            ngettext(
                "%(number)s agent is already enabled.",
                "%(number)s agents are already enabled.",
                matched - number,
            ),
        ),
    )


def _telephones_unbound(application: Application, chosen: AgentQuerySet) -> str:
    bound = SipTelephone.objects.filter(application=application, agent__in=chosen).count()
    return _line(
        bound,
        ngettext(
            "%(number)s SIP telephone is unbound.",
            "%(number)s SIP telephones are unbound.",
            bound,
        ),
    )


def preview_delete(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview deleting."""
    n = _counts(chosen, licensed=Q(license__isnull=False))
    return _preview(
        chosen,
        n["matched"],
        n["matched"],
        _line(
            n["matched"],
            ngettext(
                "%(number)s agent is permanently deleted.",
                "%(number)s agents are permanently deleted.",
                n["matched"],
            ),
        ),
        _licenses_stay(n["licensed"]),
        _telephones_unbound(application, chosen),
    )


def _get_licenses(waiting: int, free: int) -> str:
    """Say how many agents get a license; where there are too few, how many are free."""
    if free >= waiting:
        text = ngettext(
            "%(number)s agent gets a license.", "%(number)s agents get a license.", waiting
        )
        return _line(waiting, text)
    text = ngettext(
        "%(number)s agent needs a license; free licenses: %(free)s.",
        "%(number)s agents need a license; free licenses: %(free)s.",
        waiting,
    )
    return text % {
        "number": number_format(waiting, force_grouping=True),
        "free": number_format(free, force_grouping=True),
    }


def preview_assign(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview assigning licenses."""
    matched, waiting = chosen.count(), chosen.unlicensed(now).count()
    free = free_licenses(application, LicenseKind.AGENT, now).count()
    return _preview(
        chosen,
        matched,
        waiting,
        _get_licenses(waiting, free),
        _line(
            matched - waiting,
            ngettext(
                "%(number)s agent already has a license.",
                "%(number)s agents already have a license.",
                matched - waiting,
            ),
        ),
        missing=max(waiting - free, 0),
        free=free,
    )


def preview_free(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview taking licenses back."""
    n = _counts(chosen, licensed=Q(license__isnull=False))
    without, working = n["matched"] - n["licensed"], chosen.in_service(now).count()
    return _preview(
        chosen,
        n["matched"],
        n["licensed"],
        _line(
            working,
            ngettext(
                "%(number)s agent is in service now and goes out of service.",
                "%(number)s agents are in service now and go out of service.",
                working,
            ),
        ),
        _licenses_stay(n["licensed"]),
        _telephones_unbound(application, chosen),
        _line(
            without,
            ngettext(
                "%(number)s agent has no license.", "%(number)s agents have no license.", without
            ),
        ),
    )


def preview_move(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview moving licenses."""
    matched, licensed = chosen.count(), chosen.licensed(now).count()
    return _preview(
        chosen,
        matched,
        licensed,
        _line(
            licensed,
            ngettext(
                "%(number)s license moves to another agent.",
                "%(number)s licenses move to other agents.",
                licensed,
            ),
        ),
        _telephones_unbound(application, chosen),
        _line(
            matched - licensed,
            ngettext(
                "%(number)s agent has no license to give.",
                "%(number)s agents have no license to give.",
                matched - licensed,
            ),
        ),
    )


def preview_change(application: Application, chosen: AgentQuerySet, now: datetime) -> Preview:
    """Preview changing role and skill groups."""
    matched = chosen.count()
    line = ngettext(
        "%(number)s agent is changed where the values differ.",
        "%(number)s agents are changed where the values differ.",
        matched,
    )
    return _preview(chosen, matched, matched, _line(matched, line))
