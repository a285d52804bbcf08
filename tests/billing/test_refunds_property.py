"""Any mix of odd cents, funds, coupons, orders and payers: a refund is the payments reversed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from billing.enums import CouponKind, Edition, TermUnit
from billing.models import Fund, LedgerEntry, Order, Package, Payment, Refund, RefundLine
from billing.orders.services import pay_order
from billing.refunds.quotes import RefundRefused
from config.verification import find_all_breaches
from tests import factories as make
from tests.billing.acts import fresh, ledger_sum, package_of, refund
from tests.factories import HOUR, NOW, Customer
from tests.tiers import sample

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

cents = st.integers(1, 40_000).map(lambda value: Decimal(value) / 100)
percents = st.integers(1, 9_999).map(lambda value: Decimal(value) / 100)


@dataclass(frozen=True)
class Wallet:
    """Odd amounts of gift and income; cash is always enough."""

    gift: Decimal
    income: Decimal


wallets = st.builds(Wallet, gift=cents, income=cents)


@dataclass(frozen=True)
class Act:
    """One order: what it is, who pays, and what makes it cheaper."""

    kind: str
    agents: int
    is_paid_by_other: bool
    coupon: str
    percent: Decimal | None
    amount: Decimal


acts = st.builds(
    Act,
    kind=st.sampled_from(["add", "renew", "renew both", "upgrade"]),
    agents=st.integers(1, 3),
    is_paid_by_other=st.booleans(),
    coupon=st.sampled_from(["", "", "voucher", "cash", "discount"]),
    percent=st.none() | percents,
    amount=cents,
)


def _coupon(account: Account, act: Act) -> int | None:
    if not act.coupon or act.is_paid_by_other:
        return None
    kind = CouponKind(act.coupon)
    if kind == CouponKind.DISCOUNT:
        return make.make_coupon(account, kind, percent_off=Decimal(37), cap=act.amount).pk
    return make.make_coupon(account, kind, amount=act.amount).pk


def _wealthy(wallet: Wallet) -> Customer:
    customer = make.make_customer()
    make.fund_account(
        customer.account, gift=str(wallet.gift), income=str(wallet.income), cash="99999.99"
    )
    return customer


class _Shop:
    """A buyer with two packages and another account that pays some of the orders."""

    def __init__(self, buyer: Wallet, payer: Wallet) -> None:
        self.buyer, self.payer = _wealthy(buyer), _wealthy(payer)
        second = make.make_application(self.buyer.account)
        self.package = package_of(make.buy(self.buyer.application, unit=TermUnit.YEAR, agents=1))
        self.other = package_of(make.buy(second, Edition.PREMIUM, sip=1))
        self.minutes = 0

    def order(self, act: Act) -> None:
        """Place an order and see that it is paid; skip what cannot be done a second time."""
        self.minutes += 17
        now = NOW + self.minutes * HOUR / 60
        terms: dict[str, Any] = {
            "payer": self.payer.account.uin if act.is_paid_by_other else "",
            "coupon": _coupon(self.buyer.account, act),
            "promotion": make.make_promotion(percent_off=act.percent).pk if act.percent else None,
        }
        application = self.buyer.application
        if act.kind == "add":
            order = make.add(application, agents=act.agents, sip=1, now=now, **terms)
        elif act.kind == "upgrade":
            if fresh(self.package).edition == "premium":
                return
            order = make.upgrade(application, now=now, **terms)
        else:
            packages = [fresh(self.package)]
            packages += [fresh(self.other)] if act.kind == "renew both" else []
            order = make.renew(*packages, count=act.agents, now=now, **terms)
        if order.status == "unpaid":
            pay_order(order=order, by=None, now=now)

    @property
    def now(self) -> datetime:
        """A minute after the last order."""
        return NOW + (self.minutes + 1) * HOUR / 60


def _funds() -> dict[int, Decimal]:
    return dict(Fund.objects.values_list("pk", "balance"))


def _assert_the_books_hold() -> None:
    assert ledger_sum() == 0
    for fund in Fund.objects.all():
        entries = LedgerEntry.objects.filter(fund=fund).aggregate(total=Sum("amount"))["total"]
        assert fund.balance == (entries or 0)
        assert fund.balance >= 0
    # The test itself moved the account to another company, so that it could refund twice.
    found = [breach.message for breach in find_all_breaches()]
    assert [message for message in found if "is recorded for company" not in message] == []


QUICK = settings(
    max_examples=sample(12, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUICK
@given(buyer=wallets, payer=wallets, orders=st.lists(acts, min_size=1, max_size=4))
def test_a_refund_reverses_the_payments_of_the_package_exactly(
    buyer: Wallet, payer: Wallet, orders: list[Act]
) -> None:
    with transaction.atomic():
        shop = _Shop(buyer, payer)
        for act in orders:
            shop.order(act)
        before = _funds()
        done = refund(shop.package, now=shop.now)
        assert done.status == "done"
        _assert_each_payment_is_reversed(shop, done, before)
        _assert_the_books_hold()
        with pytest.raises(RefundRefused):
            refund(shop.other, now=shop.now)
        _assert_the_second_package_gets_the_rest(shop)
        _assert_the_books_hold()
        transaction.set_rollback(True)


def _assert_each_payment_is_reversed(shop: _Shop, done: Refund, before: dict[int, Decimal]) -> None:
    """Alone on the package: what was paid. Shared: never above it, and the package's net in sum."""
    back = dict.fromkeys(before, Decimal("0.00"))
    lines = {line.payment_id: line.amount for line in done.lines.all()}
    for order in Order.objects.filter(lines__package=shop.package).distinct():
        payments = list(order.payments.all())
        mine = sum(line.net for line in order.lines.filter(package=shop.package))
        is_shared = order.lines.exclude(package=shop.package).exists()
        assert sum(lines[payment.pk] for payment in payments) == mine
        for payment in payments:
            if payment.kind == "coupon":
                assert lines[payment.pk] == 0
            elif is_shared:
                assert 0 <= lines[payment.pk] <= payment.amount
            else:
                assert lines[payment.pk] == payment.amount
            if payment.fund_id:
                assert payment.fund is not None
                assert payment.fund.account_id == payment.account_id
                back[payment.fund_id] += lines.pop(payment.pk)
            else:
                lines.pop(payment.pk)
        assert order.status == ("paid" if is_shared else "refunded")
    assert lines == {}
    assert {pk: amount - before[pk] for pk, amount in _funds().items()} == back
    assert done.amount == sum(back.values())


