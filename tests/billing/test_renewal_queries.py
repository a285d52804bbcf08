"""What reminders ask in SQL of their own, beside the queryset that asks the same."""

from datetime import timedelta

import pytest

from billing.models import Package
from billing.packages.models import ExpiryReminder
from billing.renewals.queries import claim_reminders
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def packages() -> list[Package]:
    """Four packages, of two accounts."""
    for _number in range(2):
        customer = make.make_customer(cash="1000")
        make.buy(customer.application)
        make.buy(make.make_application(customer.account))
    return list(Package.objects.order_by("pk"))


def test_reminders_are_claimed_once(packages: list[Package]) -> None:
    due = [(each.account_id, each.pk, each.expires_at, -1) for each in packages]
    account_id, package_id, expires_at, offset = due[0]
    ExpiryReminder.objects.create(
        account_id=account_id,
        package_id=package_id,
        expires_at=expires_at,
        offset_days=offset,
        sent_at=NOW,
    )

    claimed = claim_reminders(due, NOW + DAY)

    twin = ExpiryReminder.objects.filter(sent_at=NOW + DAY)
    assert claimed == set(twin.values_list("package_id", "offset_days"))
    assert claimed == {(each.pk, -1) for each in packages[1:]}
    assert (claim_reminders(due, NOW + DAY), claim_reminders([], NOW)) == (set(), set())
