"""Expiry reminders: which is due, and each only once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from accounts.models import Notification
from billing.enums import RenewalMode
from billing.models import ExpiryReminder, Package
from billing.packages.services import choose_renewal_mode
from billing.renewals.policy import find_due_offset
from billing.renewals.reminders import find_due_reminders, send_reminders
from tests.factories import NOW, SECOND, Customer, make_buyer
from tests.races import race, values

EXPIRY = datetime(2026, 4, 10, 2, 0, tzinfo=UTC)
OFFSETS = (-7, -5, -3, -1, 1, 3, 5, 7)


@pytest.mark.parametrize(
    ("at", "is_trial", "expected"),
    [
        pytest.param(EXPIRY - timedelta(days=7) - SECOND, False, None, id="too early"),
        pytest.param(EXPIRY - timedelta(days=7), False, -7, id="the first, to the second"),
        pytest.param(EXPIRY - timedelta(days=6), False, -7, id="late, nothing later is due"),
        pytest.param(EXPIRY - timedelta(days=5), False, -5, id="the later one replaces it"),
        pytest.param(EXPIRY - timedelta(days=2), False, -3, id="between two"),
        pytest.param(EXPIRY - SECOND, False, -1, id="one second before"),
        pytest.param(EXPIRY, False, None, id="not before an expiry that is past"),
        pytest.param(EXPIRY + timedelta(days=1), False, 1, id="one day after"),
        pytest.param(EXPIRY + timedelta(days=7), False, 7, id="the last"),
        pytest.param(EXPIRY + timedelta(days=8) - SECOND, False, 7, id="the last, late"),
        pytest.param(EXPIRY + timedelta(days=8), False, None, id="long past"),
        pytest.param(EXPIRY - timedelta(days=1), True, -1, id="trial, before"),
        pytest.param(EXPIRY + timedelta(days=1), True, None, id="trial, never after"),
    ],
)
def test_the_one_reminder_that_is_due(at: datetime, is_trial: bool, expected: int | None) -> None:
    found = find_due_offset(expires_at=EXPIRY, offsets=OFFSETS, is_trial=is_trial, now=at)
    assert found == expected


def _bought(now: datetime = NOW) -> tuple[Customer, Package]:
    """A package from 10 March to 10 April 2026, 10:00 in the billing zone."""
    return make_buyer(cash="500", now=now)


def _remind_for_sixty_days() -> None:
    """Run the command three times a day, from 20 days before to 40 days after the expiry."""
    for hours in range(0, 60 * 24, 8):
        at = EXPIRY - timedelta(days=20) + timedelta(hours=hours)
        call_command("send_expiry_reminders", as_of=at.isoformat(), yes=True)


@pytest.mark.django_db
def test_each_of_the_eight_is_sent_once_in_sixty_days() -> None:
    _customer, package = _bought()
    assert package.expires_at == EXPIRY
    _remind_for_sixty_days()
    sent = ExpiryReminder.objects.filter(package=package).order_by("pk")
    assert list(sent.values_list("offset_days", flat=True)) == list(OFFSETS)
    kinds = Notification.objects.filter(kind__startswith="package_exp").order_by("pk")
    assert (
        list(kinds.values_list("kind", flat=True))
        == ["package_expiring"] * 4 + ["package_expired"] * 4
    )


@pytest.mark.django_db
def test_the_mode_neither_suppresses_all() -> None:
    customer, package = _bought()
    choose_renewal_mode(package=package, mode=RenewalMode.NEITHER, by=customer.owner, now=NOW)
    _remind_for_sixty_days()
    assert not ExpiryReminder.objects.exists()


@pytest.mark.django_db
def test_a_renewed_package_is_reminded_of_its_new_expiry() -> None:
    _customer, package = _bought()
    call_command("send_expiry_reminders", as_of=(EXPIRY - timedelta(days=1)).isoformat(), yes=True)
    later = EXPIRY + timedelta(days=30)
    Package.objects.filter(pk=package.pk).update(expires_at=later, months=2)
    call_command("send_expiry_reminders", as_of=(later - timedelta(days=1)).isoformat(), yes=True)
    sent = ExpiryReminder.objects.filter(package=package).order_by("pk")
    assert list(sent.values_list("expires_at", "offset_days")) == [(EXPIRY, -1), (later, -1)]


@pytest.mark.django_db
def test_a_dry_run_says_what_is_due_and_sends_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    customer, package = _bought()
    at = EXPIRY - timedelta(days=3)
    call_command("send_expiry_reminders", as_of=at.isoformat(), dry_run=True)
    assert capsys.readouterr().out == (
        f"package {package.pk} of {customer.account.uin}: -3 days from"
        " 2026-04-10T02:00:00+00:00\n1 reminders are due; nothing was sent.\n"
    )
    assert not Notification.objects.filter(kind="package_expiring").exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_that_found_the_same_send_it_once() -> None:
    _customer, package = _bought()
    at = EXPIRY - timedelta(days=3)
    # Each has read what is due before either writes.
    found = [list(find_due_reminders(at)) for _run in range(4)]
    assert [len(each) for each in found] == [1] * 4
    outcomes = race(*[lambda due=due: send_reminders(due=due, now=at) for due in found])
    assert sorted(len(sent) for sent in values(outcomes)) == [0, 0, 0, 1]
    assert ExpiryReminder.objects.get().package_id == package.pk
    assert Notification.objects.filter(kind="package_expiring").count() == 1
