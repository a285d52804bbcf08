"""What pages and messages say of numbers of policy follows the settings and tables behind them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import translation
from django.utils.html import strip_tags

from accounts.enums import Role
from accounts.services.second_person import refusal_for
from billing.catalog import pricing
from billing.enums import TermUnit
from billing.grants.admin.credit import CreditForm
from billing.grants.admin.offer import CouponForm
from billing.models import PriceBook
from billing.templatetags import billing as billing_tags
from config.staff.watch import WATCH
from tests.factories import NOW, Customer, buy, make_customer, make_member

pytestmark = pytest.mark.django_db

LANGUAGES = ("en", "zh-hans")


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Let a request's language end with the test."""
    with translation.override("en"):
        yield


@pytest.fixture
def customer() -> Customer:
    """A customer whose trial runs."""
    return make_customer(cash="1000", now=NOW)


def read(customer: Customer, path: str, language: str) -> str:
    """Return the words of one of the account's pages."""
    client = Client()
    client.force_login(customer.owner)
    url = path.format(uin=customer.account.uin, app=customer.application.sdkappid)
    answer = client.get(f"/console/{url}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode()).split())


@pytest.mark.parametrize("number", [6, 9])
@pytest.mark.parametrize(
    ("setting", "path", "words"),
    [
        pytest.param(
            "ISOLATION_DAYS",
            "{uin}/renew/",
            ("until {} days after their expiry", "可在到期后 {} 天内续费"),
            id="isolation",
        ),
        pytest.param(
            "ORDER_LIFETIME_HOURS",
            "{uin}/payments/",
            ("can be paid for {} hours", "可在 {} 小时内支付"),
            id="payment",
        ),
        pytest.param(
            "AUTO_RENEWAL_LEAD_HOURS",
            "{uin}/applications/{app}/renewal/",
            ("It starts {} hours before the expiry", "于到期前 {} 小时开始"),
            id="automatic renewal",
        ),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_names_the_number_of_the_settings(
    customer: Customer,
    settings: Any,
    setting: str,
    path: str,
    words: tuple[str, str],
    language: str,
    number: int,
) -> None:
    setattr(settings, setting, number)
    if "{app}" in path:
        buy(customer.application, now=NOW)
    expected = words[LANGUAGES.index(language)].format(number)
    with time_machine.travel(NOW, tick=False):
        assert expected in read(customer, path, language)


@pytest.mark.parametrize("days", [2, 4])
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "ends within {} days"), ("zh-hans", "的试用将在 {} 天内结束")],
)
def test_what_ends_soon_is_named_from_that_day_on(
    customer: Customer, settings: Any, language: str, words: str, days: int
) -> None:
    settings.EXPIRING_SOON_DAYS = days
    ends_at = NOW + timedelta(days=PriceBook.objects.get().trial_days)
    expected = words.format(days)
    for before, is_named in ((timedelta(seconds=-1), False), (timedelta(0), True)):
        with time_machine.travel(ends_at - timedelta(days=days) + before, tick=False):
            assert (expected in read(customer, "{uin}/", language)) is is_named


def test_the_work_list_of_what_ends_soon_says_how_soon(settings: Any) -> None:
    (work,) = (each for each in WATCH if each.name == "expiring")
    for days in (2, 4):
        settings.EXPIRING_SOON_DAYS = days
        assert str(work.title) == f"Packages that expire within {days} days"
        assert str(work.empty) == f"No package expires within {days} days."
        with translation.override("zh-hans"):
            assert str(work.title) == f"{days} 天内到期的套餐"


def test_a_colleague_reads_how_long_another_person_is_too_near(
    customer: Customer, settings: Any
) -> None:
    member = make_member(customer.account, Role.VIEWER)
    for hours in (24, 48):
        settings.SECOND_PERSON_HOURS = hours
        refusal = refusal_for(by=member, account=customer.account, now=NOW)
        assert f"within {hours} hours" in str(refusal)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_may_be_as_long_as_the_table_says(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    limits = {TermUnit.MONTH: (1, 18), TermUnit.YEAR: (1, 5)}
    words = {
        "en": "1 to 18 months, or 1 to 5 years.",
        "zh-hans": "1 至 18 个月，或 1 至 5 年。",
    }
    monkeypatch.setitem(pricing.TERM_LIMITS, TermUnit.MONTH, limits[TermUnit.MONTH])
    monkeypatch.setitem(pricing.TERM_LIMITS, TermUnit.YEAR, limits[TermUnit.YEAR])
    with time_machine.travel(NOW, tick=False):
        assert words[language] in read(customer, "{uin}/applications/{app}/buy/", language)
        buy(customer.application, now=NOW)
        assert words[language] in read(customer, "{uin}/renew/", language)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "days at 1/31 of a month"), ("zh-hans", "按月价的 1/31 计算")]
)
def test_the_price_of_a_day_is_the_part_that_the_formula_takes(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(billing_tags, "DAYS_IN_PRICE_MONTH", 31)
    with time_machine.travel(NOW, tick=False):
        assert words in read(customer, "{uin}/applications/{app}/add/", language)


def test_staff_choose_among_the_currencies_of_the_price_books() -> None:
    book = PriceBook.objects.get()
    book.pk, book.version, book.currency = None, book.version + 1, "EUR"
    book.save(force_insert=True)
    for form in (CreditForm(), CouponForm()):
        assert list(form["currency"].field.widget.choices) == [("EUR", "EUR"), ("USD", "USD")]
