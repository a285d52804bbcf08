"""What a hand-made request may try: it gets a sentence beside its field, and is charged nothing."""

import re
from copy import deepcopy
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from django.test import Client

from billing.models import Order
from tests.factories import (
    Customer,
    balances,
    buy,
    current_package,
    make_coupon,
    make_customer,
    make_promotion,
    signed_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

FUNDS = {"gift": "100.00", "income": "50.00", "cash": "900.00"}


@pytest.fixture(scope="module")
def made(module_transaction: None) -> Customer:
    return make_customer(gift="100", income="50", cash="900")


@pytest.fixture
def customer(made: Customer) -> Customer:
    return deepcopy(made)


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def url(customer: Customer, path: str) -> str:
    return f"/console/{customer.account.uin}/{path}"


def premium(customer: Customer, **changes: str) -> dict[str, str]:
    return {
        "application": str(customer.application.sdkappid),
        "edition": "premium",
        "unit": "month",
        "count": "1",
        "agents": "2",
        "sip": "1",
        "coupon": "",
        **changes,
    }


def faults(html: str) -> set[str]:
    """The names of the fields that say that something is wrong with them."""
    return set(re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', html))


BAD_NUMBERS = {
    "minus one": "-1",
    "a thousand million": "1000000000",
    "with an exponent": "1e9",
    "a fraction": "1.5",
    "with a decimal": "1.0",
    "no number": "NaN",
    "infinite": "Infinity",
    "Arabic digits": "\u0663",
    "full-width digits": "\uff13",
    "a NUL byte": "1\0",
    "hexadecimal": "0x1",
    "underscored": "1_0",
    "very long": "9" * 5000,
    "words": "two",
}


@pytest.mark.parametrize("value", BAD_NUMBERS.values(), ids=BAD_NUMBERS.keys())
@pytest.mark.parametrize("name", ["agents", "sip", "count"])
def test_a_bad_number_is_answered_beside_its_field(
    client: Client, customer: Customer, name: str, value: str
) -> None:
    answer = client.post(url(customer, "buy/"), premium(customer, **{name: value}))

    assert (answer.status_code, faults(answer.content.decode())) == (422, {name})
    assert not Order.objects.exists()


@pytest.mark.parametrize("raw", [b"%ED%A0%80", b"%FF%FE", b"%00"])
def test_bytes_that_are_no_text_are_answered_beside_their_field(
    client: Client, customer: Customer, raw: bytes
) -> None:
    body = urlencode(premium(customer)).encode().replace(b"agents=2", b"agents=" + raw)

    answer = client.post(
        url(customer, "buy/"), body, content_type="application/x-www-form-urlencoded"
    )

    assert (answer.status_code, faults(answer.content.decode())) == (422, {"agents"})


@dataclass(frozen=True)
class BadChoice:
    """A change of the form, and the field that must complain."""

    changes: dict[str, str] = field(default_factory=dict)
    fault: str = ""


BAD_CHOICES = {
    "no terms": BadChoice({"count": "0"}, "count"),
    "13 months": BadChoice({"count": "13"}, "count"),
    "4 years": BadChoice({"count": "4", "unit": "year"}, "count"),
    "10,001 licenses": BadChoice({"agents": "10001"}, "agents"),
    "10,001 licenses in all": BadChoice({"agents": "10000", "sip": "1"}, "agents"),
    "an unknown coupon": BadChoice({"coupon": "999999"}, "coupon"),
    "a coupon that is no key": BadChoice({"coupon": "1 OR 1=1"}, "coupon"),
    "a coupon in Arabic digits": BadChoice({"coupon": "\u0663"}, "coupon"),
    "a coupon with a NUL byte": BadChoice({"coupon": "1\0"}, "coupon"),
    "an endless coupon": BadChoice({"coupon": "9" * 40}, "coupon"),
    "an unknown promotion": BadChoice({"promotion": "999999"}, "promotion"),
    "a promotion that is no key": BadChoice({"promotion": "-1"}, "promotion"),
    "a payer too short": BadChoice({"payer": "12345"}, "payer"),
    "a payer who does not exist": BadChoice({"payer": "999999999999"}, "payer"),
    "a payer in Arabic digits": BadChoice({"payer": "\u0661" * 12}, "payer"),
    "a payer with a NUL byte": BadChoice({"payer": "10000000000\0"}, "payer"),
    "an unknown application": BadChoice({"application": "1499999999"}, "application"),
}


@pytest.mark.parametrize("case", BAD_CHOICES.values(), ids=BAD_CHOICES.keys())
def test_a_bad_choice_is_answered_beside_its_field(
    client: Client, customer: Customer, case: BadChoice
) -> None:
    answer = client.post(url(customer, "buy/"), premium(customer, **case.changes))

    assert (answer.status_code, faults(answer.content.decode())) == (422, {case.fault})
    assert balances(customer.account) == FUNDS


@pytest.mark.parametrize("name", ["edition", "unit"])
def test_an_unknown_kind_is_refused(client: Client, customer: Customer, name: str) -> None:
    answer = client.post(url(customer, "buy/"), premium(customer, **{name: "platinum\0"}))

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {name}


def test_nothing_that_was_chosen_is_lost_with_a_fault(client: Client, customer: Customer) -> None:
    choice = premium(customer, agents="7", count="99", people="10", payer="1000 0000 0001")

    html = client.post(url(customer, "buy/"), choice).content.decode()

    kept = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', html))
    assert {name: kept[name] for name in ("agents", "count", "people", "sip", "payer")} == {
        "agents": "7",
        "count": "99",
        "people": "10",
        "sip": "1",
        "payer": "1000 0000 0001",
    }


def test_a_coupon_of_another_account_is_unknown(client: Client, customer: Customer) -> None:
    foreign = make_coupon(make_customer().account)

    answer = client.post(url(customer, "buy/"), premium(customer, coupon=str(foreign.pk)))

    assert (answer.status_code, faults(answer.content.decode())) == (422, {"coupon"})


def test_an_application_of_another_account_is_no_choice(client: Client, customer: Customer) -> None:
    foreign = make_customer().application

    choice = premium(customer, application=str(foreign.sdkappid))
    answer = client.post(url(customer, "buy/"), choice)

    assert (answer.status_code, faults(answer.content.decode())) == (422, {"application"})


def test_a_price_in_the_form_means_nothing(client: Client, customer: Customer) -> None:
    forged = premium(customer, price="0.01", total="0.01", unit_price="0.01", amount="0.01")
    html = client.post(url(customer, "buy/"), forged).content.decode()

    client.post(url(customer, "confirm/"), {"token": token_of(html), "total": "0.01"})

    assert str(Order.objects.get().total) == "371.00"


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


FORGED_TOKENS = {
    "none": "",
    "made up": "abc:def:ghi",
    "a NUL byte": "\0",
    "not ASCII": "\u0663\u0664",
    "very long": "x" * 100_000,
}


@pytest.mark.parametrize("token", FORGED_TOKENS.values(), ids=FORGED_TOKENS.keys())
@pytest.mark.parametrize("more", [{}, {"requote": "1"}], ids=["confirm", "requote"])
def test_a_forged_quote_is_refused(
    client: Client, customer: Customer, token: str, more: dict[str, str]
) -> None:
    answer = client.post(url(customer, "confirm/"), {"token": token, **more})

    assert answer.status_code == 422
    assert "Nothing was changed" in answer.content.decode()
    assert balances(customer.account) == FUNDS


def test_a_quote_that_was_altered_is_refused(client: Client, customer: Customer) -> None:
    token = token_of(client.post(url(customer, "buy/"), premium(customer)).content.decode())
    middle = len(token) // 3
    altered = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]

    assert client.post(url(customer, "confirm/"), {"token": altered}).status_code == 422
    assert not Order.objects.exists()


def test_a_quote_of_another_account_is_refused(client: Client, customer: Customer) -> None:
    other = make_customer(cash="900")
    stranger = Client()
    stranger.force_login(other.owner)
    token = token_of(stranger.post(url(other, "buy/"), premium(other)).content.decode())

    for more in ({}, {"requote": "1"}):
        answer = client.post(url(customer, "confirm/"), {"token": token, **more})
        assert answer.status_code == 422
    assert not Order.objects.exists()


def test_a_made_up_fund_cannot_be_left_out_or_added(client: Client, customer: Customer) -> None:
    token = token_of(client.post(url(customer, "buy/"), premium(customer)).content.decode())
    forged = {"token": token, "shown": "", "use": ["gift", "income", "gold", "cash", "\0"]}

    client.post(url(customer, "confirm/"), forged)

    paid = dict(Order.objects.get().payments.values_list("kind", "amount"))
    assert {kind: str(amount) for kind, amount in paid.items()} == {
        "gift": "100.00",
        "income": "50.00",
        "cash": "221.00",
    }


def renewal(package: int, **changes: str) -> dict[str, str]:
    """What the page sends to renew one package for a month."""
    term = {f"unit_{package}": "month", f"count_{package}": "1"}
    return {"packages": str(package), "coupon": "", **term, **changes}


def test_more_licenses_cannot_go_on_than_there_are(client: Client, customer: Customer) -> None:
    buy(customer.application, agents=2)
    package = current_package(customer.application)
    choice = renewal(package.pk, **{f"agent_{package.pk}": "3"})

    answer = client.post(url(customer, "renew/"), choice)

    assert (answer.status_code, faults(answer.content.decode())) == (422, {f"agent_{package.pk}"})


@pytest.mark.parametrize("packages", [[], ["0"], ["x"], ["\u0663"], ["9" * 30], ["1\0"]])
def test_a_renewal_of_what_is_not_there_is_refused(
    client: Client, customer: Customer, packages: list[str]
) -> None:
    buy(customer.application)
    choice = {"packages": packages, "coupon": ""}

    answer = client.post(url(customer, "renew/"), choice)

    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"packages"})


