"""Staff read before a click what they decide on, and whether someone else has to."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.grants.credits import ask_for_reversal, record_credit
from billing.models import Credit
from billing.refunds.holds import place_refund_hold
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from tests import factories as make

pytestmark = pytest.mark.django_db

ACT_LINK = re.compile(r'href="[^"]*/act/([a-z-]+)/"')


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def staff(client: Client, settings: Any) -> User:
    settings.STAFF_SECOND_FACTOR = False
    user = User.objects.create_superuser("sam@example.com", make.PASSWORD, name="Sam")
    client.force_login(user)
    return user


def page(client: Client, obj: Any, act: str = "") -> Any:
    meta = obj._meta
    path = f"act/{act}/" if act else "change/"
    return client.get(f"/admin/{meta.app_label}/{meta.model_name}/{obj.pk}/{path}")


def test_an_announced_credit_waits_and_its_maker_has_no_buttons(
    client: Client, staff: User
) -> None:
    account = make.make_account(name="Harbour Retail")
    data = {
        "account": account.uin,
        "fund_kind": "cash",
        "amount": "25000",
        "currency": "USD",
        "reference": "OPS-5",
    }
    form = words(client.get("/admin/billing/credit/add/"))
    assert "Up to 10,000.00 per account and day" in form
    shown = client.post("/admin/billing/credit/add/", data, follow=True)
    credit = Credit.objects.get(reference="OPS-5")
    assert (credit.status, make.balances(account).get("cash")) == ("waiting", None)
    assert "Recorded and awaiting approval. Nothing was credited yet" in words(shown)
    assert ACT_LINK.findall(shown.content.decode()) == []
    assert "Approve: You recorded or handled this, so another person must decide it." in words(
        shown
    )

    client.force_login(User.objects.create_superuser("ann@example.com", make.PASSWORD))
    assert set(ACT_LINK.findall(page(client, credit).content.decode())) == {"approve", "reject"}
    act = words(page(client, credit, "approve")).replace("\u00a0", " ")
    for fact in ("Harbour Retail", account.uin, account.entity.name, "USD 25,000.00", "OPS-5"):
        assert fact in act


def test_the_reason_of_a_decision_may_be_as_long_as_its_form_allows(
    client: Client, staff: User
) -> None:
    credit = record_credit(
        account=make.make_account(),
        fund_kind="cash",
        amount=Decimal(25_000),
        currency="USD",
        reference="OPS-7",
        by=make.make_user(is_staff=True),
        now=timezone.now(),
    )
    reason = "Why? " * 399 + "Done."

    page(client, credit)
    url = reverse("admin:billing_credit_act", args=(credit.pk, "approve"))
    answer = client.post(url, {"reason": reason})

    assert answer.status_code == 302
    credit.refresh_from_db()
    assert (credit.status, credit.reason) == ("booked", reason)


def test_take_back_goes_once_a_reversal_was_asked_for(client: Client, staff: User) -> None:
    now = timezone.now()
    credit = record_credit(
        account=make.make_account(),
        fund_kind="cash",
        amount=Decimal(5),
        currency="USD",
        reference="OPS-6",
        by=staff,
        now=now,
    )
    assert ACT_LINK.findall(page(client, credit).content.decode()) == ["take-back"]
    ask_for_reversal(credit=credit, reason="Mistaken", by=staff, now=now)
    assert ACT_LINK.findall(page(client, credit).content.decode()) == []


def test_who_defines_a_promotion_reads_when_it_is_proposed(client: Client, staff: User) -> None:
    shown = words(client.get("/admin/billing/promotion/add/"))
    assert "is suggested for every order that it fits" in shown


def test_a_pending_refund_shows_its_split_its_orders_and_the_reason_of_the_hold(
    client: Client, staff: User
) -> None:
    now = timezone.now()
    customer = make.make_customer(cash="500", now=now)
    order = make.buy(customer.application, now=now)
    place_refund_hold(account=customer.account, reason="Looks odd.", by=staff, now=now)
    package = make.current_package(customer.application)
    token = quote_refund(package=package, now=now).token
    refund = refund_package(package=package, token=token, by=customer.owner, now=now)
    assert refund.status == "pending"
    for answer in (page(client, refund), page(client, refund, "approve")):
        shown = words(answer).replace("\u00a0", " ")
        assert f"{order.number} : Cash USD 120.00" in shown
        assert "Looks odd." in shown
        assert str(customer.account) in shown
    assert "Refund lines" not in words(page(client, refund))
