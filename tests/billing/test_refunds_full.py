"""Refunding a package: what goes back where, and the facts that stand against it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import signing
from django.db import connection

from accounts.enums import Measure
from accounts.errors import Refused
from accounts.models import Account, AuditEvent
from accounts.services.restrictions import lift_restriction
from billing.enums import CouponKind, Edition, PromotionRefundRule, TermUnit
from billing.models import Coupon, Order, Package, Refund, RefundLine
from billing.orders.services import pay_order
from billing.packages.services import mark_switched_from_postpaid
from billing.refunds.holds import place_refund_hold
from billing.refunds.quotes import RefundChanged, RefundRefused, quote_refund
from billing.refunds.services import refund_package
from billing.refunds.trace import RefundRule, RefundTrace
from compliance.enums import CaseState
from tests import factories as make
from tests.billing.acts import at, balance, count_live, fresh, ledger_sum, package_of, refund, wall
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

pytestmark = pytest.mark.django_db

WINDOW_END = at("2026-03-16 00:00:00")


def _bought(**fields: Any) -> tuple[Customer, Package]:
    """A customer with an Essential package of 10 March 2026, 10:00, paid from cash."""
    return make.make_buyer(cash="10000", **fields)


def _refused(package: Package, now: datetime = NOW) -> list[str]:
    """Try a refund, which must be refused; return the rules that stand against it."""
    before = {fund.pk: fund.balance for fund in package.account.funds.all()}
    with pytest.raises(RefundRefused) as refused:
        refund(package, now=now)
    assert len(refused.value.quote.trace.results) == len(RefundRule)
    assert {fund.pk: fund.balance for fund in package.account.funds.all()} == before
    return [result.rule.value for result in refused.value.quote.trace.failed()]


def _outcome(package: Package, rule: RefundRule, now: datetime = NOW) -> tuple[str, str]:
    result = quote_refund(package=fresh(package), now=now).trace.of(rule)
    return result.outcome.value, result.code


# --- The money -------------------------------------------------------------------------------


def test_every_fund_is_back_to_the_cent_and_the_package_is_over() -> None:
    customer = make.make_customer(gift="100", income="50", cash="500")
    order = make.buy(customer.application, Edition.PREMIUM, agents=2, sip=1)
    package = package_of(order)
    done = refund(package, now=NOW + HOUR)
    assert (done.status, done.amount) == ("done", Decimal("371.00"))
    assert make.balances(customer.account) == {
        "gift": "100.00",
        "income": "50.00",
        "cash": "500.00",
    }
    assert fresh(package).state == "refunded"
    assert count_live(package, NOW + HOUR) == 0
    order.refresh_from_db()
    assert order.status == "refunded"
    assert ledger_sum() == 0


def test_everything_on_the_package_goes_back_with_it() -> None:
    customer, package = _bought(agents=1)  # 120 + 40
    make.add(customer.application, agents=1, sip=2, now=NOW)  # 40 + 2x15
    make.upgrade(customer.application, now=NOW)  # 90 + 2x30 + 2x6
    make.renew(package, unit=TermUnit.YEAR, now=NOW)  # 2520 + 2x840 + 2x252
    assert balance(customer.account, "cash") == Decimal("4904.00")
    done = refund(package, now=NOW + DAY)
    assert done.amount == Decimal("5096.00")  # 160 + 70 + 162 + 4704
    assert balance(customer.account, "cash") == Decimal("10000.00")
    assert set(Order.objects.values_list("status", flat=True)) == {"refunded"}


def test_money_spent_on_the_trial_is_no_part_of_it() -> None:
    customer = make.make_customer(cash="1000")
    on_trial = make.add(customer.application, agents=2, now=NOW)  # 2x18.67
    package = package_of(make.buy(customer.application, agents=2, now=NOW + DAY))
    done = refund(package, now=NOW + DAY)
    assert done.amount == Decimal("200.00")
    assert balance(customer.account, "cash") == Decimal("962.66")
    on_trial.refresh_from_db()
    assert on_trial.status == "paid"


def test_a_refund_does_not_bring_the_trial_back() -> None:
    customer, package = _bought()
    refund(package, now=NOW)
    assert Package.objects.current().filter(application=customer.application).count() == 0
    again = package_of(make.buy(customer.application, now=NOW + HOUR))
    assert again.pk != package.pk


def test_what_a_coupon_paid_is_shown_as_zero_and_does_not_come_back() -> None:
    customer = make.make_customer(cash="1000")
    coupon = make.make_coupon(customer.account, CouponKind.VOUCHER, amount=Decimal("50"))
    package = package_of(make.buy(customer.application, coupon=coupon.pk))
    assert balance(customer.account, "cash") == Decimal("930.00")
    shown = quote_refund(package=package, now=NOW).plan
    assert [(line.kind.value, line.paid, line.amount) for line in shown.lines] == [
        ("cash", Decimal("70.00"), Decimal("70.00")),
        ("coupon", Decimal("50.00"), Decimal("0.00")),
    ]
    assert [(label, str(amount)) for label, amount in shown.by_kind] == [
        ("Gift", "0.00"),
        ("Income", "0.00"),
        ("Cash", "70.00"),
        ("Coupon", "0.00"),
    ]
    assert refund(package, now=NOW).amount == Decimal("70.00")
    assert balance(customer.account, "cash") == Decimal("1000.00")
    assert Coupon.objects.get(pk=coupon.pk).remaining == 0


def test_a_package_paid_by_coupon_alone_gives_nothing_back() -> None:
    customer = make.make_customer()
    coupon = make.make_coupon(customer.account, amount=Decimal("500"))
    order = make.buy(customer.application, coupon=coupon.pk)
    assert (order.status, order.total) == ("paid", Decimal("0.00"))
    done = refund(package_of(order), now=NOW)
    assert (done.status, done.amount) == ("done", Decimal("0.00"))
    assert Coupon.objects.get(pk=coupon.pk).remaining == Decimal("380.00")


def test_the_money_goes_back_to_whoever_paid() -> None:
    payer = make.make_customer(gift="30", cash="500")
    buyer = make.make_customer(cash="1000")
    order = make.buy(buyer.application, payer=payer.account.uin)
    pay_order(order=order, by=payer.owner, now=NOW)
    make.add(buyer.application, agents=1, now=NOW)  # 40, the buyer's own
    shown = quote_refund(package=package_of(order), now=NOW).plan
    assert shown.payers == [
        (payer.account.pk, payer.account.uin),
        (buyer.account.pk, buyer.account.uin),
    ]
    refund(package_of(order), now=NOW)
    assert make.balances(payer.account) == {"gift": "30.00", "cash": "500.00"}
    assert make.balances(buyer.account) == {"cash": "1000.00"}
    assert ledger_sum() == 0


def test_the_payers_entity_keeps_its_own_right() -> None:
    payer, buyer = make.make_customer(cash="1000"), make.make_customer()
    own = package_of(make.buy(payer.application))
    order = make.buy(buyer.application, payer=payer.account.uin)
    pay_order(order=order, by=None, now=NOW)
    refund(package_of(order), now=NOW)
    assert refund(own, now=NOW).status == "done"
    assert balance(payer.account, "cash") == Decimal("1000.00")


# --- One package of an order for several -----------------------------------------------------


def test_one_package_of_a_renewal_of_several_gets_its_part_back() -> None:
    customer = make.make_customer(gift="100", income="33.33", cash="506.67")
    second = make.make_application(customer.account)
    cheap = package_of(make.buy(customer.application))  # 120: 100 gift, 20 income
    dear = package_of(make.buy(second, Edition.PREMIUM))  # 210: 13.33 income, 196.67 cash
    make.fund_account(customer.account, gift="70", income="50")
    order = make.renew(cheap, dear, now=NOW)  # 120 + 210: 70 gift, 50 income, 210 cash
    shown = quote_refund(package=fresh(dear), now=NOW).plan
    amounts = [(line.order, line.kind.value, str(line.amount)) for line in shown.lines]
    # 210 of 330: 70x7/11 = 44.545, 50x7/11 = 31.818, 210x7/11 = 133.636.
    # Down: 44.54 + 31.81 + 133.63 = 209.98; the two odd cents to .818 and .636.
    assert amounts[-3:] == [
        (order.number, "gift", "44.54"),
        (order.number, "income", "31.82"),
        (order.number, "cash", "133.64"),
    ]
    done = refund(dear, now=NOW)
    assert done.amount == Decimal("420.00")
    order.refresh_from_db()
    assert order.status == "paid"
    assert fresh(cheap).state == "active"
    assert ledger_sum() == 0


def test_the_order_is_refunded_once_all_its_packages_are_and_the_parts_are_the_whole() -> None:
    customer = make.make_customer(gift="100.01", income="33.33", cash="10000")
    second = make.make_application(customer.account)
    packages = [
        package_of(make.buy(customer.application, agents=1)),
        package_of(make.buy(second, Edition.PREMIUM, sip=1)),
    ]
    order = make.renew(*packages, now=NOW)
    refund(packages[0], now=NOW)
    # The company sells itself, so that the second package belongs to another entity.
    Account.objects.filter(pk=customer.account.pk).update(entity=make.make_entity())
    order.refresh_from_db()
    assert order.status == "paid"
    refund(packages[1], now=NOW)
    order.refresh_from_db()
    assert order.status == "refunded"
    assert make.balances(customer.account) == {
        "gift": "100.01",
        "income": "33.33",
        "cash": "10000.00",
    }
    assert ledger_sum() == 0


# --- The rules, on rows ----------------------------------------------------------------------


def test_the_window_is_open_to_the_last_second_and_not_one_longer() -> None:
    _customer, package = _bought()
    late = make.make_customer(cash="1000")
    late_package = package_of(make.buy(late.application))
    assert refund(package, now=WINDOW_END - SECOND).status == "done"
    assert _refused(late_package, WINDOW_END) == ["window"]


def test_the_window_of_an_order_paid_late_counts_from_the_payment() -> None:
    customer = make.make_customer(cash="1")
    order = make.buy(customer.application)
    make.fund_account(customer.account, cash="500")
    paid = pay_order(order=order, by=None, now=at("2026-03-11 00:30:00"))
    result = quote_refund(package=package_of(paid), now=at("2026-03-16 23:59:59"))
    assert result.trace.of(RefundRule.WINDOW).outcome == "pass"
    assert _refused(package_of(paid), at("2026-03-17 00:00:00")) == ["window"]


def test_a_renewal_does_not_open_the_window_again() -> None:
    _customer, package = _bought()
    make.renew(package, now=WINDOW_END)
    assert _refused(package, WINDOW_END) == ["window"]


def test_time_under_an_overturned_measure_does_not_count() -> None:
    customer, package = _bought()
    started = NOW + DAY
    case = make.restrict(customer.account, now=started).case_number
    ended = started + 2 * DAY + HOUR
    lift_restriction(
        account=customer.account,
        case_number=case,
        reason="Wrong",
        by=None,
        now=ended,
        is_annulled=True,
    )
    last = WINDOW_END + 2 * DAY + HOUR
    assert wall(last) == "2026-03-18 01:00:00"
    assert _outcome(package, RefundRule.WINDOW, last - SECOND) == ("pass", "inside")
    assert _outcome(package, RefundRule.WINDOW, last) == ("fail", "over")


def test_time_under_a_measure_that_was_right_does_count() -> None:
    customer, package = _bought()
    case = make.restrict(customer.account, now=NOW + DAY).case_number
    lift_restriction(
        account=customer.account, case_number=case, reason="Served", by=None, now=NOW + 3 * DAY
    )
    assert _outcome(package, RefundRule.WINDOW, WINDOW_END) == ("fail", "over")


def test_a_trial_is_not_refunded() -> None:
    customer = make.make_customer()
    assert _refused(make.current_package(customer.application)) == ["paid_package", "window"]


def test_a_refunded_package_is_not_refunded_again() -> None:
    customer, package = _bought()
    refund(package, now=NOW)
    assert _refused(package) == ["paid_package", "one_per_entity"]
    assert balance(customer.account, "cash") == Decimal("10000.00")


def test_an_isolated_package_may_be_refunded_in_a_long_window_and_a_released_one_not() -> None:
    customer = make.make_customer(cash="1000")
    promotion = make.make_promotion(refund_rule=PromotionRefundRule.WINDOW, refund_window_days=60)
    package = package_of(make.buy(customer.application, promotion=promotion.pk))
    isolated = at("2026-04-12 00:00:00")
    assert quote_refund(package=package, now=isolated).trace.outcome == "pass"
    assert _refused(package, at("2026-04-17 10:00:00")) == ["paid_package"]
    assert refund(package, now=isolated).amount == Decimal("108.00")
    assert fresh(package).state == "refunded"


def test_a_package_switched_from_postpaid_is_not_refunded() -> None:
    _customer, package = _bought()
    mark_switched_from_postpaid(
        package=package, is_switched=True, reason="Contract 7", by=None, now=NOW
    )
    assert _refused(package) == ["prepaid"]
    mark_switched_from_postpaid(
        package=package, is_switched=False, reason="Mistaken", by=None, now=NOW
    )
    assert refund(package, now=NOW).status == "done"


def test_one_refund_for_an_entity_over_all_its_accounts() -> None:
    entity = make.make_entity()
    first = make.make_customer(entity=entity, cash="1000")
    second = make.make_customer(entity=entity, cash="1000")
    packages = [package_of(make.buy(each.application)) for each in (first, second)]
    assert refund(packages[0], now=NOW).status == "done"
    assert _refused(packages[1]) == ["one_per_entity"]
    stranger, free = _bought()
    assert refund(free, now=NOW).status == "done"
    assert stranger.account.entity_id != entity.pk


def test_a_refund_of_zero_does_not_use_the_companys_one_refund() -> None:
    entity = make.make_entity()
    free, paying, third = (make.make_customer(entity=entity, cash="1000") for _each in range(3))
    coupon = make.make_coupon(free.account, amount=Decimal(500))
    nothing = refund(package_of(make.buy(free.application, coupon=coupon.pk)), now=NOW)
    assert (nothing.status, nothing.amount) == ("done", Decimal(0))
    assert [line.amount for line in nothing.lines.all()] == [Decimal(0)]
    assert refund(package_of(make.buy(paying.application)), now=NOW).amount == Decimal(120)
    assert _refused(package_of(make.buy(third.application))) == ["one_per_entity"]
    assert list(Refund.objects.claiming().values_list("amount", flat=True)) == [Decimal(120)]


@pytest.mark.parametrize("kind", ["package order", "addition", "renewal", "upgrade"])
def test_a_promotion_without_refund_bars_it_on_whichever_order(kind: str) -> None:
    customer = make.make_customer(cash="10000")
    promotion = make.make_promotion(refund_rule=PromotionRefundRule.NONE).pk
    of_package = promotion if kind == "package order" else None
    package = package_of(make.buy(customer.application, promotion=of_package))
    if kind == "addition":
        make.add(customer.application, agents=1, promotion=promotion)
    elif kind == "renewal":
        make.renew(package, promotion=promotion)
    elif kind == "upgrade":
        make.upgrade(customer.application, promotion=promotion)
    assert _refused(package) == ["promotion"]


def test_a_promotion_on_the_trial_does_not_bar_the_package() -> None:
    customer = make.make_customer(cash="10000")
    promotion = make.make_promotion(refund_rule=PromotionRefundRule.NONE).pk
    make.add(customer.application, agents=1, promotion=promotion)
    package = package_of(make.buy(customer.application, agents=1))
    assert refund(package, now=NOW).status == "done"


def test_an_own_window_counts_on_the_package_order_alone() -> None:
    customer = make.make_customer(cash="10000")
    long = make.make_promotion(refund_rule=PromotionRefundRule.WINDOW, refund_window_days=20).pk
    package = package_of(make.buy(customer.application))
    make.add(customer.application, agents=1, promotion=long)
    assert _refused(package, WINDOW_END) == ["window"]


@pytest.mark.parametrize(
    ("behaviour", "state", "outcome"),
    [
        # 1 is severe, 2 serious, 4 a violation that takes a warning.
        (1, CaseState.VERIFIED, ("fail", "violation")),
        (2, CaseState.VERIFIED, ("fail", "violation")),
        (2, CaseState.ACTIONED, ("fail", "violation")),
        (2, CaseState.APPEALED, ("fail", "violation")),
        (2, CaseState.UPHELD, ("fail", "violation")),
        (2, CaseState.OVERTURNED, ("pass", "clean")),
        (2, CaseState.DISMISSED, ("pass", "clean")),
        (2, CaseState.REPORTED, ("review", "investigated")),
        (1, CaseState.INVESTIGATING, ("review", "investigated")),
        (4, CaseState.INVESTIGATING, ("review", "investigated")),
        (4, CaseState.VERIFIED, ("review", "warned")),
        (4, CaseState.ACTIONED, ("review", "warned")),
        (4, CaseState.OVERTURNED, ("pass", "clean")),
    ],
)
def test_what_a_case_under_the_guidelines_does(
    behaviour: int, state: CaseState, outcome: tuple[str, str]
) -> None:
    customer, package = _bought()
    make.make_case(customer, state, behaviour=behaviour, now=NOW)
    assert _outcome(package, RefundRule.GUIDELINES, NOW + HOUR) == outcome


def test_a_case_of_another_account_of_the_entity_is_no_bar() -> None:
    entity = make.make_entity()
    bad = make.make_customer(entity=entity)
    good = make.make_customer(entity=entity, cash="1000")
    package = package_of(make.buy(good.application))
    make.make_case(bad, CaseState.VERIFIED, now=NOW)
    assert _outcome(package, RefundRule.GUIDELINES) == ("pass", "clean")


@pytest.mark.parametrize(
    ("measure", "failing"),
    [
        (Measure.SUSPEND, ["guidelines"]),
        (Measure.TERMINATE, ["paid_package", "guidelines"]),
        (Measure.BLOCK, ["paid_package", "guidelines"]),
    ],
)
def test_a_restricted_account_gets_nothing_back(measure: Measure, failing: list[str]) -> None:
    customer, package = _bought()
    make.restrict(customer.account, measure)
    assert _refused(fresh(package)) == failing


@pytest.mark.parametrize("kind", ["addition", "renewal", "upgrade", "renewal with another package"])
def test_an_unpaid_order_on_the_package_is_in_the_way_until_it_is_over(kind: str) -> None:
    customer = make.make_customer(cash="240")
    second = make.make_application(customer.account)
    package, other = (package_of(make.buy(each)) for each in (customer.application, second))
    if kind == "addition":
        make.add(customer.application, agents=1)
    elif kind == "renewal":
        make.renew(package)
    elif kind == "upgrade":
        make.upgrade(customer.application)
    else:
        make.renew(package, other)
    assert _refused(package, NOW + 24 * HOUR - SECOND) == ["nothing_in_flight"]
    assert quote_refund(package=package, now=NOW + 24 * HOUR).trace.outcome == "pass"


def test_an_unpaid_order_of_another_application_is_not_in_the_way() -> None:
    customer = make.make_customer(cash="120")
    second = make.make_application(customer.account)
    package = package_of(make.buy(customer.application))
    make.buy(second)
    assert refund(package, now=NOW).status == "done"


def test_recent_requests_are_those_of_the_entity_in_thirty_days() -> None:
    entity = make.make_entity()
    customers = [make.make_customer(entity=entity, cash="1000") for _ in range(3)]
    packages = [package_of(make.buy(each.application)) for each in customers]
    for package, days in zip(packages[:2], (30, 12), strict=True):
        asked = refund(package, now=NOW)
        Refund.objects.filter(pk=asked.pk).update(status="rejected", requested_at=NOW - days * DAY)
    assert _outcome(packages[2], RefundRule.NOT_ABNORMAL, NOW) == ("review", "needs_check")
    assert _outcome(packages[2], RefundRule.NOT_ABNORMAL, NOW + SECOND) == ("pass", "usual")


# --- Confirming ------------------------------------------------------------------------------


def test_the_same_confirmation_again_is_the_same_refund() -> None:
    customer, package = _bought()
    token = quote_refund(package=package, now=NOW).token
    first = refund_package(package=package, token=token, by=customer.owner, now=NOW)
    again = refund_package(package=package, token=token, by=customer.owner, now=NOW + 400 * DAY)
    assert again.pk == first.pk
    assert balance(customer.account, "cash") == Decimal("10000.00")


def test_what_changed_meanwhile_is_shown_before_anything_goes_back() -> None:
    customer, package = _bought()
    token = quote_refund(package=package, now=NOW).token
    make.add(customer.application, agents=1)
    with pytest.raises(RefundChanged) as changed:
        refund_package(package=package, token=token, by=customer.owner, now=NOW)
    assert changed.value.quote.plan.amount == Decimal("160.00")
    assert Refund.objects.count() == 0


def test_a_refund_that_now_needs_a_check_is_shown_again_before_it_is_asked_for() -> None:
    customer, package = _bought()
    token = quote_refund(package=package, now=NOW).token
    staff = make.make_user(is_staff=True)
    place_refund_hold(account=customer.account, reason="Look", by=staff, now=NOW)
    with pytest.raises(RefundChanged) as changed:
        refund_package(package=package, token=token, by=customer.owner, now=NOW)
    assert changed.value.quote.needs_review


def test_the_window_closes_on_a_confirmation_that_waited() -> None:
    _customer, package = _bought()
    token = quote_refund(package=package, now=WINDOW_END - SECOND).token
    with pytest.raises(RefundRefused):
        refund_package(package=package, token=token, by=None, now=WINDOW_END)


@pytest.mark.parametrize("token", ["", "a:b:c", "\x00", "\ud800", "٣", "x" * 10_000], ids=ascii)
def test_no_rubbish_is_taken_for_a_confirmation(token: str) -> None:
    _customer, package = _bought()
    with pytest.raises(Refused) as refused:
        refund_package(package=package, token=token, by=None, now=NOW)
    assert refused.value.code == "bad_quote"


def test_a_confirmation_signed_for_something_else_is_refused() -> None:
    customer, package = _bought()
    data = signing.loads(quote_refund(package=package, now=NOW).token, salt="billing.refund")
    for salt in ("billing.quote", "", "django.core.signing"):
        with pytest.raises(Refused) as refused:
            refund_package(
                package=package, token=signing.dumps(data, salt=salt), by=customer.owner, now=NOW
            )
        assert refused.value.code == "bad_quote"
    assert Refund.objects.count() == 0


def test_a_confirmation_of_another_package_is_refused() -> None:
    _customer, package = _bought()
    _other, foreign = _bought()
    token = quote_refund(package=foreign, now=NOW).token
    with pytest.raises(Refused) as refused:
        refund_package(package=package, token=token, by=None, now=NOW)
    assert refused.value.code == "bad_quote"


def test_a_forged_confirmation_of_a_refused_refund_gets_the_trace_and_is_remembered() -> None:
    customer, package = _bought()
    token = quote_refund(package=package, now=WINDOW_END).token
    with pytest.raises(RefundRefused) as refused:
        refund_package(package=package, token=token, by=customer.owner, now=WINDOW_END)
    assert not refused.value.quote.may_confirm
    event = AuditEvent.objects.get(verb="refund.refused")
    assert event.actor == customer.owner
    assert event.data["trace"] == refused.value.quote.trace.to_json()
    assert RefundLine.objects.count() == 0


def test_trace_version_and_amounts_are_kept_with_the_refund() -> None:
    _customer, package = _bought(agents=1)
    shown = quote_refund(package=package, now=NOW)
    done = Refund.objects.get(pk=refund(package, now=NOW).pk)
    assert RefundTrace.from_json(done.trace) == shown.trace
    assert done.policy_version == shown.trace.version
    assert done.plan == shown.plan.plain
    assert [line.amount for line in done.lines.all()] == [Decimal("160.00")]


def test_asking_about_another_day_judges_that_day() -> None:
    customer = make.make_customer(cash="120")
    package = package_of(make.buy(customer.application))
    make.add(customer.application, agents=1)  # unpaid until 11 March, 10:00
    today = quote_refund(package=package, now=NOW)
    assert [result.rule for result in today.trace.failed()] == [RefundRule.NOTHING_IN_FLIGHT]
    tomorrow = quote_refund(package=package, now=NOW, on=NOW + 2 * DAY)
    assert tomorrow.trace.outcome == "pass"
    later = quote_refund(package=package, now=NOW, on=WINDOW_END)
    assert [result.rule for result in later.trace.failed()] == [RefundRule.WINDOW]
    gone = quote_refund(package=package, now=NOW, on=at("2026-04-17 10:00:00"))
    assert [result.rule for result in gone.trace.failed()] == [
        RefundRule.PAID_PACKAGE,
        RefundRule.WINDOW,
    ]


def test_the_database_itself_allows_an_entity_one_refund() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'billing_refund_one_per_entity'"
        )
        (definition,) = cursor.fetchone()
    assert "UNIQUE" in definition
    assert "(entity_id, product)" in definition


def test_every_move_of_a_refund_is_told_once() -> None:
    _customer, package = _bought()
    when = NOW + timedelta(minutes=3)
    refund(package, now=when)
    events = AuditEvent.objects.filter(at=when).order_by("verb")
    assert [(event.verb, event.from_state, event.to_state) for event in events] == [
        ("order.refunded", "paid", "refunded"),
        ("package.refunded", "active", "refunded"),
        ("refund.done", "", "done"),
    ]
