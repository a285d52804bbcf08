"""Confirming exactly the price that was shown: once, in time, unchanged, and untampered."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import signing

from accounts.errors import Refused
from accounts.models import Account
from billing.catalog.publishing import publish_price_book
from billing.enums import CouponKind, Edition, OrderKind, TermUnit
from billing.models import Coupon, Order
from billing.orders.quotes import ConfirmableQuote, read_signed_quote
from billing.orders.quoting import executable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import QuoteChanged, pay_order, place_order
from tests import factories as make
from tests.billing.acts import balance, confirm, new_request, package_of, quote
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

pytestmark = pytest.mark.django_db

QUARTER = timedelta(minutes=15)


def _shown(cash: str = "1000", **fields: Any) -> tuple[Customer, ConfirmableQuote]:
    customer = make.make_customer(cash=cash)
    return customer, quote(customer.account, new_request(customer, **fields), now=NOW)


def _publish(now: datetime, effective_at: datetime | None = None, **prices: str) -> None:
    """Publish a price book in which the Essential package's prices differ."""
    rows = [("essential", "120.00", "1440.00"), ("premium", "210.00", "2520.00")]
    items = [
        ("essential", "agent", "40.00", "480.00"),
        ("premium", "agent", "70.00", "840.00"),
        ("essential", "sip", "15.00", "180.00"),
        ("premium", "sip", "21.00", "252.00"),
    ]
    data = {
        "currency": "USD",
        "trial": {"edition": "essential", "agents": 3, "days": 14},
        "packages": [
            {"edition": edition, "monthly": monthly, "annual": annual, "included_agents": 3}
            for edition, monthly, annual in rows
        ],
        "additional": [
            {"edition": edition, "item": item, "monthly": monthly, "annual": annual}
            for edition, item, monthly, annual in items
        ],
    }
    if "monthly" in prices:
        prices = {"annual": str(Decimal(prices["monthly"]) * 12), **prices}
    data["packages"][0] |= prices  # type: ignore[index]
    publish_price_book(data=data, effective_at=effective_at or now, by=None, now=now)


# --- Once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [timedelta(0), QUARTER + SECOND, 400 * DAY], ids=str)
def test_the_same_form_sent_again_gives_the_same_order_however_late(later: timedelta) -> None:
    customer, shown = _shown()
    first = confirm(shown, now=NOW)
    again = confirm(shown, now=NOW + later)
    assert again.pk == first.pk
    assert Order.objects.count() == 1
    assert balance(customer.account, "cash") == Decimal("880.00")


def test_the_same_form_sent_again_after_a_cancellation_or_a_restriction_orders_nothing() -> None:
    customer, shown = _shown(cash="0.01")
    order = confirm(shown, now=NOW)
    make.restrict(customer.account)
    assert confirm(shown, now=NOW).pk == order.pk


def test_one_key_with_other_contents_is_refused() -> None:
    customer = make.make_customer(cash="1000")
    key = uuid.uuid4()
    one, other = (
        executable_quote(
            account=customer.account,
            order_request=new_request(customer, agents=n),
            key=key,
            issued_at=NOW,
            now=NOW,
        )
        for n in (0, 1)
    )
    confirm(one, now=NOW)
    with pytest.raises(Refused) as refused:
        confirm(other, now=NOW)
    assert refused.value.code == "key_reused"
    assert balance(customer.account, "cash") == Decimal("880.00")


def test_two_forms_for_the_same_thing_are_two_orders_where_that_makes_sense() -> None:
    customer = make.make_customer(cash="1000")
    make.buy(customer.application)
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=1
    )
    first, second = (quote(customer.account, order_request, now=NOW) for _ in range(2))
    assert first.key != second.key
    confirm(first, now=NOW)
    with pytest.raises(QuoteChanged):
        confirm(second, now=NOW)  # the licenses it was shown with are no longer those


# --- In time ---------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [timedelta(0), QUARTER - SECOND, QUARTER], ids=str)
def test_a_price_holds_for_fifteen_minutes(age: timedelta) -> None:
    _customer, shown = _shown()
    assert confirm(shown, now=NOW + age).status == "paid"


