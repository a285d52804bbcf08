"""What one person alone may give an account in a day: money, vouchers and coupons together."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.errors import Refused
from accounts.models import Account, User
from billing.enums import CouponKind
from billing.grants.coupons import give_coupon, withdraw_coupon
from billing.grants.credits import approve_credit, ask_for_reversal, record_credit, reject_credit
from billing.grants.daily_limit import given_alone
from billing.models import Coupon, Credit
from tests import factories as make
from tests.approving import by_two
from tests.billing.acts import at
from tests.factories import make_staff
from tests.tiers import sample

pytestmark = pytest.mark.django_db

LIMIT = Decimal("10000.00")
NOON = at("2026-03-10 12:00:00")
_serial = count(1)


def credit(account: Account, amount: str, *, by: User | None, now: datetime = NOON) -> Credit:
    return record_credit(
        account=account,
        fund_kind="gift",
        amount=Decimal(amount),
        currency="USD",
        reference=f"DAY-{next(_serial)}",
        by=by,
        now=now,
    )


def coupon(
    account: Account,
    *,
    by: User | None,
    kind: CouponKind = CouponKind.VOUCHER,
    now: datetime = NOON,
    **terms: Any,
) -> Coupon:
    values = {
        "code": f"DAY-{next(_serial)}",
        "kind": kind,
        "currency": "USD",
        "starts_at": now,
        "ends_at": now + timedelta(days=30),
        **terms,
    }
    return give_coupon(account=account, terms=values, by=by, now=now)


def test_small_credits_of_one_person_add_up() -> None:
    account, clerk = make.make_account(), make_staff()
    states = [credit(account, "10000.00", by=clerk).status for _time in range(5)]
    assert states == ["booked", "waiting", "waiting", "waiting", "waiting"]
    assert make.balances(account) == {"gift": "10000.00"}


def test_credits_of_several_persons_add_up() -> None:
    account = make.make_account()
    states = [credit(account, "4000.00", by=make_staff()).status for _time in range(3)]
    assert states == ["booked", "booked", "waiting"]


def test_each_account_has_a_limit_of_its_own() -> None:
    clerk = make_staff()
    states = [credit(make.make_account(), "10000.00", by=clerk).status for _time in range(2)]
    assert states == ["booked", "booked"]


def test_credits_and_vouchers_add_up() -> None:
    account, clerk = make.make_account(), make_staff()
    coupon(account, by=clerk, amount=Decimal("6000.00"))
    assert credit(account, "4000.01", by=clerk).status == "waiting"
    assert credit(account, "4000.00", by=clerk).status == "booked"
    with pytest.raises(Refused) as refused:
        coupon(account, by=make_staff(), amount=Decimal("0.01"))
    assert refused.value.code == "second_person_needed"


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": CouponKind.VOUCHER, "amount": Decimal("900000.00")},
        {"kind": CouponKind.CASH, "amount": Decimal("10000.01")},
        {"kind": CouponKind.DISCOUNT, "percent_off": Decimal(50), "cap": Decimal("10000.01")},
        {"kind": CouponKind.DISCOUNT, "percent_off": Decimal(1)},
    ],
    ids=["voucher", "cash coupon", "discount by its cap", "discount without one"],
)
def test_a_coupon_counts_by_what_it_can_take_off(terms: dict[str, Any]) -> None:
    account = make.make_account()
    with pytest.raises(Refused) as refused:
        coupon(account, by=make_staff(), **terms)
    assert (refused.value.code, Coupon.objects.count()) == ("second_person_needed", 0)


def test_two_persons_give_more_and_it_does_not_count() -> None:
    account, first, second = make.make_account(), make_staff(), make_staff()
    given = by_two(
        "coupon.give",
        account=account,
        by=first,
        second=second,
        now=NOON,
        code="LARGE",
        kind=CouponKind.VOUCHER,
        currency="USD",
        amount=Decimal("900000.00"),
        starts_at=NOON,
        ends_at=NOON + timedelta(days=1),
    )
    assert (given.remaining, given.created_by, given.approved_by) == (
        Decimal("900000.00"),
        first,
        second,
    )
    large = credit(account, "25000.00", by=first)
    approve_credit(credit=large, reason="", by=second, now=NOON)
    assert given_alone(account, NOON) == 0
    assert credit(account, "10000.00", by=first).status == "booked"


def test_the_day_is_the_billing_zones() -> None:
    account, clerk = make.make_account(), make_staff()
    last, first = at("2026-03-10 23:59:59"), at("2026-03-11 00:00:00")
    assert credit(account, "10000.00", by=clerk, now=last).status == "booked"
    assert credit(account, "0.01", by=clerk, now=last).status == "waiting"
    assert credit(account, "10000.00", by=clerk, now=first).status == "booked"
    assert credit(account, "0.01", by=clerk, now=at("2026-03-11 23:59:59")).status == "waiting"


def test_what_was_withdrawn_or_recorded_by_the_system_does_not_count() -> None:
    account, clerk = make.make_account(), make_staff()
    credit(account, "50000.00", by=None)
    voucher = coupon(account, by=clerk, amount=Decimal("10000.00"))
    assert given_alone(account, NOON) == LIMIT
    withdraw_coupon(coupon=voucher, reason="Wrong account", by=clerk, now=NOON)
    assert given_alone(account, NOON) == 0


class TestAnySeries(TestCase):
    """Whatever small gifts are made in whatever order, no day's sum goes beyond the limit."""

    @settings(deadline=None, max_examples=sample(15, 200), derandomize=True)
    @given(
        gifts=st.lists(
            st.tuples(
                st.decimals(min_value="0.01", max_value="9000", places=2),
                st.integers(min_value=0, max_value=47),
                st.booleans(),
            ),
            max_size=8,
        )
    )
    def test_no_day_gives_more_than_the_limit(self, gifts: list[tuple[Decimal, int, bool]]) -> None:
        account, clerks = make.make_account(), [make_staff(), make_staff()]
        by_day: dict[int, Decimal] = {}
        for number, (amount, hour, is_voucher) in enumerate(gifts):
            now = at("2026-03-10 00:00:00") + timedelta(hours=hour)
            clerk = clerks[number % 2]
            fits = by_day.get(hour // 24, Decimal(0)) + amount <= LIMIT
            if is_voucher:
                try:
                    coupon(account, by=clerk, amount=amount, now=now)
                    is_given = True
                except Refused:
                    is_given = False
            else:
                is_given = credit(account, str(amount), by=clerk, now=now).status == "booked"
            assert is_given == fits
            if is_given:
                by_day[hour // 24] = by_day.get(hour // 24, Decimal(0)) + amount


# --- Taking back -------------------------------------------------------------------------------


def test_a_rejected_reversal_leaves_room_for_another() -> None:
    account, clerk = make.make_account(), make_staff()
    booked = credit(account, "100.00", by=clerk)
    first = ask_for_reversal(credit=booked, reason="Mistaken", by=clerk, now=NOON)
    reject_credit(credit=first, reason="Which one?", by=make_staff(), now=NOON)

    second = ask_for_reversal(credit=booked, reason="The bank says so", by=clerk, now=NOON)
    with pytest.raises(Refused) as refused:
        ask_for_reversal(credit=booked, reason="Again", by=clerk, now=NOON)
    assert refused.value.code == "reversal_exists"
    approve_credit(credit=second, reason="", by=make_staff(), now=NOON)

    assert make.balances(account) == {"gift": "0.00"}
    assert first.reference != second.reference
    with pytest.raises(Refused) as refused:
        ask_for_reversal(credit=booked, reason="Again", by=clerk, now=NOON)
    assert refused.value.code == "reversal_exists"


def test_credits_with_long_references_alike_are_both_taken_back() -> None:
    account, clerk = make.make_account(), make_staff()
    found = []
    for end in ("A", "B"):
        booked = record_credit(
            account=account,
            fund_kind="cash",
            amount=Decimal(5),
            currency="USD",
            reference="R" * 63 + end,
            by=clerk,
            now=NOON,
        )
        found.append(ask_for_reversal(credit=booked, reason="Twice", by=clerk, now=NOON))
    assert len({reversal.reference for reversal in found}) == 2


def test_a_reversals_reference_is_free_even_where_somebody_wrote_it_by_hand() -> None:
    account, clerk = make.make_account(), make_staff()
    booked = credit(account, "5.00", by=clerk)
    record_credit(
        account=account,
        fund_kind="cash",
        amount=Decimal(5),
        currency="USD",
        reference=f"reversal {booked.pk}-1 of {booked.reference}",
        by=clerk,
        now=NOON,
    )
    assert ask_for_reversal(credit=booked, reason="Twice", by=clerk, now=NOON).status == "waiting"


# --- Withdrawing a coupon ----------------------------------------------------------------------


def test_a_coupon_given_by_mistake_is_withdrawn_and_pays_nothing() -> None:
    customer, clerk = make.make_customer(cash="500"), make_staff()
    given = make.make_coupon(customer.account)
    withdraw_coupon(coupon=given, reason="Wrong account", by=clerk, now=make.NOW)
    with pytest.raises(Refused) as refused:
        make.buy(customer.application, coupon=given.pk)
    assert "It has been withdrawn." in str(refused.value)
    with pytest.raises(Refused) as refused:
        withdraw_coupon(coupon=given, reason="Again", by=clerk, now=make.NOW)
    assert refused.value.code == "coupon_used"
    event = customer.account.audit_events.get(verb="coupon.withdrawn")
    assert (event.reason, event.actor) == ("Wrong account", clerk)


def test_what_is_left_of_a_voucher_is_withdrawn_and_what_it_paid_stays_paid() -> None:
    customer = make.make_customer(cash="500")
    voucher = make.make_coupon(customer.account, amount=Decimal(200))
    order = make.buy(customer.application, coupon=voucher.pk)
    assert order.coupon_amount == Decimal("120.00")
    withdraw_coupon(coupon=voucher, reason="Too much", by=make_staff(), now=make.NOW)
    order.refresh_from_db()
    assert (order.status, voucher.remaining) == ("paid", Decimal("80.00"))
    with pytest.raises(Refused):
        make.add(customer.application, agents=1, coupon=voucher.pk)


def test_a_coupon_that_is_used_up_is_not_withdrawn() -> None:
    customer = make.make_customer(cash="500")
    used = make.make_coupon(customer.account, CouponKind.CASH)
    make.buy(customer.application, coupon=used.pk)
    used.refresh_from_db()
    with pytest.raises(Refused) as refused:
        withdraw_coupon(coupon=used, reason="Late", by=make_staff(), now=make.NOW)
    assert refused.value.code == "coupon_used"
