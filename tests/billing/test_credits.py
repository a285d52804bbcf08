"""Credits: booked once, no matter who decides on them and how often."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import Refused
from accounts.models import Account
from billing.grants.credits import approve_credit, ask_for_reversal, record_credit, reject_credit
from billing.models import Credit, LedgerTransaction
from tests import factories as make
from tests.billing.acts import balance, ledger_sum
from tests.factories import NOW
from tests.races import errors, race, values

pytestmark = pytest.mark.django_db

AMOUNT = Decimal("10000.01")
Decision = Callable[..., Credit]
DECISIONS = [approve_credit, reject_credit]


def _credit(account: Account, amount: Decimal = AMOUNT, reference: str = "T-1") -> Credit:
    return record_credit(
        account=account,
        fund_kind="cash",
        amount=amount,
        currency="USD",
        reference=reference,
        by=make.make_user(is_staff=True),
        now=NOW,
    )


def _decision(decide: Decision, credit: Credit) -> Callable[[], Credit]:
    staff = make.make_user(is_staff=True)
    return lambda: decide(credit=credit, reason="Seen", by=staff, now=NOW)


def test_the_same_reference_credits_once() -> None:
    account = make.make_account()
    _credit(account, Decimal(5))
    with pytest.raises(Refused) as refused:
        _credit(make.make_account(), Decimal(5))
    assert refused.value.code == "reference_known"
    assert balance(account, "cash") == Decimal("5.00")


@pytest.mark.parametrize(
    ("amount", "status", "credited"),
    [("10000.00", "booked", "10000.00"), ("10000.01", "waiting", "0.00")],
)
def test_a_credit_above_the_threshold_waits(amount: str, status: str, credited: str) -> None:
    account = make.make_account()
    assert _credit(account, Decimal(amount)).status == status
    assert balance(account, "cash") == Decimal(credited)


def test_its_maker_does_not_decide_on_it() -> None:
    credit = _credit(make.make_account())
    assert credit.created_by is not None
    for decide in DECISIONS:
        with pytest.raises(Refused) as refused:
            decide(credit=credit, reason="Mine", by=credit.created_by, now=NOW)
        assert refused.value.code == "same_person"
    assert balance(credit.account, "cash") == 0


@pytest.mark.parametrize("second", DECISIONS)
@pytest.mark.parametrize("first", DECISIONS)
def test_a_credit_is_decided_once(first: Decision, second: Decision) -> None:
    credit = _credit(make.make_account())
    status = _decision(first, credit)().status
    with pytest.raises(Refused) as refused:
        _decision(second, credit)()
    assert refused.value.code == "credit_decided"
    credit.refresh_from_db()
    assert credit.status == status
    assert balance(credit.account, "cash") == (AMOUNT if first is approve_credit else 0)
    assert LedgerTransaction.objects.count() == (1 if first is approve_credit else 0)


@pytest.mark.parametrize("decide", DECISIONS)
def test_a_reversal_is_decided_once(decide: Decision) -> None:
    account = make.make_account()
    credit, staff = _credit(account, Decimal(5)), make.make_user(is_staff=True)
    _credit(account, Decimal(7), "T-2")
    reversal = ask_for_reversal(credit=credit, reason="Mistaken", by=staff, now=NOW)
    _decision(decide, reversal)()
    with pytest.raises(Refused) as refused:
        _decision(approve_credit, reversal)()
    assert refused.value.code == "credit_decided"
    assert balance(account, "cash") == Decimal(7 if decide is approve_credit else 12)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("others", DECISIONS)
def test_people_who_decide_at_the_same_instant_decide_once(others: Decision) -> None:
    for number in range(5):
        credit = _credit(make.make_account(), reference=f"T-{number}")
        decisions = [_decision(approve_credit, credit), *[_decision(others, credit)] * 3]
        outcomes: Any = race(*decisions)
        assert [getattr(error, "code", error) for error in errors(outcomes)] == [
            "credit_decided"
        ] * 3
        (decided,) = values(outcomes)
        assert balance(credit.account, "cash") == (AMOUNT if decided.status == "booked" else 0)
        assert ledger_sum() == 0
