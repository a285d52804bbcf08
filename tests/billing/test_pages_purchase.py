"""Buying on the console's pages: from choosing over the signed quote to the order."""

import re
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from billing.catalog.queries import find_feature_table
from billing.enums import CouponKind
from billing.models import Order
from tests.factories import (
    NOW,
    Customer,
    add,
    balances,
    buy,
    current_package,
    fund_account,
    licenses_of,
    make_account,
    make_coupon,
    make_customer,
    make_promotion,
    signed_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture(scope="module")
def made(module_transaction: None) -> Customer:
    return make_customer(gift="100", income="50", cash="500")


@pytest.fixture
def customer(made: Customer) -> Customer:
    return deepcopy(made)


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def choice(customer: Customer, **changes: str) -> dict[str, str]:
    """Premium monthly with 2 additional agents and 1 SIP license: 210 + 140 + 21."""
    return {
        "application": str(customer.application.sdkappid),
        "edition": "premium",
        "unit": "month",
        "count": "1",
        "agents": "2",
        "sip": "1",
        "coupon": "best",
        **changes,
    }


def url(customer: Customer, path: str) -> str:
    return f"/console/{customer.account.uin}/{path}"


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


HTMX = {"HX-Request": "true"}


def amounts(html: str) -> list[str]:
    """The amounts of the price, in order: the lines, what is taken off, the total."""
    lines = re.search(r'<dl class="sum lines">(.*?)</dl>', html, re.DOTALL)
    assert lines
    found = re.findall(r'<dd class="[^"]*num[^"]*">(\S?)USD\u00a0([0-9,.]+)', lines[1])
    return [sign + amount for sign, amount in found]


def ask_for(client: Client, customer: Customer, **changes: str) -> str:
    """Choose, and return the dialog that asks for the last word."""
    answer = client.post(url(customer, "buy/"), choice(customer, **changes))
    assert answer.status_code == 200
    return answer.content.decode()


def confirm(client: Client, customer: Customer, html: str, **more: str) -> Any:
    data = {"token": token_of(html), **more}
    return client.post(url(customer, "confirm/"), data)


def test_the_whole_way_from_choosing_to_the_order(client: Client, customer: Customer) -> None:
    assert client.get(url(customer, "buy/")).status_code == 200
    html = ask_for(client, customer)
    assert amounts(html) == ["210.00", "140.00", "21.00", "371.00"]

    done = confirm(client, customer, html)

    order = Order.objects.get()
    assert (done["Location"], order.status) == (url(customer, f"orders/{order.number}/"), "paid")
    assert balances(customer.account) == {"gift": "0.00", "income": "0.00", "cash": "279.00"}
    shown = client.get(done["Location"]).content.decode()
    assert re.findall(r"<dt>(Gift|Income|Cash)</dt><dd[^>]*>USD\u00a0([0-9.]+)", shown) == [
        ("Gift", "100.00"),
        ("Income", "50.00"),
        ("Cash", "221.00"),
    ]


def test_htmx_gets_the_dialog_alone_and_is_sent_on_as_a_whole(
    client: Client, customer: Customer
) -> None:
    dialog = client.post(url(customer, "buy/"), choice(customer), headers=HTMX)
    html = dialog.content.decode()
    assert html.lstrip().startswith("<form")

    done = client.post(url(customer, "confirm/"), {"token": token_of(html)}, headers=HTMX)

    assert done["HX-Redirect"] == url(customer, f"orders/{Order.objects.get().number}/")


def test_the_price_alone_is_fetched_while_somebody_chooses(
    client: Client, customer: Customer
) -> None:
    answer = client.post(url(customer, "buy/?part=price"), choice(customer), headers=HTMX)

    html = answer.content.decode()
    assert html.lstrip().startswith('<div id="price"')
    assert amounts(html) == ["210.00", "140.00", "21.00", "371.00"]
    assert "1 month \u00d7 210.00 = 210.00" in html
    assert not Order.objects.exists()


def test_without_script_a_button_updates_the_price(client: Client, customer: Customer) -> None:
    answer = client.post(url(customer, "buy/"), {**choice(customer), "update": "1"})

    html = answer.content.decode()
    assert "<html" in html
    assert amounts(html) == ["210.00", "140.00", "21.00", "371.00"]
    assert not re.search(r'name="token"', html)


@pytest.mark.parametrize(
    ("people", "agents", "line"),
    [("5", "", "140.00"), ("3", "", None), ("2", "", None), ("5", "1", "70.00"), ("5", "0", None)],
    ids=["two more", "exactly included", "fewer", "a number wins", "zero wins"],
)
def test_people_need_the_licenses_beyond_the_included_ones(
    client: Client, customer: Customer, people: str, agents: str, line: str | None
) -> None:
    html = ask_for(client, customer, people=people, agents=agents, sip="0")

    assert amounts(html)[1:-1] == ([line] if line else [])


def test_what_follows_is_said_before_buying(client: Client, customer: Customer) -> None:
    html = client.post(url(customer, "buy/?part=price"), choice(customer), headers=HTMX)

    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html.content.decode()))
    assert "Expires 10 Apr 2026, 10:00:00 UTC+8" in text
    assert "Full refund until 15 Mar 2026, 23:59:59 UTC+8 if paid now" in text


