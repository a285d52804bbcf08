"""How a price is split over funds, and how it goes back, to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.allocation import PaymentFacts, PaymentSplit, allocate, give_back, refundable, split
from billing.enums import FundKind, TenderKind

GIFT, INCOME, CASH = FundKind.GIFT, FundKind.INCOME, FundKind.CASH
ZERO = Decimal("0.00")


def _money(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("total", "funds", "excluded", "expected"),
    [
        # (gift, income, cash) held -> (gift, income, cash, missing)
        pytest.param("371", "100 50 500", "", "100 50 221 0", id="gift, then income, then cash"),
        pytest.param("80", "100 50 500", "", "80 0 0 0", id="gift alone covers it"),
        pytest.param("100", "100 50 500", "", "100 0 0 0", id="gift to the cent"),
        pytest.param("100.01", "100 50 500", "", "100 0.01 0 0", id="one cent of income"),
        pytest.param("371", "100 50 221", "", "100 50 221 0", id="everything, to the cent"),
        pytest.param("371", "100 50 220.99", "", "100 50 220.99 0.01", id="one cent short"),
        pytest.param("371", "0 0 0", "", "0 0 0 371", id="nothing there"),
        pytest.param("371", "100 50 500", "gift", "0 50 321 0", id="without gift"),
        pytest.param("371", "100 50 500", "income", "100 0 271 0", id="without income"),
        pytest.param("371", "100 50 500", "gift income", "0 0 371 0", id="cash alone"),
        pytest.param("371", "400 50 100", "gift", "0 50 100 221", id="short without gift"),
        pytest.param("371", "100 50 500", "cash", "100 50 221 0", id="cash is never excluded"),
        pytest.param("0", "100 50 500", "", "0 0 0 0", id="nothing to pay"),
    ],
)
def test_funds_pay_in_order(total: str, funds: str, excluded: str, expected: str) -> None:
    held: dict[str, Decimal] = dict(zip((GIFT, INCOME, CASH), _money(*funds.split()), strict=True))
    without = {FundKind(kind) for kind in excluded.split()}
    found = split(Decimal(total), held, without)
    assert [found.gift, found.income, found.cash, found.missing] == _money(*expected.split())
    assert found.paid + found.missing == Decimal(total)


def test_funds_that_were_never_used_or_are_below_zero_pay_nothing() -> None:
    assert split(Decimal("5.00"), {GIFT: Decimal("-3.00")}) == PaymentSplit(
        ZERO, ZERO, ZERO, Decimal("5.00")
    )


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        pytest.param("10.00", "1 1 1", "3.34 3.33 3.33", id="the odd cent to the first"),
        pytest.param("0.02", "1 1 1", "0.01 0.01 0.00", id="two cents over three"),
        pytest.param("0.01", "1 2", "0.00 0.01", id="the larger remainder"),
        pytest.param("100.00", "1 2 3", "16.67 33.33 50.00", id="16.666, 33.333, 50"),
        # 50 x 33.33/100 = 16.665, 50 x 66.67/100 = 33.335: halves tie, the first gets the cent.
        pytest.param("50.00", "33.33 66.67", "16.67 33.33", id="a tie of halves"),
        pytest.param("7.77", "0 5 0", "0.00 7.77 0.00", id="nothing for no weight"),
        pytest.param("0.00", "0 0", "0.00 0.00", id="nothing to split"),
    ],
)
def test_a_split_by_largest_remainder(total: str, weights: str, parts: str) -> None:
    assert allocate(Decimal(total), _money(*weights.split())) == _money(*parts.split())


@pytest.mark.parametrize(
    ("total", "weights", "caps"),
    [("1.00", "0 0", None), ("-1.00", "1 1", None), ("1.00", "1 1", "0.40 0.59")],
)
def test_what_cannot_be_split_is_an_error(total: str, weights: str, caps: str | None) -> None:
    limits = _money(*caps.split()) if caps else None
    with pytest.raises(ValueError, match=r"allocate|caps"):
        allocate(Decimal(total), _money(*weights.split()), limits)


def test_no_part_goes_above_its_cap() -> None:
    assert allocate(Decimal("1.00"), _money("1", "1"), _money("0.30", "5")) == _money(
        "0.30", "0.70"
    )


def _paid(*rows: tuple[str, str, str]) -> list[PaymentFacts]:
    return [
        PaymentFacts(number, TenderKind(kind), Decimal(amount), Decimal(refunded))
        for number, (kind, amount, refunded) in enumerate(rows, start=1)
    ]


def test_a_whole_refund_gives_each_payment_what_it_paid_and_coupons_nothing() -> None:
    paid = _paid(
        ("gift", "100.00", "0"),
        ("income", "50.01", "0"),
        ("cash", "0.03", "0"),
        ("coupon", "9", "0"),
    )
    assert refundable(paid) == Decimal("150.04")
    assert give_back(Decimal("150.04"), paid) == [
        (1, Decimal("100.00")),
        (2, Decimal("50.01")),
        (3, Decimal("0.03")),
        (4, ZERO),
    ]


def test_a_part_is_split_by_what_is_left_of_each_payment() -> None:
    # Left: 60.00 of gift, 30.00 of cash. 45.00 of 90.00: 30.00 and 15.00.
    paid = _paid(("gift", "100.00", "40.00"), ("cash", "30.00", "0"))
    assert give_back(Decimal("45.00"), paid) == [(1, Decimal("30.00")), (2, Decimal("15.00"))]


@pytest.mark.parametrize("part", ["90.01", "-0.01"])
def test_more_than_is_left_never_goes_back(part: str) -> None:
    paid = _paid(("gift", "100.00", "40.00"), ("cash", "30.00", "0"), ("coupon", "500", "0"))
    with pytest.raises(ValueError, match="more than was paid"):
        give_back(Decimal(part), paid)


# --- For any cents ---------------------------------------------------------------------------

cents = st.integers(0, 10_000_000).map(lambda value: Decimal(value) / 100)
payments = st.lists(
    st.tuples(st.sampled_from(list(TenderKind)), cents), min_size=1, max_size=8
).map(lambda rows: [PaymentFacts(n, kind, amount) for n, (kind, amount) in enumerate(rows)])


@given(
    total=cents, gift=cents, income=cents, cash=cents, excluded=st.sets(st.sampled_from(FundKind))
)
def test_a_split_adds_up_and_takes_no_more_than_there_is(
    total: Decimal, gift: Decimal, income: Decimal, cash: Decimal, excluded: set[FundKind]
) -> None:
    held: dict[str, Decimal] = {GIFT: gift, INCOME: income, CASH: cash}
    found = split(total, held, excluded)
    assert found.paid + found.missing == total
    assert ZERO <= found.gift <= (ZERO if GIFT in excluded else gift)
    assert ZERO <= found.income <= (ZERO if INCOME in excluded else income)
    assert ZERO <= found.cash <= cash
    # Something is missing only where everything that may pay is used up.
    usable = cash + (ZERO if GIFT in excluded else gift) + (ZERO if INCOME in excluded else income)
    assert found.missing == max(ZERO, total - usable)


@given(
    total=cents,
    weights=st.lists(st.integers(0, 10**8).map(Decimal), min_size=1, max_size=9).filter(any),
)
def test_parts_sum_exactly_and_lie_within_a_cent_of_their_share(
    total: Decimal, weights: list[Decimal]
) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert part == part.quantize(Decimal("0.01"))
        assert abs(part - total * weight / sum(weights)) < Decimal("0.01")


@given(paid=payments)
def test_all_of_it_back_is_each_payment_to_the_cent(paid: list[PaymentFacts]) -> None:
    expected = [(each.id, ZERO if each.kind == TenderKind.COUPON else each.amount) for each in paid]
    assert give_back(refundable(paid), paid) == expected


@given(paid=payments, shares=st.lists(st.integers(0, 100), min_size=1, max_size=5))
def test_parts_given_back_one_after_another_never_exceed_what_was_paid(
    paid: list[PaymentFacts], shares: list[int]
) -> None:
    whole = refundable(paid)
    parts = allocate(whole, [Decimal(share) for share in [*shares, 1]])
    returned = {each.id: ZERO for each in paid}
    for part in parts:
        left = [PaymentFacts(each.id, each.kind, each.amount, returned[each.id]) for each in paid]
        back = give_back(part, left)
        assert sum(amount for _id, amount in back) == part
        for number, amount in back:
            assert amount >= ZERO
            returned[number] += amount
            assert returned[number] <= paid[number].amount
    assert {
        each.id: ZERO if each.kind == TenderKind.COUPON else each.amount for each in paid
    } == returned