def test_a_price_older_than_fifteen_minutes_is_shown_anew_and_nothing_is_charged() -> None:
    customer, shown = _shown()
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=NOW + QUARTER + timedelta(microseconds=1))
    assert changed.value.code == "quote_changed"
    assert changed.value.old_total == shown.total == changed.value.quote.total
    assert changed.value.quote.key != shown.key
    assert changed.value.quote.issued_at > shown.issued_at
    assert Order.objects.count() == 0
    assert balance(customer.account, "cash") == Decimal("1000.00")
    # The new one can be confirmed.
    assert confirm(changed.value.quote, now=NOW + QUARTER + SECOND).status == "paid"


def test_time_alone_is_no_change_for_a_mid_term_price() -> None:
    customer = make.make_customer(cash="1000")
    make.buy(customer.application)
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=1
    )
    issued = NOW + 2 * DAY - timedelta(minutes=5)  # 30 days are left, and in 5 minutes 29
    shown = quote(customer.account, order_request, now=issued)
    later = issued + timedelta(minutes=10)
    assert (shown.total, quote(customer.account, order_request, now=later).total) == (
        Decimal("40.00"),
        Decimal("38.67"),
    )
    order = confirm(shown, now=later)
    assert (order.status, order.total) == ("paid", Decimal("40.00"))


def test_an_expiry_within_the_fifteen_minutes_is_a_change() -> None:
    customer = make.make_customer(cash="1000")
    end = NOW + 14 * DAY
    shown = quote(customer.account, new_request(customer), now=end - timedelta(minutes=5))
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=end)
    assert changed.value.quote.changes[0].package is None
    more = OrderRequest(kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=1)
    shown = quote(customer.account, more, now=end - timedelta(minutes=5))
    with pytest.raises(Refused) as refused:
        confirm(shown, now=end)
    assert refused.value.code == "no_live_package"


# --- Unchanged -------------------------------------------------------------------------------


def _lower_balance(customer: Customer) -> None:
    other = make.make_application(customer.account)
    make.buy(other, now=NOW)


CHANGES: list[tuple[str, Callable[[Customer], object], bool]] = [
    ("another fund pays", lambda c: make.fund_account(c.account, gift="1"), True),
    ("cash was spent, enough is left", _lower_balance, False),
    ("money came that is not needed", lambda c: make.fund_account(c.account, cash="1"), False),
    (
        "licenses were added to the trial",
        lambda c: make.add(c.application, agents=1, now=NOW),
        True,
    ),
    (
        "another package was bought meanwhile",
        lambda c: make.buy(c.application, Edition.PREMIUM, now=NOW),
        True,
    ),
]


@pytest.mark.parametrize(
    ("change", "is_stopped"),
    [pytest.param(act, stopped, id=name) for name, act, stopped in CHANGES],
)
def test_a_change_meanwhile_charges_nothing(
    change: Callable[[Customer], object], is_stopped: bool
) -> None:
    customer, shown = _shown()
    change(customer)
    before, orders = make.balances(customer.account), Order.objects.count()
    if is_stopped:
        with pytest.raises(Refused):
            confirm(shown, now=NOW + SECOND)
        assert make.balances(customer.account) == before
        assert Order.objects.count() == orders
    else:
        assert confirm(shown, now=NOW + SECOND).status == "paid"


def test_the_new_price_is_shown_beside_the_old_one_when_the_split_changed() -> None:
    customer, shown = _shown()
    make.fund_account(customer.account, gift="30", now=NOW)
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=NOW)
    new = changed.value.quote
    assert new.split is not None
    assert (new.split.gift, new.split.cash) == (Decimal("30.00"), Decimal("90.00"))
    assert changed.value.old_total == new.total == Decimal("120.00")


def test_a_balance_that_no_longer_suffices_is_shown_before_an_unpaid_order_is_made() -> None:
    customer, shown = _shown(cash="150")
    _lower_balance(customer)
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=NOW)
    new = changed.value.quote
    assert new.split is not None
    assert new.split.missing == Decimal("90.00")


def test_a_license_added_changes_a_renewals_price() -> None:
    customer = make.make_customer(cash="1000")
    package = package_of(make.buy(customer.application))
    order_request = OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),))
    shown = quote(customer.account, order_request, now=NOW)
    make.add(customer.application, agents=1, now=NOW)
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=NOW)
    assert (changed.value.old_total, changed.value.quote.total) == (
        Decimal("120.00"),
        Decimal("160.00"),
    )