def test_the_connect_guidelines_stand_on_the_page(client: Client, customer: Customer) -> None:
    html = client.get(url(customer, "buy/")).content.decode()

    assert 'id="guidelines-summary"' in html
    assert "<li>Debt collection</li>" in html


def test_sending_twice_gives_one_order_and_the_same_page(
    client: Client, customer: Customer
) -> None:
    html = ask_for(client, customer)

    first, second = (confirm(client, customer, html)["Location"] for _time in range(2))
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        third = confirm(client, customer, html)["Location"]

    assert first == second == third
    assert Order.objects.count() == 1
    assert balances(customer.account)["cash"] == "279.00"


def test_an_old_quote_is_shown_anew_and_charges_nothing(client: Client, customer: Customer) -> None:
    html = ask_for(client, customer)

    with time_machine.travel(NOW + timedelta(minutes=15, seconds=1), tick=False):
        answer = confirm(client, customer, html)

    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Nothing was charged" in shown
    assert "The price is unchanged, but dates changed." in shown
    assert "The price was" not in shown
    assert token_of(shown) != token_of(html)
    assert not Order.objects.exists()


def test_a_balance_that_changed_brings_the_dialog_back(client: Client, customer: Customer) -> None:
    html = ask_for(client, customer)
    fund_account(customer.account, gift="50")

    answer = confirm(client, customer, html)

    assert answer.status_code == 409
    assert not Order.objects.exists()
    assert confirm(client, customer, answer.content.decode()).status_code == 302
    assert balances(customer.account) == {"gift": "0.00", "income": "0.00", "cash": "329.00"}


def test_a_fund_that_is_left_out_makes_a_new_split(client: Client, customer: Customer) -> None:
    html = ask_for(client, customer)

    anew = confirm(client, customer, html, requote="1", shown="", use="income")

    assert anew.status_code == 200
    assert not Order.objects.exists()
    confirm(client, customer, anew.content.decode(), shown="gift", use="income")
    assert balances(customer.account) == {"gift": "100.00", "income": "0.00", "cash": "179.00"}


def test_unticking_and_confirming_in_one_go_shows_the_new_split_first(
    client: Client, customer: Customer
) -> None:
    """Without script nothing is asked again when a box changes."""
    html = ask_for(client, customer)

    answer = confirm(client, customer, html, shown="", use="gift")

    assert (answer.status_code, Order.objects.count()) == (200, 0)
    assert 'name="shown" value="income"' in answer.content.decode()


