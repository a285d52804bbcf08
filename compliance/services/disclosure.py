"""What a customer sees of their own violations; everything here reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.models import Account, Restriction
from compliance.enums import CaseState, HistoryAct
from compliance.models import Appeal, Evidence, Violation
from compliance.policy import Capability, CaseFacts, PolicyProblem, capabilities_off
from compliance.services.appeals import appeal_problems, appeal_until


@dataclass(frozen=True)
class EventLine:
    """One line of the history as a customer reads it; `tone` is good, warning, danger or empty."""

    label: str
    at: datetime
    tone: str
    reason: str


@dataclass(frozen=True)
class CaseView:
    """One case as its customer may see it.

    `problems` is what stands against appealing it at the moment, `appeal_until` the last
    instant to do so; `called_number` has its middle hidden, since it is a complainant's.
    """

    case: Violation
    is_standing: bool
    off: tuple[Capability, ...]
    called_number: str
    evidence: tuple[Evidence, ...]
    appeals: tuple[Appeal, ...]
    events: tuple[EventLine, ...]
    problems: tuple[PolicyProblem, ...]
    appeal_until: datetime | None

    @property
    def may_be_appealed(self) -> bool:
        """Whether the case is in a state to be appealed now."""
        return not self.problems


def mask_number(number: str) -> str:
    """Hide the middle of a telephone number: `+86138****2222`; a short one becomes stars."""
    if len(number) < 8:
        return "*" * len(number)
    return f"{number[:-8]}****{number[-4:]}"


def _standing_ids(cases: Iterable[Violation], now: datetime) -> set[int]:
    listed = Violation.objects.filter(pk__in=[case.pk for case in cases])
    standing = listed.standing(now, warning_days=settings.WARNING_STANDING_DAYS)
    return set(standing.values_list("pk", flat=True))


def _off(case: Violation, *, is_standing: bool) -> tuple[Capability, ...]:
    return capabilities_off(
        CaseFacts(
            state=CaseState(case.state),
            measure=case.measure,
            bars_refund=case.bars_refund,
            is_lifted=case.lifted_at is not None,
            is_standing=is_standing,
        )
    )


@dataclass(frozen=True)
class CaseLine:
    """One case in the customer's list; `may_be_appealed` as in `CaseView`."""

    case: Violation
    is_standing: bool
    may_be_appealed: bool
    appeal_until: datetime | None


def list_cases(cases: Iterable[Violation], now: datetime) -> list[CaseLine]:
    """Return one page of cases for the list; their `appeals` should be prefetched."""
    listed = list(cases)
    standing = _standing_ids(listed, now)
    return [
        CaseLine(
            case=case,
            is_standing=case.pk in standing,
            may_be_appealed=not appeal_problems(case, case.appeals.all(), now),
            appeal_until=appeal_until(case, case.appeals.all()),
        )
        for case in listed
    ]


#: What of a case's history is the customer's business, with its tone; and which reasons were
#: written for the customer and stand nowhere else on the page.
_TONES: dict[str, str] = {
    HistoryAct.REPORT: "",
    HistoryAct.INVESTIGATE: "",
    HistoryAct.VERIFY: "danger",
    HistoryAct.DISMISS: "good",
    HistoryAct.ACT: "danger",
    HistoryAct.APPEAL: "warning",
    HistoryAct.UPHOLD: "danger",
    HistoryAct.OVERTURN: "good",
    HistoryAct.LIFT: "good",
}
_REASON_SHOWN = {HistoryAct.ACT, HistoryAct.LIFT}


def _history(case: Violation) -> tuple[EventLine, ...]:
    return tuple(
        EventLine(
            label=event.get_act_display(),
            at=event.at,
            tone=_TONES[event.act],
            reason=event.reason if event.act in _REASON_SHOWN else "",
        )
        for event in case.events.filter(act__in=_TONES)
    )


def show_case(case: Violation, now: datetime) -> CaseView:
    """Return everything that the customer may know of one case."""
    appeals = tuple(case.appeals.prefetch_related("evidence"))
    is_standing = case.pk in _standing_ids([case], now)
    return CaseView(
        case=case,
        is_standing=is_standing,
        off=_off(case, is_standing=is_standing),
        called_number=mask_number(case.called_number),
        evidence=tuple(case.evidence.filter(is_disclosed=True)),
        appeals=appeals,
        events=_history(case),
        problems=appeal_problems(case, appeals, now),
        appeal_until=appeal_until(case, appeals),
    )


@dataclass(frozen=True)
class StandingView:
    """An account's restrictions that hold now, and the cases behind them."""

    restrictions: tuple[Restriction, ...]
    cases: tuple[Violation, ...]


def show_standing(account: Account) -> StandingView:
    """Return why the account is not in good standing; empty for one that is."""
    restrictions = tuple(
        Restriction.objects.filter(account=account, ended_at=None).order_by("started_at", "pk")
    )
    numbers = [restriction.case_number for restriction in restrictions]
    cases = Violation.objects.filter(account=account, number__in=numbers).order_by("pk")
    return StandingView(restrictions, tuple(cases))
