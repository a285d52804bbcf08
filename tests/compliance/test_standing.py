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
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    Customer,
    approve_connection,
    make_case,
    make_connection_request,
    make_customer,
)

STANDING, WARNINGS, OPEN, NOTHING = "standing", "warnings", "under_investigation", ""


def _bars(customer: Customer, now: datetime = NOW) -> dict[str, list[str]]:
    bars = refund_bars(customer.account, now=now)
    groups = {
        STANDING: bars.standing,
        WARNINGS: bars.warnings,
        OPEN: bars.under_investigation,
    }
    return {name: [fact.number for fact in facts] for name, facts in groups.items() if facts}


#: state → where a case of a Serious behavior, and of a mere Violation, is found
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
def test_where_a_case_counts(
    customer: Customer, state: CaseState, behaviour: int, column: int
) -> None:
    case = make_case(customer, state, behaviour=behaviour)
    group = GROUPS[state][column]
    assert _bars(customer) == ({group: [case.number]} if group else {})


def test_a_fact_says_what_a_trace_needs(customer: Customer) -> None:
    case = make_case(customer, CaseState.ACTIONED, behaviour=1)
    assert refund_bars(customer.account, now=NOW) == RefundBars(
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


def test_cases_of_another_account_do_not_count(customer: Customer) -> None:
    make_case(make_customer())
    assert _bars(customer) == {}


def test_several_cases_are_told_oldest_first_in_one_query(
    customer: Customer, django_assert_num_queries: object
) -> None:
    cases = [make_case(customer, CaseState.VERIFIED) for _ in range(3)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert _bars(customer) == {STANDING: [case.number for case in cases]}


YEAR = timedelta(days=django_settings.WARNING_STANDING_DAYS)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(YEAR - SECOND, True), (YEAR, False), (YEAR + SECOND, False)],
    ids=["a second before", "at the end", "a second after"],
)
def test_a_warning_stops_standing(customer: Customer, age: timedelta, expected: bool) -> None:
    make_case(customer, CaseState.ACTIONED, behaviour=6)
    assert bool(_bars(customer, NOW + age)) == expected


def test_a_warning_that_was_never_given_does_not_fade(customer: Customer) -> None:
    case = make_case(customer, CaseState.VERIFIED, behaviour=6)
    assert _bars(customer, NOW + 3 * YEAR) == {WARNINGS: [case.number]}


def test_a_serious_violation_never_fades(customer: Customer) -> None:
    case = make_case(customer, CaseState.ACTIONED)
    assert _bars(customer, NOW + 3 * YEAR) == {STANDING: [case.number]}


def test_lifting_a_suspension_does_not_revive_refunds(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.ACTIONED)
    lift_measure(violation=case, reason="Enough.", by=None, now=NOW + DAY)
    assert _bars(customer, NOW + 2 * DAY) == {STANDING: [case.number]}


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


def _restrict(
    customer: Customer, case: str, start: float, end: float | None, annulled: bool
) -> None:
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number=case,
        reason="Why.",
        by=None,
        now=_at(start),
    )
    if end is not None:
        lift_restriction(
            account=customer.account,
            case_number=case,
            reason="Why.",
            is_annulled=annulled,
            by=None,
            now=_at(end),
        )


def test_annulled_time_reads_the_restrictions(customer: Customer) -> None:
    other = make_customer()
    _restrict(customer, "V-1", 1, 5, annulled=True)
    _restrict(customer, "V-2", 4, 7, annulled=True)
    _restrict(customer, "V-3", 2, 3, annulled=False)
    _restrict(customer, "V-4", 6.5, None, annulled=False)
    _restrict(other, "V-5", 0, 10, annulled=True)
    assert annulled_time(customer.account, since=_at(0), until=_at(10)) == 4.5 * HOUR
    assert annulled_time(customer.account, since=_at(4), until=_at(5)) == HOUR
    assert annulled_time(customer.account, since=_at(10), until=_at(0)) == timedelta()


def test_only_approved_requests_open_an_application(customer: Customer, staff: User) -> None:
    request = make_connection_request(customer)
    assert not has_approved_connection(customer.application.pk)
    approve_connection(request)
    assert has_approved_connection(customer.application.pk)
    assert not has_approved_connection(make_customer().application.pk)
    by_two("connection.revoke", account=customer.account, target=request, by=staff, now=NOW)
    assert not has_approved_connection(customer.application.pk)


def test_the_queryset_and_the_groups_agree(customer: Customer) -> None:
    for state in CaseState:
        make_case(customer, state)
    standing = Violation.objects.standing(NOW, warning_days=365)
    assert sorted(standing.values_list("number", flat=True)) == _bars(customer)[STANDING]
