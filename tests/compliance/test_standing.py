"""What billing asks compliance before it decides."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings as django_settings

from accounts.enums import Measure
from accounts.models import User
from accounts.services.restrictions import lift_restriction, restrict_account
from compliance.enums import CaseState, Severity, ViolationMeasure
from compliance.models import Violation
from compliance.periods import Span, lost_time, merge, total
from compliance.services.measures import lift_measure
from compliance.services.standing import (
    RefundBars,
    ViolationFact,
    annulled_time,
    has_approved_connection,
    refund_bars,
)
from tests.approving import by_two
from tests.compliance.builders import (
    DAY,
    HOUR,
    NOW,
    Tenant,
    approve,
    make_case,
    make_request,
    make_tenant,
)

SECOND = timedelta(seconds=1)
STANDING, WARNINGS, OPEN, NOTHING = "standing", "warnings", "under_investigation", ""


def _bars(tenant: Tenant, now: datetime = NOW) -> dict[str, list[str]]:
    bars = refund_bars(tenant.account, now=now)
    groups = {
        STANDING: bars.standing,
        WARNINGS: bars.warnings,
        OPEN: bars.under_investigation,
    }
    return {name: [fact.number for fact in facts] for name, facts in groups.items() if facts}


#: state → where a case of a Serious behaviour, and of a mere Violation, is found
GROUPS = {
    CaseState.REPORTED: (OPEN, OPEN),
    CaseState.INVESTIGATING: (OPEN, OPEN),
    CaseState.DISMISSED: (NOTHING, NOTHING),
    CaseState.VERIFIED: (STANDING, WARNINGS),
    CaseState.ACTIONED: (STANDING, WARNINGS),
    CaseState.APPEALED: (STANDING, WARNINGS),
    CaseState.UPHELD: (STANDING, WARNINGS),
    CaseState.OVERTURNED: (NOTHING, NOTHING),
}


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize(("behaviour", "column"), [(2, 0), (6, 1)], ids=["serious", "violation"])
def test_where_a_case_counts(tenant: Tenant, state: CaseState, behaviour: int, column: int) -> None:
    case = make_case(tenant, state, behaviour=behaviour)
    group = GROUPS[state][column]
    assert _bars(tenant) == ({group: [case.number]} if group else {})


def test_a_fact_says_what_a_trace_needs(tenant: Tenant) -> None:
    case = make_case(tenant, CaseState.ACTIONED, behaviour=1)
    assert refund_bars(tenant.account, now=NOW) == RefundBars(
        standing=(
            ViolationFact(
                number=case.number,
                behaviour=1,
                name="Fraud",
                severity=Severity.SEVERE,
                state=CaseState.ACTIONED,
                measure=ViolationMeasure.SUSPEND,
            ),
        )
    )


def test_cases_of_another_account_do_not_count(tenant: Tenant) -> None:
    make_case(make_tenant())
    assert _bars(tenant) == {}


def test_several_cases_are_told_oldest_first_in_one_query(
    tenant: Tenant, django_assert_num_queries: object
) -> None:
    cases = [make_case(tenant, CaseState.VERIFIED) for _ in range(3)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert _bars(tenant) == {STANDING: [case.number for case in cases]}


YEAR = timedelta(days=django_settings.WARNING_STANDING_DAYS)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(YEAR - SECOND, True), (YEAR, False), (YEAR + SECOND, False)],
    ids=["a second before", "at the end", "a second after"],
)
def test_a_warning_stops_standing(tenant: Tenant, age: timedelta, expected: bool) -> None:
    make_case(tenant, CaseState.ACTIONED, behaviour=6)
    assert bool(_bars(tenant, NOW + age)) == expected


def test_a_warning_that_was_never_given_does_not_fade(tenant: Tenant) -> None:
    case = make_case(tenant, CaseState.VERIFIED, behaviour=6)
    assert _bars(tenant, NOW + 3 * YEAR) == {WARNINGS: [case.number]}


def test_a_serious_violation_never_fades(tenant: Tenant) -> None:
    case = make_case(tenant, CaseState.ACTIONED)
    assert _bars(tenant, NOW + 3 * YEAR) == {STANDING: [case.number]}


def test_lifting_a_suspension_does_not_revive_refunds(tenant: Tenant, staff: User) -> None:
    case = make_case(tenant, CaseState.ACTIONED)
    lift_measure(violation=case, reason="Enough.", by=None, now=NOW + DAY)
    assert _bars(tenant, NOW + 2 * DAY) == {STANDING: [case.number]}


# --- Lost time -----------------------------------------------------------------------------


def _at(hours: float) -> datetime:
    return NOW + HOUR * hours


def _spans(*pairs: tuple[float, float]) -> list[Span]:
    return [Span(_at(start), _at(end)) for start, end in pairs]


MERGED = {
    "nothing": ([], []),
    "one": ([(0, 1)], [(0, 1)]),
    "empty and inverted": ([(1, 1), (3, 2)], []),
    "apart": ([(3, 4), (0, 1)], [(0, 1), (3, 4)]),
    "touching": ([(0, 1), (1, 2)], [(0, 2)]),
    "overlapping": ([(0, 2), (1, 3)], [(0, 3)]),
    "inside": ([(0, 9), (1, 3), (2, 4)], [(0, 9)]),
}


@pytest.mark.parametrize(("spans", "expected"), MERGED.values(), ids=MERGED.keys())
def test_spans_are_merged(
    spans: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    merged = merge(_spans(*spans))
    assert merged == _spans(*expected)
    assert total(_spans(*spans)) == sum((s.end - s.start for s in merged), timedelta())


#: annulled, valid, hours lost between hour 0 and hour 10
LOST = {
    "nothing": ([], [], 0),
    "inside": ([(2, 5)], [], 3),
    "begun before and gone on after": ([(-5, 20)], [], 10),
    "before and after only": ([(-5, -1), (11, 12)], [], 0),
    "two that overlap count once": ([(1, 4), (3, 6)], [], 5),
    "a valid one at the same time takes it": ([(1, 4)], [(0, 10)], 0),
    "a valid one for a part of it": ([(1, 6)], [(4, 9)], 3),
    "a valid one alone": ([], [(1, 4)], 0),
    "a valid one in the middle": ([(0, 10)], [(4, 5)], 9),
}


@pytest.mark.parametrize(("annulled", "valid", "hours"), LOST.values(), ids=LOST.keys())
def test_lost_time(
    annulled: list[tuple[float, float]], valid: list[tuple[float, float]], hours: int
) -> None:
    lost = lost_time(annulled=_spans(*annulled), valid=_spans(*valid), since=_at(0), until=_at(10))
    assert lost == hours * HOUR


def _restrict(tenant: Tenant, case: str, start: float, end: float | None, annulled: bool) -> None:
    restrict_account(
        account=tenant.account,
        measure=Measure.SUSPEND,
        case_number=case,
        reason="Why.",
        by=None,
        now=_at(start),
    )
    if end is not None:
        lift_restriction(
            account=tenant.account,
            case_number=case,
            reason="Why.",
            is_annulled=annulled,
            by=None,
            now=_at(end),
        )


def test_annulled_time_reads_the_restrictions(tenant: Tenant) -> None:
    other = make_tenant()
    _restrict(tenant, "V-1", 1, 5, annulled=True)
    _restrict(tenant, "V-2", 4, 7, annulled=True)
    _restrict(tenant, "V-3", 2, 3, annulled=False)
    _restrict(tenant, "V-4", 6.5, None, annulled=False)
    _restrict(other, "V-5", 0, 10, annulled=True)
    assert annulled_time(tenant.account, since=_at(0), until=_at(10)) == 4.5 * HOUR
    assert annulled_time(tenant.account, since=_at(4), until=_at(5)) == HOUR
    assert annulled_time(tenant.account, since=_at(10), until=_at(0)) == timedelta()


def test_only_approved_requests_open_an_application(tenant: Tenant, staff: User) -> None:
    request = make_request(tenant)
    assert not has_approved_connection(tenant.application.pk)
    approve(request)
    assert has_approved_connection(tenant.application.pk)
    assert not has_approved_connection(make_tenant().application.pk)
    by_two("connection.revoke", account=tenant.account, target=request, by=staff, now=NOW)
    assert not has_approved_connection(tenant.application.pk)


def test_the_queryset_and_the_groups_agree(tenant: Tenant) -> None:
    for state in CaseState:
        make_case(tenant, state)
    standing = Violation.objects.standing(NOW, warning_days=365)
    assert sorted(standing.values_list("number", flat=True)) == _bars(tenant)[STANDING]
