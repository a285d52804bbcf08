"""What is scheduled for a package: by mode and state, as a table; on the page, as it will be."""

from datetime import datetime

import pytest

from accounts.enums import Measure
from billing.enums import RenewalMode
from billing.models import Package
from billing.packages.schedule import EventKind, ScheduledEvent, list_events, read_schedule
from billing.packages.status import read_status
from tests.factories import (
    DAY,
    NOW,
    buy,
    current_package,
    make_application,
    make_customer,
    restrict,
)

EXPIRY = NOW + 10 * DAY
RELEASE = EXPIRY + 7 * DAY


def scheduled(
    mode: RenewalMode = RenewalMode.REMIND,
    *,
    now: datetime = NOW,
    is_trial: bool = False,
    is_paused: bool = False,
    released_at: datetime | None = RELEASE,
) -> list[tuple[str, float | None, bool]]:
    """Each with its days from the expiry."""
    found = list_events(
        expires_at=EXPIRY,
        released_at=released_at,
        is_trial=is_trial,
        mode=mode,
        reminder_days=[-7, -1, 1, 7],
        renewal_lead=DAY,
        is_paused=is_paused,
        now=now,
    )
    return [
        (str(each.what), (each.at - EXPIRY) / DAY if each.at else None, each.is_doubtful)
        for each in found
    ]


def test_by_hand_there_are_reminders_on_both_sides_of_the_expiry() -> None:
    assert scheduled() == [
        ("reminder", -7, False),
        ("reminder", -1, False),
        ("expiry", 0, False),
        ("reminder", 1, False),
        ("reminder", 7, False),
        ("release", 7, False),
    ]


def test_what_follows_an_automatic_renewal_is_doubtful() -> None:
    assert scheduled(RenewalMode.AUTOMATIC) == [
        ("reminder", -7, False),
        ("reminder", -1, False),
        ("renewal", -1, False),
        ("expiry", 0, True),
        ("reminder", 1, True),
        ("reminder", 7, True),
        ("release", 7, True),
    ]


def test_a_renewal_that_is_due_comes_next() -> None:
    found = scheduled(RenewalMode.AUTOMATIC, now=EXPIRY + 2 * DAY)
    assert found == [("renewal", 2, False), ("reminder", 7, True), ("release", 7, True)]


def test_while_paused_nothing_renews_and_the_release_is_open() -> None:
    found = scheduled(RenewalMode.AUTOMATIC, is_paused=True, released_at=None, now=EXPIRY - DAY)
    assert found == [
        ("expiry", 0, False),
        ("reminder", 1, False),
        ("reminder", 7, False),
        ("release", None, False),
    ]


def test_the_mode_neither_has_no_reminder() -> None:
    assert scheduled(RenewalMode.NEITHER) == [("expiry", 0, False), ("release", 7, False)]


@pytest.mark.parametrize("mode", RenewalMode)
def test_a_trial_just_ends(mode: RenewalMode) -> None:
    reminders = [] if mode == RenewalMode.NEITHER else [-7, -1]
    expected = [("reminder", day, False) for day in reminders]
    assert scheduled(mode, is_trial=True) == [*expected, ("trial_end", 0, False)]


def test_nothing_is_to_come_for_what_is_past() -> None:
    assert scheduled(now=RELEASE) == []


# --- From rows -------------------------------------------------------------------------------


@pytest.fixture
def package(db: None) -> Package:
    customer = make_customer(cash="500")
    application = make_application(customer.account)
    buy(application)
    return current_package(application)


def test_a_restriction_without_end_leaves_the_release_open(package: Package) -> None:
    account = package.account
    before = read_schedule(read_status(package, account, NOW), account, NOW)[-1]
    restrict(account, Measure.SUSPEND)
    account.refresh_from_db()

    assert before == ScheduledEvent(EventKind.RELEASE, package.expires_at + 7 * DAY)
    assert read_schedule(read_status(package, account, NOW), account, NOW)[-1] == ScheduledEvent(
        EventKind.RELEASE, None
    )
