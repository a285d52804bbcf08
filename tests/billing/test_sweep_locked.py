"""An account that someone has locked entirely delays neither sweep nor reminders of the others."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.models import Account
from billing.renewals.reminders import find_due_reminders, send_reminders
from billing.renewals.sweep import change_batch, read_due
from billing.renewals.timed_changes import TIMED_CHANGES
from tests.factories import NOW, Customer, make_customer
from tests.races import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

TRIALS = TIMED_CHANGES[0]


@pytest.fixture
def customers() -> list[Customer]:
    """Three customers, each on a trial."""
    return [make_customer() for _number in range(3)]


def beside_a_locked_account(customer: Customer, act: Callable[[], int]) -> int:
    """What an act brings that would give up soon if it had to wait."""

    def hurried() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        return act()

    with transaction.atomic():
        Account.objects.select_for_update().get(pk=customer.account.pk)
        [outcome] = race(hurried)
    assert outcome.error is None, outcome.error
    assert outcome.value is not None
    return outcome.value


def test_a_sweep_leaves_a_locked_account_for_the_next_run(customers: list[Customer]) -> None:
    later = NOW + timedelta(days=15)

    def sweep() -> int:
        return change_batch(TRIALS, list(read_due(TRIALS, later)), later)

    assert beside_a_locked_account(customers[1], sweep) == 2
    assert sweep() == 1


def test_reminders_leave_a_locked_account_for_the_next_run(customers: list[Customer]) -> None:
    later = NOW + timedelta(days=9, hours=1)

    def remind() -> int:
        return len(send_reminders(due=list(find_due_reminders(later)), now=later))

    assert beside_a_locked_account(customers[1], remind) == 2
    assert remind() == 1