def test_a_short_balance_leaves_an_unpaid_order_and_says_what_is_missing(
    client: Client, customer: Customer
) -> None:
    html = ask_for(client, customer, agents="10")
    assert "USD\u00a0281.00 short" in html
    assert "Place order, pay later" in html

    done = confirm(client, customer, html)

    order = Order.objects.get()
    assert (order.status, balances(customer.account)["cash"]) == ("unpaid", "500.00")
    page = client.get(done["Location"]).content.decode()
    assert "USD\u00a0281.00 short" in page
    assert "11 Mar 2026, 10:00:00" in page


def test_the_best_coupon_is_proposed_and_used(client: Client, customer: Customer) -> None:
    make_coupon(customer.account, amount=Decimal(90), ends_at=NOW + timedelta(days=20))
    best = make_coupon(customer.account, amount=Decimal(40), ends_at=NOW + timedelta(days=2))
    short = make_coupon(customer.account, CouponKind.CASH, minimum_spend=Decimal(9999))

    page = client.post(url(customer, "buy/?part=price"), choice(customer), headers=HTMX)
    html = page.content.decode()

    assert f"Suggested: Voucher {best.code} (USD\u00a0\u221240.00)" in html
    assert amounts(html)[-2:] == ["\u221240.00", "331.00"]
    assert re.search(rf"{short.code}<small>It requires a spend of at least", html)
    confirm(client, customer, ask_for(client, customer))
    best.refresh_from_db()
    assert str(best.remaining) == "0.00"


def test_a_coupon_can_be_left_out(client: Client, customer: Customer) -> None:
    make_coupon(customer.account)

    assert amounts(ask_for(client, customer, coupon=""))[-1] == "371.00"


def test_a_promotion_shows_its_own_refund_rule(client: Client, customer: Customer) -> None:
    sale = make_promotion(refund_rule="none", terms="Ten percent off.")

    html = ask_for(client, customer, promotion=str(sale.pk))

    assert amounts(html)[-2:] == ["\u221237.10", "333.90"]
    assert "this promotion rules out a refund of the whole package" in html


def test_an_application_with_a_package_leads_to_renewing_it(
    client: Client, customer: Customer
) -> None:
    buy(customer.application)

    answer = client.post(url(customer, "buy/"), choice(customer))

    assert answer.status_code == 422
    html = answer.content.decode()
    base = f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}"
    for name in ("renew", "add", "upgrade"):
        assert f'href="{base}/{name}/"' in html


def test_without_applications_the_page_leads_to_activating_one() -> None:
    account = make_account()
    client = Client()
    client.force_login(account.memberships.get().user)

    html = client.get(f"/console/{account.uin}/buy/").content.decode()

    assert f'href="/console/{account.uin}/applications/activate/"' in html
    assert client.post(f"/console/{account.uin}/buy/", {}).status_code == 422


@pytest.fixture
def extended(customer: Customer, settings: object) -> Customer:
    """A trial with three more licenses; no one holds any."""
    settings.LICENSE_HOLDERS = "tests.billing.test_pages_purchase.nobody"  # type: ignore[attr-defined]
    add(customer.application, agents=3)
    return customer


def nobody(license_ids: object) -> dict[int, object]:
    return {}


def test_licenses_of_the_trial_go_over_unless_fewer_are_asked(
    client: Client, extended: Customer
) -> None:
    html = ask_for(client, extended, agents="", sip="0")

    assert amounts(html)[:2] == ["210.00", "210.00"]


def test_fewer_licenses_than_the_trial_has_end_by_choice(
    client: Client, extended: Customer
) -> None:
    bought = licenses_of(current_package(extended.application))[3:]
    page = client.post(
        url(extended, "buy/?part=price"), choice(extended, agents="1", sip="0"), headers=HTMX
    )
    marks = re.findall(r'name="(mark_\d+)" value="([^"]+)"', page.content.decode())
    assert re.findall(r'value="(\d+)" checked', page.content.decode()) == [
        str(license.pk) for license in (bought[2], bought[1])
    ]

    chosen = {"ending": [str(bought[0].pk), str(bought[2].pk)], **dict(marks)}
    dialog = client.post(url(extended, "buy/"), {**choice(extended, agents="1", sip="0"), **chosen})
    confirm(client, extended, dialog.content.decode())

    ended = [license.pk for license in bought if type(license).objects.get(pk=license.pk).ends_at]
    assert ended == [bought[0].pk, bought[2].pk]


