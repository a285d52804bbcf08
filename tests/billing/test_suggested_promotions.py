"""Which promotion is chosen for the customer, and that all advice on a page agrees with it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.catalog.pricing import ItemPrice, PackagePrice, PriceList
from billing.enums import CouponKind, Edition, LicenseKind, OrderKind
from billing.grants.coupons import end_promotion
from billing.models import Order, Promotion
from billing.offers.policy import limits_refund, list_harmless
from billing.orders.request import OrderRequest
from billing.orders.suggestions import OfferChoice, suggest
from billing.orders.term_comparison import PricedTerms, compare_choice
from tests import factories as make
from tests.factories import DAY, NOW, Customer, signed_in

USUAL = 5
BEST = OfferChoice(is_best_promotion=True, is_best_coupon=True)


def promotion(pk: int, percent: str = "10", rule: str = "policy", **terms: Any) -> Promotion:
    """A promotion that no database has seen: `window:3` sets a window of three days."""
    name, _colon, days = rule.partition(":")
    values = {
        "pk": pk,
        "name": f"P{pk}",
        "percent_off": Decimal(percent),
        "refund_rule": name,
        "refund_window_days": int(days) if days else None,
        "starts_at": NOW - DAY,
        "ends_at": NOW + 400 * DAY,
        **terms,
    }
    return Promotion(**values)


# --- Which may be proposed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "kind", "limits"),
    [
        ("policy", "new", False),
        ("none", "new", True),
        ("window:4", "new", True),
        ("window:0", "new", True),
        ("window:5", "new", False),
        ("window:30", "new", False),
        # Only the order that buys the package has a window; "not refundable" holds for all.
        ("window:0", "renewal", False),
        ("window:0", "additional", False),
        ("window:0", "upgrade", False),
        ("policy", "renewal", False),
        ("none", "renewal", True),
        ("none", "additional", True),
        ("none", "upgrade", True),
    ],
)
def test_when_a_promotion_limits_the_refund(rule: str, kind: str, limits: bool) -> None:
    assert limits_refund(promotion(1, rule=rule), kind, USUAL) is limits


@pytest.mark.parametrize(
    ("promotions", "keys"),
    [
        pytest.param([], [], id="nothing runs"),
        pytest.param([promotion(1, "5"), promotion(2, "20")], [2, 1], id="the largest first"),
        pytest.param([promotion(1, "5"), promotion(2, "50", "none")], [1], id="no refund"),
        pytest.param([promotion(1, "50", "window:4")], [], id="a shorter window"),
        pytest.param(
            [promotion(1, "9", "window:5"), promotion(2, "8", "window:9")], [1, 2], id="longer"
        ),
        pytest.param(
            [promotion(2, "9"), promotion(1, "9"), promotion(3, "9", "window:30")],
            [3],
            id="of equal ones the longest window",
        ),
        pytest.param([promotion(2, "9"), promotion(1, "9")], [1], id="then the oldest"),
        pytest.param([promotion(1, "0")], [], id="takes nothing off"),
        pytest.param([promotion(1, "0", "window:30")], [1], id="nothing off, a longer window"),
    ],
)
def test_which_promotions_may_be_proposed(promotions: list[Promotion], keys: list[int]) -> None:
    for order in (promotions, promotions[::-1]):
        assert [each.pk for each in list_harmless(order, "new", USUAL)] == keys


# --- A year, month by month and in advance ------------------------------------------------------

PRICES = PriceList(
    version=1,
    currency="USD",
    packages={Edition.ESSENTIAL: PackagePrice(Decimal("120.00"), Decimal("1440.00"), 3, 0)},
    additional={},
)


@pytest.mark.parametrize(
    ("promotions", "wanted", "monthly", "annual"),
    [
        pytest.param([], "best", "1440.00", "1440.00", id="no promotion"),
        pytest.param(
            [promotion(1, "5", term_units=["year"])], "best", "1440.00", "1368.00 P1", id="annual"
        ),
        pytest.param(
            [promotion(1, "5", term_units=["year"])], None, "1440.00", "1440.00", id="unwanted"
        ),
        pytest.param(
            [promotion(1, "50", "none", term_units=["year"])],
            "best",
            "1440.00",
            "1440.00",
            id="one that limits the refund is not counted",
        ),
        pytest.param(
            [promotion(1, "50", "none", term_units=["year"])],
            1,
            "1440.00",
            "720.00 P1",
            id="unless it was chosen",
        ),
        # The first of twelve payments alone is a new purchase: 120 - 12.
        pytest.param(
            [promotion(1, order_kinds=["new"])], "best", "1428.00 P1", "1296.00 P1", id="new only"
        ),
        # Eleven renewals of 108.
        pytest.param(
            [promotion(1, order_kinds=["renewal"])], "best", "1308.00 P1", "1440.00", id="renewals"
        ),
        # It ends between the third payment, on 10 May, and the fourth, on 10 June.
        pytest.param(
            [promotion(1, ends_at=NOW + 70 * DAY)], "best", "1404.00 P1", "1296.00 P1", id="ends"
        ),
        pytest.param(
            [promotion(1, "10", term_units=["month"]), promotion(2, "5", term_units=["year"])],
            "best",
            "1296.00 P1",
            "1368.00 P2",
            id="one each",
        ),
        # What was chosen for the year leaves the months to the proposal.
        pytest.param(
            [promotion(1, "10", term_units=["month"]), promotion(2, "5", term_units=["year"])],
            2,
            "1296.00 P1",
            "1368.00 P2",
            id="one chosen",
        ),
        pytest.param([promotion(1, minimum_terms=12)], "best", "1440.00", "1440.00", id="too few"),
        pytest.param(
            [promotion(1, editions=["premium"])], "best", "1440.00", "1440.00", id="other edition"
        ),
    ],
)
def test_terms_are_compared_with_the_promotions_of_each(
    promotions: list[Promotion], wanted: int | str | None, monthly: str, annual: str
) -> None:
    found = compare_choice(
        OrderRequest(kind=OrderKind.NEW, edition=Edition.ESSENTIAL),
        wanted=wanted,
        prices=PRICES,
        promotions=promotions,
        now=NOW,
    )
    assert [found.monthly, found.annual] == [priced(monthly), priced(annual)]
    assert found.saving == -found.surcharge == priced(monthly).amount - priced(annual).amount


def priced(text: str) -> PricedTerms:
    amount, *names = text.split()
    return PricedTerms(Decimal(amount), tuple(names))


def test_additional_licenses_are_compared_with_the_package() -> None:
    prices = PriceList(
        version=1,
        currency="USD",
        packages=PRICES.packages,
        additional={
            (Edition.ESSENTIAL, kind): ItemPrice(Decimal(price), Decimal(price) * 12)
            for kind, price in ((LicenseKind.AGENT, "40.00"), (LicenseKind.SIP, "15.00"))
        },
    )
    found = compare_choice(
        OrderRequest(kind=OrderKind.NEW, edition=Edition.ESSENTIAL, agents=22, sip=2),
        wanted="best",
        prices=prices,
        promotions=[promotion(1, "5", term_units=["year"])],
        now=NOW,
    )
    # 12 x (120 + 880 + 30); less 72 + 528 + 18.
    assert (found.monthly.amount, found.annual.amount) == (Decimal(12360), Decimal(11742))


# --- What a page proposes --------------------------------------------------------------------


@pytest.fixture
def customer(db: None) -> Iterator[Customer]:
    with time_machine.travel(NOW, tick=False):
        yield make.make_customer(cash="20000")


def new(customer: Customer, **fields: Any) -> OrderRequest:
    application = customer.application.pk
    return OrderRequest(
        kind=OrderKind.NEW, application=application, edition=Edition.ESSENTIAL, **fields
    )


def test_the_promotion_is_proposed_that_makes_the_order_cheapest_with_its_coupon(
    customer: Customer,
) -> None:
    small = make.make_promotion(percent_off=Decimal(5))
    make.make_coupon(
        customer.account, CouponKind.CASH, amount=Decimal(25), minimum_spend=Decimal(115)
    )
    make.make_promotion(percent_off=Decimal(5))

    # 5 % leave 114, too little for the coupon; without one, 120 - 25 = 95.
    found = suggest(account=customer.account, order_request=new(customer), choice=BEST, now=NOW)
    assert (found.best_promotion, found.quote and found.quote.total) == (None, Decimal(95))

    # For two months 228 are left, so both fit: 228 - 25.
    found = suggest(
        account=customer.account, order_request=new(customer, count=2), choice=BEST, now=NOW
    )
    assert (found.best_promotion, found.quote and found.quote.total) == (small, Decimal(203))

    # Without the coupon the promotion is best.
    alone = OfferChoice(is_best_promotion=True)
    found = suggest(account=customer.account, order_request=new(customer), choice=alone, now=NOW)
    assert (found.best_promotion, found.quote and found.quote.total) == (small, Decimal(114))


def test_a_named_coupon_is_kept_where_a_promotion_would_rule_it_out(customer: Customer) -> None:
    make.make_promotion(percent_off=Decimal(50))
    coupon = make.make_coupon(
        customer.account, CouponKind.CASH, amount=Decimal(5), minimum_spend=Decimal(115)
    )
    order_request = new(customer, coupon=coupon.pk)
    choice = OfferChoice(is_best_promotion=True)
    found = suggest(account=customer.account, order_request=order_request, choice=choice, now=NOW)
    assert found.refusal is None
    assert found.quote is not None
    assert (found.quote.promotion, found.quote.coupon) == (None, coupon)


def test_what_limits_the_refund_is_listed_and_not_taken(customer: Customer) -> None:
    harmless = make.make_promotion(percent_off=Decimal(5))
    smaller = make.make_promotion(percent_off=Decimal(4), refund_rule="none")
    harsh = make.make_promotion(percent_off=Decimal(20), refund_rule="none")
    found = suggest(account=customer.account, order_request=new(customer), choice=BEST, now=NOW)
    assert found.quote is not None
    assert found.quote.promotion == harmless
    assert [choice.promotion for choice in found.promotions] == [harsh, harmless, smaller]
    assert [(each.promotion, each.deduction) for each in found.larger] == [(harsh, Decimal(24))]


# --- On the page -----------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def choose(customer: Customer, **changes: str) -> dict[str, str]:
    """25 people on Essential for a year: 1,440 + 22 x 480 = 12,000."""
    return {
        "application": str(customer.application.sdkappid),
        "edition": "essential",
        "unit": "year",
        "count": "1",
        "people": "25",
        "agents": "",
        "sip": "0",
        "promotion": "best",
        "coupon": "best",
        **changes,
    }


def send(client: Client, customer: Customer, *, part: str = "", **changes: str) -> Any:
    url = f"/console/{customer.account.uin}/buy/{part}"
    return client.post(url, choose(customer, **changes), headers=HTMX)


def live(client: Client, customer: Customer, **changes: str) -> str:
    return str(send(client, customer, part="?part=price", **changes).content.decode())


def amounts(html: str, where: str) -> list[str]:
    part = re.search(rf'class="{where}">(.*?)</(?:table|dl)>', html, re.DOTALL)
    assert part
    return re.findall(r"USD\u00a0([0-9,.]+)", part[1])


def chosen(html: str) -> str:
    field = re.search(r'<select name="promotion".*?</select>', html, re.DOTALL)
    assert field
    found = re.search(r"<option[^>]* selected>([^<]*)<", field[0])
    return found[1].replace("\u00a0", " ") if found else ""


def annual(**terms: Any) -> Promotion:
    values = {
        "name": "A year in advance",
        "percent_off": Decimal(5),
        "term_units": ["year"],
        **terms,
    }
    return make.make_promotion(**values)


def test_price_comparison_and_order_agree_on_the_promotion(
    client: Client, customer: Customer
) -> None:
    saving = annual()

    html = live(client, customer)

    assert chosen(html) == "Suggested: A year in advance (5% off, USD −600.00)"
    assert amounts(html, "sum lines")[-1] == "11,400.00"
    assert amounts(html, "compared") == ["12,000.00", "11,400.00", "600.00"]
    assert "with the promotion A year in advance" in html
    assert "Both cost the same" not in html

    dialog = send(client, customer).content.decode()
    assert "The usual refund rules apply." in dialog
    token = re.search(r'name="token" value="([^"]+)"', dialog)
    assert token
    client.post(f"/console/{customer.account.uin}/confirm/", {"token": token[1]})
    order = Order.objects.get()
    assert (order.promotion, order.total, order.status) == (saving, Decimal(11400), "paid")


def test_the_saving_is_told_before_annual_is_chosen(client: Client, customer: Customer) -> None:
    annual()

    html = live(client, customer, unit="month")

    assert amounts(html, "compared") == ["12,000.00", "11,400.00", "600.00"]
    # No promotion fits a month; the choice of the best one waits for when one does.
    assert '<input type="hidden" name="promotion" value="best">' in html
    assert '<select name="promotion"' not in html


def test_a_fresh_page_has_the_best_promotion_chosen(client: Client, customer: Customer) -> None:
    make.make_promotion(name="Spring")
    html = client.get(f"/console/{customer.account.uin}/buy/").content.decode()
    assert chosen(html) == "Suggested: Spring (10% off, USD −12.00)"
    assert amounts(html, "sum lines")[-1] == "108.00"


@pytest.mark.parametrize("terms", [{"refund_rule": "none"}, {"refund_rule": "window:4"}], ids=str)
def test_a_promotion_that_limits_the_refund_waits_for_the_customer(
    client: Client, customer: Customer, terms: dict[str, str]
) -> None:
    rule, _colon, days = terms["refund_rule"].partition(":")
    sale = annual(
        percent_off=Decimal(20),
        refund_rule=rule,
        refund_window_days=int(days) if days else None,
        terms="Only this week.",
    )

    html = live(client, customer)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).replace("\u00a0", " ")
    assert chosen(html) == "No suggestion"
    assert amounts(html, "sum lines")[-1] == "12,000.00"
    assert amounts(html, "compared") == ["12,000.00", "12,000.00", "0.00"]
    assert "A year in advance: USD 2,400.00 off." in text
    assert "Only this week." in text
    words = "Refund window of this promotion: 4 days." if days else "No refund under this promotion"
    assert words in text

    html = live(client, customer, promotion=str(sale.pk))
    assert amounts(html, "sum lines")[-1] == "9,600.00"
    assert amounts(html, "compared") == ["12,000.00", "9,600.00", "2,400.00"]
    assert "it applies only if you choose it" not in html


def test_no_promotion_stays_a_choice(client: Client, customer: Customer) -> None:
    annual()

    html = live(client, customer, promotion="")
    assert (chosen(html), amounts(html, "sum lines")[-1]) == ("No promotion", "12,000.00")
    assert amounts(html, "compared") == ["12,000.00", "12,000.00", "0.00"]
    html = live(client, customer, promotion="", unit="month")
    assert '<input type="hidden" name="promotion" value="">' in html


def test_a_promotion_that_ended_meanwhile_is_refused(client: Client, customer: Customer) -> None:
    sale = annual()
    end_promotion(promotion=sale, reason="Over", by=None, now=NOW)

    answer = send(client, customer, promotion=str(sale.pk))

    assert answer.status_code == 422
    assert "This promotion does not apply to this order." in answer.content.decode()
    assert not Order.objects.exists()


def test_a_coupon_stays_chosen_while_a_number_is_being_corrected(
    client: Client, customer: Customer
) -> None:
    make.make_coupon(customer.account)

    html = live(client, customer, people="0")
    assert '<input type="hidden" name="coupon" value="best">' in html


def test_a_window_of_its_own_says_nothing_of_a_renewal(client: Client, customer: Customer) -> None:
    make.buy(customer.application)
    make.make_promotion(refund_rule="window", refund_window_days=1, name="Short")
    path = f"applications/{customer.application.sdkappid}/renew/"

    html = client.get(f"/console/{customer.account.uin}/{path}").content.decode()

    assert chosen(html) == "Suggested: Short (10% off, USD −12.00)"
    assert "The usual refund rules apply." in html
    assert "Refund window of this promotion" not in html