def _assert_the_second_package_gets_the_rest(shop: _Shop) -> None:
    """Refund the other package too, as of another entity: then every cent is back."""
    Account.objects.filter(pk=shop.buyer.account.pk).update(entity=make.make_entity())
    refund(shop.other, now=shop.now)
    for payment in Payment.objects.all():
        returned = RefundLine.objects.filter(payment=payment).aggregate(t=Sum("amount"))["t"]
        assert returned == (0 if payment.kind == "coupon" else payment.amount)
    assert set(Order.objects.values_list("status", flat=True)) == {"refunded"}
    for customer in (shop.buyer, shop.payer):
        for kind, amount in make.balances(customer.account).items():
            assert Decimal(amount) == _credited(customer.account, kind)


def _credited(account: Account, kind: str) -> Decimal:
    found = account.credits.filter(fund_kind=kind).aggregate(total=Sum("amount"))["total"]
    return Decimal(found)


def _paid_in_parts() -> tuple[Package, Refund, Payment]:
    customer = make.make_customer(gift="50", cash="500")
    coupon = make.make_coupon(customer.account, amount=Decimal(10))
    package = package_of(make.buy(customer.application, coupon=coupon.pk))
    done = refund(package, now=NOW)
    return package, done, Payment.objects.get(kind="gift")


@pytest.mark.parametrize("kind", ["gift", "cash", "coupon"])
def test_no_repetition_exceeds_what_was_paid_even_past_the_services(kind: str) -> None:
    _package, done, _gift = _paid_in_parts()
    payment = Payment.objects.get(kind=kind)
    again = Refund.objects.create(
        **{
            field.attname: getattr(done, field.attname)
            for field in Refund._meta.fields
            if field.attname not in {"id", "number", "key", "status"}
        },
        number="again",
        key="00000000-0000-0000-0000-000000000001",
        status="rejected",
    )
    with (
        pytest.raises(DatabaseError, match=r"beyond what it paid|by a coupon"),
        transaction.atomic(),
    ):
        RefundLine.objects.create(
            refund=again, payment=payment, account_id=payment.account_id, amount=Decimal("0.01")
        )