@pytest.mark.parametrize(("ticked", "words"), [(1, "select 1 more"), (3, "1 license too many")])
def test_the_number_of_ticked_licenses_must_be_right(
    client: Client, extended: Customer, ticked: int, words: str
) -> None:
    package = current_package(extended.application)
    chosen = [str(license.pk) for license in licenses_of(package)[3 : 3 + ticked]]

    answer = client.post(
        url(extended, "buy/"),
        {
            **choice(extended, agents="1", sip="0"),
            "ending": chosen,
            f"mark_{package.pk}": "2.0",
        },
    )

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_list_that_somebody_is_ticking_in_is_not_replaced(
    client: Client, extended: Customer
) -> None:
    package = current_package(extended.application)
    path, data = url(extended, "buy/?part=price"), choice(extended, agents="1", sip="0")

    fresh = client.post(path, data, headers=HTMX).content.decode()
    again = client.post(path, {**data, f"mark_{package.pk}": "2.0"}, headers=HTMX)
    fewer = client.post(path, {**data, "agents": "0", f"mark_{package.pk}": "2.0"}, headers=HTMX)

    assert [
        'id="endings"' in html for html in (fresh, again.content.decode(), fewer.content.decode())
    ] == [True, False, True]


def test_ticks_stay_where_another_field_is_at_fault(client: Client, extended: Customer) -> None:
    package = current_package(extended.application)
    ticked = [license.pk for license in licenses_of(package)[3:5]]

    answer = client.post(
        url(extended, "buy/"),
        {
            **choice(extended, agents="1", sip="0", count="99"),
            "ending": ticked,
            f"mark_{package.pk}": "2.0",
        },
    )

    assert answer.status_code == 422
    kept = re.findall(r'name="ending"[^>]*value="(\d+)" checked', answer.content.decode())
    assert {int(pk) for pk in kept} == set(ticked)


# --- The purchase as a conversation --------------------------------------------------------