def test_a_coupon_or_promotion_that_ended_is_honoured_for_the_quotes_minutes() -> None:
    customer = make.make_customer(cash="1000")
    minutes = timedelta(minutes=10)
    coupon = make.make_coupon(customer.account, CouponKind.CASH, ends_at=NOW + minutes)
    promotion = make.make_promotion(ends_at=NOW + minutes)
    order_request = new_request(customer, coupon=coupon.pk, promotion=promotion.pk)
    shown = quote(customer.account, order_request, now=NOW)
    order = confirm(shown, now=NOW + QUARTER)
    assert order.total == Decimal("58.00")  # 120 - 12 - 50


# --- Price books -----------------------------------------------------------------------------


def test_a_new_price_book_changes_new_quotes_only() -> None:
    customer, shown = _shown()
    _publish(NOW + SECOND, effective_at=NOW + timedelta(minutes=1), monthly="130.00")
    assert (
        quote(customer.account, new_request(customer), now=NOW + timedelta(seconds=59)).total == 120
    )
    assert (
        quote(customer.account, new_request(customer), now=NOW + timedelta(minutes=1)).total == 130
    )
    order = confirm(shown, now=NOW + QUARTER)
    assert (order.total, order.price_book.version) == (Decimal("120.00"), 1)


def test_after_the_quotes_minutes_the_new_price_book_counts() -> None:
    customer, shown = _shown()
    _publish(NOW + timedelta(minutes=1), monthly="130.00")
    with pytest.raises(QuoteChanged) as changed:
        confirm(shown, now=NOW + QUARTER + SECOND)
    assert (changed.value.old_total, changed.value.quote.total) == (
        Decimal("120.00"),
        Decimal("130.00"),
    )
    order = confirm(changed.value.quote, now=NOW + QUARTER + SECOND)
    assert (order.total, order.price_book.version) == (Decimal("130.00"), 2)
    assert balance(customer.account, "cash") == Decimal("870.00")


def test_an_unpaid_order_is_paid_at_its_own_price_for_its_24_hours() -> None:
    customer, shown = _shown(cash="1")
    order = confirm(shown, now=NOW)
    _publish(NOW + HOUR, monthly="130.00")
    make.fund_account(customer.account, cash="119", now=NOW)
    paid = pay_order(order=order, by=None, now=NOW + 23 * HOUR)
    assert (paid.status, paid.total, paid.price_book.version) == ("paid", Decimal("120.00"), 1)
    assert balance(customer.account, "cash") == 0


def test_an_upgrade_is_priced_by_the_book_in_force() -> None:
    customer = make.make_customer(cash="1000")
    make.buy(customer.application)
    _publish(NOW + DAY, monthly="150.00")
    order = make.upgrade(customer.application, now=NOW + DAY)  # 30 days are left: 210 - 150
    assert order.total == Decimal("60.00")


def test_a_price_book_is_not_published_for_the_past_nor_incomplete() -> None:
    with pytest.raises(Refused) as refused:
        _publish(NOW, effective_at=NOW - SECOND)
    assert refused.value.code == "in_the_past"
    with pytest.raises(Refused) as refused:
        _publish(NOW, monthly="130.001")
    assert refused.value.code == "bad_amount"


# --- Untampered ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Forger:
    """Someone who changes what the form holds, without knowing the key it was signed with."""

    token: str

    def flip(self, place: int) -> str:
        other = "A" if self.token[place] != "A" else "B"
        return self.token[:place] + other + self.token[place + 1 :]


def test_no_character_of_a_token_can_be_changed() -> None:
    customer, shown = _shown()
    forger = _Forger(shown.token)
    for place in range(0, len(shown.token), 7):
        with pytest.raises(Refused) as refused:
            place_order(account=customer.account, token=forger.flip(place), by=None, now=NOW)
        assert refused.value.code == "bad_quote"
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    "token",
    ["", " ", ":", "::", "a:b:c", "\x00", "\ud800", "٣:٣:٣", "x" * 100_000, "{}", "null:1:2"],
    ids=lambda token: ascii(token)[:12],
)
def test_no_rubbish_is_taken_for_a_token(token: str) -> None:
    customer = make.make_customer(cash="1000")
    with pytest.raises(Refused) as refused:
        place_order(account=customer.account, token=token, by=None, now=NOW)
    assert refused.value.code == "bad_quote"