def test_packages_of_another_account_are_not_renewed(client: Client, customer: Customer) -> None:
    buy(customer.application)
    other = make_customer(cash="500")
    buy(other.application)
    foreign = current_package(other.application)
    choice = renewal(foreign.pk)

    answer = client.post(url(customer, "renew/"), choice)

    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"packages"})


def test_sip_licenses_are_refused_on_a_trial(client: Client, customer: Customer) -> None:
    path = f"applications/{customer.application.sdkappid}/add/"

    answer = client.post(url(customer, path), {"agents": "0", "sip": "1", "coupon": ""})

    assert (answer.status_code, faults(answer.content.decode())) == (422, {"sip"})


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-13-99",
        "since=%D9%A2",
        "until=0001-01-01",
        "until=9999-12-31",
        "kind=bribe",
        "fund=gold%00",
        "since=2026-03-10&until=2026-03-09",
        "page=99999999999999999999",
        "page=-1",
        "page=%00",
    ],
)
def test_a_faulty_filter_never_breaks_a_page(
    client: Client, customer: Customer, query: str
) -> None:
    for path in ("funds/statement/", "orders/", "payments/", "coupons/"):
        assert client.get(url(customer, f"{path}?{query}")).status_code == 200


NAMES = {
    "empty": "",
    "blank": "   ",
    "a NUL byte": "Sales\0",
    "a control sign": "Sales\x07",
    "too long": "x" * 65,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_bad_name_activates_nothing(client: Client, customer: Customer, name: str) -> None:
    answer = client.post(url(customer, "applications/activate/"), {"name": name})

    assert (answer.status_code, faults(answer.content.decode())) == (422, {"name"})
    assert customer.account.applications.count() == 1


def test_a_promotion_that_does_not_fit_is_refused(client: Client, customer: Customer) -> None:
    yearly = make_promotion(term_units=["year"])

    answer = client.post(url(customer, "buy/"), premium(customer, promotion=str(yearly.pk)))

    assert (answer.status_code, faults(answer.content.decode())) == (422, {"promotion"})
