"""Coupons and promotions: what they take off, when they fit, and what they leave."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Refused
from billing.enums import CouponKind, Edition, OrderKind, TermUnit
from billing.grants.coupons import end_promotion
from billing.models import Coupon, Order, Payment, Promotion
from billing.offers.services import (
    coupon_shares,
    deduction_of,
    list_coupons,
    list_fitting,
    promotion_shares,
    read_promotions,
)
from billing.orders.request import OrderRequest, RenewedPackage, in_scope
from billing.orders.services import QuoteChanged, cancel_order, pay_order
from billing.orders.suggestions import OfferChoice, suggest
from tests import factories as make
from tests.billing.acts import balance, confirm, new_request, package_of, quote
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

VOUCHER, CASH, DISCOUNT = CouponKind.VOUCHER, CouponKind.CASH, CouponKind.DISCOUNT


def _money(text: str) -> list[Decimal]:
    return [Decimal(part) for part in text.split()]


# --- What is taken off, without a database ---------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "amounts", "off"),
    [
        ("10", "120 40 15", "12.00 4.00 1.50"),
        ("12.5", "0.20 0.60", "0.03 0.08"),  # 0.025 and 0.075: halves go up
        ("33.33", "120 0.01", "40.00 0.00"),  # 39.996, 0.0033
        ("99.99", "120", "119.99"),  # 119.988
        ("0", "120", "0.00"),
    ],
)
def test_a_promotion_takes_a_percentage_of_every_line(percent: str, amounts: str, off: str) -> None:
    promotion = Promotion(percent_off=Decimal(percent))
    assert promotion_shares(promotion, _money(amounts)) == _money(off)
    assert promotion_shares(None, _money(amounts)) == [Decimal("0.00")] * len(_money(amounts))


def _voucher(remaining: str) -> Coupon:
    return Coupon(kind=VOUCHER, amount=Decimal(999), remaining=Decimal(remaining))


def _discount(percent: str, cap: str | None = None) -> Coupon:
    limits: dict[str, Any] = {"cap": Decimal(cap)} if cap else {}
    return Coupon(kind=DISCOUNT, percent_off=Decimal(percent), **limits)


@pytest.mark.parametrize(
    ("coupon", "amount", "deduction"),
    [
        pytest.param(_voucher("50"), "120", "50", id="a voucher's whole rest"),
        pytest.param(_voucher("500"), "120", "120", id="a voucher covers it all"),
        pytest.param(_voucher("0.01"), "120", "0.01", id="a voucher's last cent"),
        pytest.param(Coupon(kind=CASH, amount=Decimal(30)), "120", "30", id="a cash coupon"),
        pytest.param(Coupon(kind=CASH, amount=Decimal(300)), "120", "120", id="never above it"),
        pytest.param(_discount("15"), "120", "18", id="15 % of 120"),
        pytest.param(_discount("12.5"), "0.20", "0.03", id="12.5 % of 0.20: half up"),
        pytest.param(_discount("50", "25"), "120", "25", id="at most the cap"),
        pytest.param(_discount("50", "60"), "120", "60", id="the cap to the cent"),
        pytest.param(_discount("50", "61"), "120", "60", id="below the cap"),
        pytest.param(_discount("100"), "120", "120", id="all of it"),
    ],
)
def test_what_a_coupon_deducts(coupon: Coupon, amount: str, deduction: str) -> None:
    assert deduction_of(coupon, Decimal(amount)) == Decimal(deduction)


def test_a_deduction_is_shared_over_the_lines_by_what_they_cost() -> None:
    # 50 of 175: 120/175 = 34.2857, 40/175 = 11.4285, 15/175 = 4.2857.
    # Down 34.28 + 11.42 + 4.28 = 49.98; the odd cents to the first (.57 each, ties by place).
    shares = coupon_shares(_voucher("50"), _money("120 40 15"))
    assert shares == _money("34.29 11.43 4.28")
    assert coupon_shares(None, _money("120 40")) == _money("0 0")


line_amounts = st.lists(
    st.integers(1, 9_999_999).map(lambda value: Decimal(value) / 100), min_size=1, max_size=6
)
coupons = st.one_of(
    st.integers(1, 99_999).map(lambda cents: _voucher(str(Decimal(cents) / 100))),
    st.integers(1, 10_000).map(lambda hundredths: _discount(str(Decimal(hundredths) / 100))),
)


@given(coupon=coupons, amounts=line_amounts)
def test_shares_are_the_deduction_and_none_exceeds_its_line(
    coupon: Coupon, amounts: list[Decimal]
) -> None:
    shares = coupon_shares(coupon, amounts)
    assert sum(shares) == deduction_of(coupon, sum(amounts, Decimal(0)))
    assert all(0 <= share <= amount for share, amount in zip(shares, amounts, strict=True))


# --- When a coupon fits ----------------------------------------------------------------------


@pytest.fixture
def customer(db: None) -> Customer:
    return make.make_customer(cash="10000")


def _why(
    customer: Customer, coupon: Coupon, order_request: OrderRequest, now: datetime = NOW
) -> str:
    """Return why the coupon cannot be used; the same is listed beside it."""
    with pytest.raises(Refused) as refused:
        quote(customer.account, replace(order_request, coupon=coupon.pk), now=now)
    assert (refused.value.code, refused.value.field) == ("coupon_unusable", "coupon")
    found = suggest(
        account=customer.account, order_request=order_request, choice=OfferChoice(), now=now
    )
    (choice,) = [choice for choice in found.coupons if choice.coupon.pk == coupon.pk]
    assert not choice.is_usable
    assert " ".join(choice.reasons) == str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"starts_at": NOW + SECOND}, "It is not valid yet."),
        ({"starts_at": NOW - 9 * DAY, "ends_at": NOW}, "It is no longer valid."),
        ({"editions": ["premium"]}, "It is for another edition."),
        ({"term_units": ["year"]}, "It is for another term."),
        ({"order_kinds": ["renewal", "upgrade"]}, "It is for another kind of order."),
        ({"minimum_spend": Decimal("120.01")}, "It requires a spend of at least 120.01."),
        ({"currency": "EUR"}, "It is in another currency."),
        (
            {"editions": ["premium"], "minimum_spend": Decimal(500)},
            "It is for another edition. It requires a spend of at least 500.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unusable_coupon_says_every_reason(
    customer: Customer, terms: dict[str, Any], reason: str
) -> None:
    coupon = make.make_coupon(customer.account, CASH, **terms)
    assert _why(customer, coupon, new_request(customer)).replace("500.00", "500") == reason


@pytest.mark.parametrize(
    "terms",
    [
        {"starts_at": NOW},
        {"ends_at": NOW + SECOND},
        {"editions": ["essential"]},
        {"editions": ["premium", "essential"]},
        {"term_units": ["month"]},
        {"order_kinds": ["new"]},
        {"minimum_spend": Decimal("120.00")},
    ],
    ids=str,
)
def test_a_coupon_within_its_limits_is_used(customer: Customer, terms: dict[str, Any]) -> None:
    coupon = make.make_coupon(customer.account, CASH, **terms)
    assert quote(customer.account, new_request(customer, coupon=coupon.pk), now=NOW).total == 70


def test_a_minimum_spend_counts_what_is_left_after_the_promotion(customer: Customer) -> None:
    promotion = make.make_promotion(percent_off=Decimal(10))
    coupon = make.make_coupon(customer.account, CASH, minimum_spend=Decimal("110.00"))
    why = _why(customer, coupon, new_request(customer, promotion=promotion.pk))  # 108 are left
    assert why == "It requires a spend of at least 110.00."


def test_a_coupon_that_would_take_nothing_off_is_refused(customer: Customer) -> None:
    make.buy(customer.application)
    coupon = make.make_coupon(
        customer.account, DISCOUNT, percent_off=Decimal("0.90"), ends_at=NOW + 60 * DAY
    )
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL, application=customer.application.pk, sip=1
    )
    now = NOW + 31 * DAY - HOUR  # 0.50, of which 0.0045
    assert _why(customer, coupon, order_request, now) == "It would not reduce the price."


def test_another_accounts_coupon_is_not_known(customer: Customer) -> None:
    foreign = make.make_coupon(make.make_customer().account)
    with pytest.raises(Refused) as refused:
        quote(customer.account, new_request(customer, coupon=foreign.pk), now=NOW)
    assert refused.value.code == "no_coupon"


@pytest.mark.parametrize(
    ("kind", "edition", "is_usable"),
    [
        ("renewal", "essential", True),
        ("renewal", "premium", False),
        ("addition", "essential", True),
        ("addition", "premium", False),
        ("upgrade", "premium", True),
        ("upgrade", "essential", False),
    ],
)
def test_limits_of_edition_are_those_of_the_package_that_is_bought_for(
    customer: Customer, kind: str, edition: str, is_usable: bool
) -> None:
    package = package_of(make.buy(customer.application))
    asks = {
        "renewal": OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),)),
        "addition": OrderRequest(
            kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=1
        ),
        "upgrade": OrderRequest(
            kind=OrderKind.UPGRADE, application=customer.application.pk, edition=Edition.PREMIUM
        ),
    }
    coupon = make.make_coupon(customer.account, editions=[edition])
    promotion = make.make_promotion(editions=[edition])
    found = suggest(
        account=customer.account, order_request=asks[kind], choice=OfferChoice(), now=NOW
    )
    assert [choice.is_usable for choice in found.coupons] == [is_usable]
    fitting = [choice.promotion for choice in found.promotions]
    assert fitting == ([promotion] if is_usable else [])
    if is_usable:
        order_request = replace(asks[kind], coupon=coupon.pk, promotion=promotion.pk)
        assert make.place(customer.account, order_request).status == "paid"
    else:
        assert _why(customer, coupon, asks[kind]) == "It is for another edition."


def test_an_offer_for_one_edition_is_not_used_for_packages_of_both(customer: Customer) -> None:
    cheap = package_of(make.buy(customer.application))
    dear = package_of(make.buy(make.make_application(customer.account), Edition.PREMIUM))
    order_request = OrderRequest(
        kind=OrderKind.RENEWAL, renewed=(RenewedPackage(cheap.pk), RenewedPackage(dear.pk))
    )
    assert in_scope(order_request, [cheap, dear]).edition is None
    coupon = make.make_coupon(customer.account, editions=["premium"])
    assert _why(customer, coupon, order_request) == "It is for another edition."


def test_limits_of_term_are_those_of_the_package_that_licenses_are_added_to(
    customer: Customer,
) -> None:
    make.buy(customer.application, unit=TermUnit.YEAR)
    annual = make.make_coupon(customer.account, term_units=["year"])
    monthly = make.make_coupon(customer.account, term_units=["month"])
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=1
    )
    assert _why(customer, monthly, order_request) == "It is for another term."
    assert make.add(customer.application, agents=1, coupon=annual.pk).total == 430  # 480 - 50


# --- Which is proposed -----------------------------------------------------------------------


def test_the_coupon_that_ends_first_is_proposed_then_the_one_that_takes_most_off(
    customer: Customer,
) -> None:
    late = make.make_coupon(customer.account, CASH, amount=Decimal(90))
    small = make.make_coupon(customer.account, CASH, amount=Decimal(5), ends_at=NOW + 3 * DAY)
    large = make.make_coupon(
        customer.account, DISCOUNT, percent_off=Decimal(10), ends_at=NOW + 3 * DAY
    )
    unusable = make.make_coupon(
        customer.account, CASH, amount=Decimal(99), ends_at=NOW + DAY, editions=["premium"]
    )
    order_request = new_request(customer)
    choices = list_coupons(
        Coupon.objects.filter(account=customer.account),
        is_self_pay=True,
        scope=in_scope(order_request, []),
        amount=Decimal("120.00"),
        currency="USD",
        now=NOW,
    )
    assert [choice.coupon for choice in choices] == [large, small, late, unusable]
    assert [choice.deduction for choice in choices[:3]] == _money("12 5 90")
    found = suggest(
        account=customer.account,
        order_request=order_request,
        choice=OfferChoice(is_best_coupon=True),
        now=NOW,
    )
    assert found.best is not None
    assert found.quote is not None
    assert found.best.coupon == found.quote.coupon == large
    assert found.quote.total == Decimal("108.00")
    assert [choice.coupon for choice in found.unusable] == [unusable]


def test_a_proposal_is_the_quote_that_naming_its_coupon_gives(customer: Customer) -> None:
    coupon = make.make_coupon(customer.account, DISCOUNT, percent_off=Decimal("33.33"))
    promotion = make.make_promotion(percent_off=Decimal("7.77"))
    order_request = new_request(customer, agents=3, sip=1, promotion=promotion.pk)
    found = suggest(
        account=customer.account,
        order_request=order_request,
        choice=OfferChoice(is_best_coupon=True),
        now=NOW,
    )
    assert found.quote is not None
    named = quote(customer.account, replace(order_request, coupon=coupon.pk), now=NOW)
    assert (found.quote.request, found.quote.lines) == (named.request, named.lines)


# --- Using them up ---------------------------------------------------------------------------


def test_a_voucher_is_used_over_several_orders_until_it_is_empty(customer: Customer) -> None:
    voucher = make.make_coupon(customer.account, VOUCHER, amount=Decimal("200"))
    applications = [customer.application, *(make.make_application(customer.account) for _ in "12")]
    totals = []
    for application in applications[:2]:
        totals.append(make.buy(application, coupon=voucher.pk).total)
        voucher.refresh_from_db()
    assert [*totals, voucher.remaining] == _money("0 40 0")
    order_request = replace(new_request(customer), application=applications[2].pk)
    assert _why(customer, voucher, order_request) == "It has been used up."
    assert balance(customer.account, "cash") == Decimal("9960.00")
    paid = Payment.objects.filter(coupon=voucher).values_list("amount", flat=True)
    assert sum(paid) == Decimal("200.00")


@pytest.mark.parametrize(
    ("kind", "terms", "total"),
    [(CASH, {"amount": Decimal(30)}, "90"), (DISCOUNT, {"percent_off": Decimal(25)}, "90")],
)
def test_a_cash_or_discount_coupon_is_used_once(
    customer: Customer, kind: CouponKind, terms: dict[str, Any], total: str
) -> None:
    coupon = make.make_coupon(customer.account, kind, **terms)
    order = make.buy(customer.application, coupon=coupon.pk)
    assert order.total == Decimal(total)
    assert Coupon.objects.get(pk=coupon.pk).used_at == NOW
    order_request = replace(
        new_request(customer), application=make.make_application(customer.account).pk
    )
    assert _why(customer, coupon, order_request) == "It has been used up."


@pytest.mark.django_db
def test_an_unpaid_order_does_not_use_its_coupon_and_paying_does() -> None:
    customer = make.make_customer(cash="10")
    coupon = make.make_coupon(customer.account, CASH, amount=Decimal(50), ends_at=NOW + HOUR)
    first = make.buy(customer.application, coupon=coupon.pk)
    assert (first.status, first.total) == ("unpaid", Decimal("70.00"))
    assert Coupon.objects.get(pk=coupon.pk).used_at is None
    cancel_order(order=first, by=None, now=NOW)
    second = make.buy(customer.application, coupon=coupon.pk)
    make.fund_account(customer.account, cash="60")
    # The coupon ended an hour after the order was made; the order's price holds.
    pay_order(order=second, by=None, now=NOW + 20 * HOUR)
    assert Coupon.objects.get(pk=coupon.pk).used_at == NOW + 20 * HOUR
    assert balance(customer.account, "cash") == 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [CASH, VOUCHER])
def test_two_orders_that_count_on_one_coupon_cannot_both_be_paid_with_it(kind: CouponKind) -> None:
    customer = make.make_customer(cash="10")
    coupon = make.make_coupon(customer.account, kind, amount=Decimal(50))
    applications = [customer.application, make.make_application(customer.account)]
    orders = [make.buy(application, coupon=coupon.pk) for application in applications]
    make.fund_account(customer.account, cash="500")
    pay_order(order=orders[0], by=None, now=NOW)
    with pytest.raises(Refused) as refused:
        pay_order(order=orders[1], by=None, now=NOW)
    assert refused.value.code == "coupon_used"
    assert balance(customer.account, "cash") == Decimal("440.00")
    assert Order.objects.get(pk=orders[1].pk).status == "unpaid"


def test_a_voucher_spent_meanwhile_stops_a_confirmation(customer: Customer) -> None:
    voucher = make.make_coupon(customer.account, VOUCHER, amount=Decimal("150"))
    shown = quote(customer.account, new_request(customer, coupon=voucher.pk), now=NOW)
    make.buy(make.make_application(customer.account), coupon=voucher.pk)
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=NOW)
    assert (changed.value.old_total, changed.value.quote.total) == (Decimal(0), Decimal(90))


# --- Promotions ------------------------------------------------------------------------------


def test_a_promotion_makes_an_order_cheaper_and_is_kept_with_it(customer: Customer) -> None:
    promotion = make.make_promotion(percent_off=Decimal("12.50"))
    order = make.buy(customer.application, agents=1, sip=1, promotion=promotion.pk)
    # 15.00 + 5.00 + 1.875, rounded half up to 1.88.
    assert [str(line.promotion_amount) for line in order.lines.all()] == ["15.00", "5.00", "1.88"]
    assert (order.total, order.promotion) == (Decimal("153.12"), promotion)


def test_a_coupon_takes_its_part_of_what_a_promotion_leaves(customer: Customer) -> None:
    promotion = make.make_promotion(percent_off=Decimal(50))
    coupon = make.make_coupon(customer.account, DISCOUNT, percent_off=Decimal(50))
    order = make.buy(customer.application, promotion=promotion.pk, coupon=coupon.pk)
    assert (order.promotion_amount, order.coupon_amount, order.total) == tuple(_money("60 30 30"))


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        ({}, True),
        ({"starts_at": NOW}, True),
        ({"starts_at": NOW + SECOND}, False),
        ({"starts_at": NOW - DAY, "ends_at": NOW}, False),
        ({"ends_at": NOW + SECOND}, True),
        ({"editions": ["premium"]}, False),
        ({"term_units": ["year"]}, False),
        ({"order_kinds": ["renewal"]}, False),
        ({"minimum_terms": 3}, True),
        ({"minimum_terms": 4}, False),
    ],
    ids=str,
)
def test_when_a_promotion_applies(customer: Customer, terms: dict[str, Any], fits: bool) -> None:
    promotion = make.make_promotion(**terms)
    order_request = new_request(customer, count=3)
    assert list_fitting(read_promotions(NOW), in_scope(order_request, []), NOW) == (
        [promotion] if fits else []
    )
    if not fits:
        with pytest.raises(Refused) as refused:
            quote(customer.account, replace(order_request, promotion=promotion.pk), now=NOW)
        assert refused.value.code == "no_promotion"


def test_the_largest_promotion_stands_first(customer: Customer) -> None:
    small, large = (make.make_promotion(percent_off=Decimal(n)) for n in (5, 20))
    scope = in_scope(new_request(customer), [])
    assert list_fitting([small, large], scope, NOW) == [large, small]


def test_an_order_keeps_the_terms_of_a_promotion_that_staff_ended(customer: Customer) -> None:
    promotion = make.make_promotion()
    poor = make.make_customer(cash="100")
    order = make.buy(poor.application, promotion=promotion.pk)
    assert (order.status, order.total) == ("unpaid", Decimal("108.00"))
    end_promotion(promotion=promotion, reason="Enough", by=None, now=NOW + SECOND)
    assert read_promotions(NOW + SECOND) == []
    make.fund_account(poor.account, cash="8")
    assert pay_order(order=order, by=None, now=NOW + HOUR).status == "paid"
