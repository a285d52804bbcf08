"""When an expired package is released: one rule, in Python and in SQL, and what mail says of it."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.enums import Measure
from accounts.models import Notification, Restriction
from accounts.services.letters import write
from accounts.services.restrictions import lift_restriction
from billing.models import Package
from billing.packages.lifecycle import derive_package_state, foresee_releases
from billing.packages.queries import RELEASED_AT, UNDER_REVIEW
from billing.packages.release import ReleaseFacts, Span, find_release
from billing.renewals.reminders import find_due_reminders, send_reminders
from tests import factories as make
from tests.billing.acts import ask_for_review, at, package_of, sweep
from tests.factories import DAY, HOUR
from tests.tiers import sample

BOUGHT = at("2026-03-10 10:00:00")
EXPIRY = at("2026-04-10 10:00:00")
ISOLATION, GRACE = timedelta(days=7), timedelta(days=7)


def _after(days: float) -> datetime:
    return EXPIRY + timedelta(days=days)


# The spans are days after the expiry; the release too. Isolation and grace are 7 days each.
CASES = [
    pytest.param([], 7, id="unrestricted"),
    pytest.param([(-30, -20)], 7, id="restricted long ago"),
    pytest.param([(-9, -1)], 7, id="the grace ends before the isolation"),
    pytest.param([(-9, 0)], 7, id="the grace ends with the isolation"),
    pytest.param([(-9, 1)], 8, id="the grace outlasts the isolation"),
    pytest.param([(-1, None)], None, id="restricted"),
    pytest.param([(7, None)], None, id="restricted at the instant of release"),
    pytest.param([(7.001, None)], 7, id="restricted after the release"),
    pytest.param([(7.001, 9)], 7, id="restricted and lifted after the release"),
    pytest.param([(-1, 5), (10, 11)], 18, id="one after the other"),
    pytest.param([(-1, 5), (12.001, 13)], 12, id="the second came too late"),
    pytest.param([(-1, 5), (3, None)], None, id="two at a time, one lasts"),
    pytest.param([(6, 6)], 13, id="restricted for an instant"),
]


def _spans(days: Sequence[tuple[float, float | None]]) -> list[Span]:
    return [(_after(start), None if end is None else _after(end)) for start, end in days]


def _in_python(spans: Sequence[Span]) -> datetime | None:
    return find_release(
        ReleaseFacts(
            expires_at=EXPIRY,
            is_trial=False,
            restrictions=spans,
            is_under_review=False,
            isolation=ISOLATION,
            grace=GRACE,
        )
    )


def _restrict(package: Package, spans: Sequence[Span]) -> None:
    Restriction.objects.filter(account=package.account_id).delete()
    Restriction.objects.bulk_create(
        Restriction(
            account_id=package.account_id,
            measure=Measure.SUSPEND,
            case_number=f"CASE-{number}",
            reason="A case of the test",
            started_at=start,
            ended_at=end,
        )
        for number, (start, end) in enumerate(spans)
    )


def _in_sql(package: Package) -> datetime | None:
    row: tuple[datetime | None, bool] = Package.objects.values_list(RELEASED_AT, UNDER_REVIEW).get(
        pk=package.pk
    )
    released_at, is_under_review = row
    assert is_under_review is False
    return released_at


@pytest.fixture
def package(db: None) -> Package:
    """A package that expires at EXPIRY."""
    customer = make.make_customer(cash="1000")
    found = package_of(make.buy(customer.application, now=BOUGHT))
    assert found.expires_at == EXPIRY
    return found


@pytest.mark.parametrize(("days", "expected"), CASES)
def test_the_instant_of_release(
    package: Package, days: list[tuple[float, float | None]], expected: float | None
) -> None:
    due = None if expected is None else _after(expected)
    assert _in_python(_spans(days)) == due
    _restrict(package, _spans(days))
    assert _in_sql(package) == due
    assert foresee_releases([package])[package.pk] == due


def test_the_rule_is_the_same_in_python_and_in_sql(package: Package) -> None:
    dice = random.Random(12)
    released = set()
    for _case in range(sample(40, 3000)):
        spans = []
        for _span in range(dice.randint(0, 4)):
            start = dice.randint(-10, 30)
            end = None if dice.random() < 0.1 else start + dice.randint(0, 12)
            spans.append((start, end))
        _restrict(package, _spans(spans))
        found = _in_python(_spans(spans))
        assert _in_sql(package) == found, spans
        assert foresee_releases([package])[package.pk] == found, spans
        released.add(found)
    assert len(released) > 5


def test_a_trial_is_released_at_its_expiry_and_a_review_holds_a_paid_package() -> None:
    facts: dict[str, Any] = {
        "expires_at": EXPIRY,
        "restrictions": [(_after(-1), None)],
        "isolation": ISOLATION,
        "grace": GRACE,
    }
    trial = ReleaseFacts(is_trial=True, is_under_review=False, **facts)
    assert find_release(trial) == EXPIRY
    reviewed = ReleaseFacts(is_trial=False, is_under_review=True, **{**facts, "restrictions": []})
    assert find_release(reviewed) is None


# --- What mail says of it ---------------------------------------------------------------------


def _remind(now: datetime) -> None:
    send_reminders(due=list(find_due_reminders(now)), now=now)


def _mails(package: Package) -> list[str]:
    """The owner's mails about the package, in order, and forget them."""
    found = Notification.objects.filter(
        account=package.account_id, kind__startswith="package_"
    ).order_by("pk")
    texts = [(words := write(each)).subject + " " + words.text for each in found]
    found.delete()
    return texts


def _promises(text: str) -> bool:
    return "Apr 2026" in text.replace("10 Apr 2026", "") or "Renew it" in text


def test_a_suspended_customer_is_promised_no_release_and_not_told_to_renew(
    package: Package,
) -> None:
    case = make.restrict(package.account, now=EXPIRY - DAY).case_number
    _remind(EXPIRY - DAY)
    sweep(EXPIRY + HOUR)
    _remind(EXPIRY + DAY)
    texts = _mails(package)
    assert len(texts) == 3
    for text in texts:
        assert not _promises(text), text
        assert "cannot be renewed for now" in text
    assert foresee_releases([package])[package.pk] is None
    lift_restriction(
        account=package.account,
        case_number=case,
        reason="",
        is_annulled=False,
        by=None,
        now=EXPIRY + 2 * DAY,
    )
    _remind(EXPIRY + 3 * DAY)
    (text,) = _mails(package)
    # Lifted two days after the expiry: kept for seven days from then on, to 19 April.
    assert "until 19 Apr 2026, 10:00:00" in text
    assert "Renew it before then" in text


def test_a_refund_under_review_promises_no_release_either(package: Package) -> None:
    ask_for_review(package, now=BOUGHT)
    _remind(EXPIRY - DAY)
    sweep(EXPIRY + HOUR)
    _remind(EXPIRY + DAY)
    texts = _mails(package)
    assert len(texts) == 3
    for text in texts:
        assert not _promises(text), text
        assert "A refund of it is under review" in text


def test_an_unrestricted_customer_reads_when_the_licenses_go(package: Package) -> None:
    sweep(EXPIRY + HOUR)
    _remind(EXPIRY + DAY)
    texts = _mails(package)
    assert len(texts) == 2
    for text in texts:
        assert "until 17 Apr 2026, 10:00:00" in text
    _remind(EXPIRY + 7 * DAY)
    (text,) = _mails(package)
    assert "were released on 17 Apr 2026, 10:00:00" in text
    assert derive_package_state(package, EXPIRY + 7 * DAY) == "released"