def test_a_token_signed_for_something_else_is_refused() -> None:
    customer, shown = _shown()
    data = signing.loads(shown.token, salt="billing.quote")
    for salt in ("billing.refund", "", "django.core.signing"):
        forged = signing.dumps(data, salt=salt, compress=True)
        with pytest.raises(Refused) as refused:
            place_order(account=customer.account, token=forged, by=None, now=NOW)
        assert refused.value.code == "bad_quote"


def test_another_accounts_token_is_refused() -> None:
    _customer, shown = _shown()
    other = make.make_customer(cash="1000")
    with pytest.raises(Refused) as refused:
        place_order(account=other.account, token=shown.token, by=None, now=NOW)
    assert refused.value.code == "bad_quote"
    assert balance(other.account, "cash") == Decimal("1000.00")


def test_a_token_holds_what_was_shown() -> None:
    customer, shown = _shown(agents=2, count=3, unit=TermUnit.MONTH, without=("gift",))
    signed = read_signed_quote(shown.token, customer.account)
    assert signed.request == shown.request
    assert (signed.key, signed.issued_at, signed.total) == (
        shown.key,
        NOW,
        Decimal("600.00"),
    )


def test_asks_survive_their_way_through_json() -> None:
    order_request = OrderRequest(
        kind=OrderKind.RENEWAL,
        renewed=(RenewedPackage(1, (2, 3), TermUnit.YEAR, 3), RenewedPackage(4, count=5)),
        unit=TermUnit.YEAR,
        count=2,
        ending=(5,),
        coupon=6,
        promotion=7,
        payer="100000000001",
        without=("gift", "income"),
    )
    assert OrderRequest.from_json(order_request.to_json()) == order_request
    assert (
        OrderRequest.from_json(replace(order_request, edition=Edition.PREMIUM).to_json()).edition
        == "premium"
    )


# --- Another account pays --------------------------------------------------------------------


def _asked_of(payer: Account, cash: str = "1000", **fields: Any) -> tuple[Customer, Order]:
    buyer = make.make_customer(cash=cash)
    return buyer, make.buy(buyer.application, payer=payer.uin, **fields)


def test_an_order_for_another_account_to_pay_stays_unpaid_whatever_the_buyer_has() -> None:
    payer = make.make_customer(cash="500")
    buyer, order = _asked_of(payer.account)
    assert (order.status, order.payer_id) == ("unpaid", payer.account.pk)
    assert balance(buyer.account, "cash") == Decimal("1000.00")
    paid = pay_order(order=order, by=payer.owner, now=NOW + HOUR)
    assert (paid.status, paid.paid_by) == ("paid", payer.owner)
    assert balance(buyer.account, "cash") == Decimal("1000.00")
    assert balance(payer.account, "cash") == Decimal("380.00")
    assert package_of(paid).account_id == buyer.account.pk


def test_naming_oneself_is_paying_oneself() -> None:
    customer = make.make_customer(cash="500")
    order = make.buy(customer.application, payer=customer.account.uin)
    assert (order.status, order.payer_id) == ("paid", customer.account.pk)


def test_a_payer_that_cannot_pay_is_refused() -> None:
    payer, buyer = make.make_customer(cash="500"), make.make_customer()
    make.restrict(payer.account)
    with pytest.raises(Refused) as refused:
        make.buy(buyer.application, payer=payer.account.uin)
    assert (refused.value.code, refused.value.field) == ("no_payer", "payer")


@pytest.mark.parametrize("who", ["payer", "buyer"])
def test_neither_side_may_be_restricted_when_it_is_paid(who: str) -> None:
    payer = make.make_customer(cash="500")
    buyer, order = _asked_of(payer.account)
    make.restrict(payer.account if who == "payer" else buyer.account)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW)
    assert refused.value.code == "account_restricted"
    assert balance(payer.account, "cash") == Decimal("500.00")


def test_coupons_are_not_used_when_another_account_pays() -> None:
    payer, buyer = make.make_customer(cash="500"), make.make_customer()
    coupon = make.make_coupon(buyer.account)
    with pytest.raises(Refused, match="another account pays") as refused:
        make.buy(buyer.application, payer=payer.account.uin, coupon=coupon.pk)
    assert refused.value.code == "coupon_unusable"
    assert Coupon.objects.get(pk=coupon.pk).remaining == 50