def words_of(html: str, part: str = "") -> str:
    """The text of the page, or of the part with this id up to the next part that is known."""
    if part:
        html = html[html.index(f'id="{part}"') :]
        html = html[html.index(">") + 1 : html.index("</div>\n" if part == "compared" else "</ol>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#x27;", "'").strip()


def suggestion_of(html: str) -> str:
    found = re.search(r'<div id="suggestion".*?(?=</div></div>\s*</div>)', html, re.DOTALL)
    return re.sub(r" ([.;,])", r"\1", words_of(found[0])) if found else ""


def live(client: Client, customer: Customer, **changes: Any) -> str:
    answer = client.post(
        url(customer, "buy/?part=price"), {**choice(customer), **changes}, headers=HTMX
    )
    return answer.content.decode()


def test_every_feature_of_the_table_can_be_ticked(client: Client, customer: Customer) -> None:
    html = client.get(url(customer, "buy/")).content.decode()

    ticked = set(re.findall(r'name="needs" value="([a-z_]+)"', html))
    assert ticked == {feature.key for feature in find_feature_table(NOW)}
    assert "checked" not in "".join(re.findall(r'<input[^>]*name="needs"[^>]*>', html))
    assert suggestion_of(html) == ""


@pytest.mark.parametrize(
    ("edition", "needs", "expected", "button"),
    [
        (
            "essential",
            ["web_calls"],
            "Suggested: Essential. It has everything that you ticked, and its package costs USD",
            None,
        ),
        (
            "essential",
            ["web_calls", "sip_bind_agent"],
            "Suggested: Premium. The other edition lacks: Bind SIP telephone to agent.",
            "premium",
        ),
        ("essential", ["ivr_branches"], "Suggested: Essential.", None),
        (
            "essential",
            ["ivr_branches:premium"],
            "Suggested: Premium. The other edition lacks: Branches: Dynamic branches.",
            "premium",
        ),
        ("premium", ["web_calls"], "Suggested: Essential.", "essential"),
        ("premium", ["sip_bind_agent"], "Suggested: Premium.", None),
    ],
    ids=["both", "one decides", "at all", "the wider scope", "less would do", "already chosen"],
)
def test_what_one_needs_suggests_an_edition_with_the_reason(
    client: Client,
    customer: Customer,
    edition: str,
    needs: list[str],
    expected: str,
    button: str | None,
) -> None:
    html = live(client, customer, edition=edition, needs=needs)

    assert suggestion_of(html).startswith(expected)
    taken = re.search(r'name="take" value="(\w+)"', html)
    assert (taken[1] if taken else None) == button


def test_a_suggestion_changes_no_price(client: Client, customer: Customer) -> None:
    html = live(client, customer, edition="essential", agents="0", sip="0", needs="sip_bind_agent")

    assert amounts(html) == ["120.00", "120.00"]


def test_a_button_takes_the_suggestion_and_keeps_the_rest(
    client: Client, customer: Customer
) -> None:
    data = {**choice(customer, edition="essential", agents="4"), "needs": "sip_bind_agent"}

    answer = client.post(url(customer, "buy/"), {**data, "take": "premium"})

    html = answer.content.decode()
    assert answer.status_code == 200
    assert re.findall(r'name="edition" value="(\w+)"[^>]*checked', html) == ["premium"]
    assert re.findall(r'name="needs" value="([\w:]+)"[^>]*checked', html) == ["sip_bind_agent"]
    assert amounts(html) == ["210.00", "280.00", "21.00", "511.00"]
    assert not Order.objects.exists()


@pytest.mark.parametrize("needs", ["\x00", "\ud800", "nothing_we_know", "x" * 10_000])
def test_needs_that_nobody_knows_count_for_nothing(
    client: Client, customer: Customer, needs: str
) -> None:
    data = {**choice(customer), "needs": needs.encode("utf-8", "surrogatepass")}

    answer = client.post(
        url(customer, "buy/?part=price"),
        urlencode(data),
        content_type="application/x-www-form-urlencoded",
        headers=HTMX,
    )

    html = answer.content.decode()
    assert suggestion_of(html) == ""
    assert amounts(html)[-1] == "371.00"


def test_monthly_and_yearly_are_compared_by_the_price_book(
    client: Client, customer: Customer
) -> None:
    html = live(client, customer)

    found = re.search(r'<table class="compared">(.*?)</table>', html, re.DOTALL)
    assert found
    assert re.findall(r"USD\u00a0([0-9,.]+)", found[1]) == ["4,452.00", "4,452.00", "0.00"]


def test_what_happens_when_is_told_with_dates(client: Client, customer: Customer) -> None:
    text = words_of(live(client, customer), "when")

    dates = re.findall(r"\d+ \w{3} 2026, [0-9:]+", text)
    assert dates == [
        "10 Mar 2026, 10:00",
        "15 Mar 2026, 23:59:59",
        "10 Apr 2026, 10:00:00",
        "17 Apr 2026, 10:00:00",
        "17 Apr 2026, 10:00:00",
    ]


def test_a_promotion_without_refund_has_no_last_second_for_one(
    client: Client, customer: Customer
) -> None:
    sale = make_promotion(refund_rule="none", terms="Ten percent off.")

    text = words_of(live(client, customer, promotion=str(sale.pk)), "when")

    assert "Full refund available until then." not in text
    assert "This promotion does not allow a refund of the whole package." in text
