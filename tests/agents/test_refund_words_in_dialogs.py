"""What the refund dialogs say first, what they leave out, and where their numbers lead."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from billing.models import Refund
from compliance.enums import CaseState
from tests import factories
from tests.agents.test_refund_dialogs import (
    HTMX,
    Answer,
    confirm,
    open_dialog_2,
    text,
    url,
)
from tests.factories import NOW, make_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(client: Client, clock: time_machine.Traveller) -> factories.Customer:
    """Someone signed in who bought Essential for USD 120.00 on 10 March."""
    customer = factories.make_customer(cash="500")
    factories.buy(customer.application)
    client.force_login(customer.owner)
    return customer


def buttons(answer: Answer) -> list[tuple[str, str]]:
    """The class and the words of the last row's links and buttons, Cancel and Close aside."""
    row = answer.content.decode().split('class="dialog-actions"')[1]
    found = re.findall(r'class="button ?([^"]*)"[^>]*>([^<]+)<', row)
    return [(tone, words) for tone, words in found if words not in {"Cancel", "Close"}]


def test_a_refusal_begins_with_its_reason_and_names_no_amount(
    client: Client, customer: factories.Customer, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOW + timedelta(days=30))
    client.force_login(customer.owner)
    answer = client.get(url(customer), headers=HTMX)
    shown = text(answer)
    assert "Not refundable. The 5-day window ended on 15 Mar 2026. The rules" in shown
    assert "USD" not in shown
    assert buttons(answer) == []
    assert [rule.outcome for rule in answer.context["rules"]][:2] == ["fail", "pass"]


def test_the_last_day_of_the_window_is_named_beside_how_many_rules_fail_too(
    client: Client, customer: factories.Customer, clock: time_machine.Traveller
) -> None:
    factories.add(customer.application, agents=20)
    clock.move_to(NOW + timedelta(days=5, hours=15))
    client.force_login(customer.owner)
    order = factories.add(customer.application, agents=20, now=NOW + timedelta(days=5, hours=15))
    answer = client.get(url(customer), headers=HTMX)
    assert "The 5-day window ended on 15 Mar 2026. 1 more rule is not met." in text(answer)
    link = reverse("billing:order", args=[customer.account.uin, order.number])
    assert f'<a href="{link}">{order.number}</a>' in answer.content.decode()


@pytest.mark.parametrize(
    ("day", "verdict", "has_amount"),
    [
        ("2026-03-15", "On 15 Mar 2026: refundable.", True),
        (
            "2026-03-16",
            "On 16 Mar 2026: not refundable. The 5-day window ended on 15 Mar 2026.",
            False,
        ),
    ],
)
def test_another_date_ends_in_a_verdict(
    client: Client, customer: factories.Customer, day: str, verdict: str, has_amount: bool
) -> None:
    answer = client.get(url(customer), {"on": day}, headers=HTMX)
    shown = text(answer).replace(" :", ":")
    assert verdict in shown
    assert ("USD 120.00" in shown) is has_amount
    assert buttons(answer) == []


def test_a_review_sends_a_request_and_says_what_stops_if_approved(
    client: Client, customer: factories.Customer
) -> None:
    case = make_case(customer, CaseState.ACTIONED, behaviour=6, now=NOW)
    client.force_login(customer.owner)
    first = client.get(url(customer), headers=HTMX)
    shown = text(first)
    assert "You can send a request now. Service continues until the decision." in shown
    assert "What stops if the request is approved" in shown
    assert "immediately" not in shown
    violation = reverse("compliance:violation", args=[customer.account.uin, case.number])
    assert f'<a href="{violation}">' in first.content.decode()
    assert buttons(first) == [("default", "Confirm the Refund")]
    second = client.get(url(customer, "refund_confirm"), headers=HTMX)
    assert buttons(second) == [("default", "Send request")]
    assert "Confirm unsubscribe" not in text(second)

    confirm(client, customer, open_dialog_2(client, customer))
    pending = client.get(url(customer), headers=HTMX)
    number = Refund.objects.get().number
    page = reverse("billing:refund", args=[customer.account.uin, number])
    assert f'<a href="{page}">View request {number}</a>' in pending.content.decode()
    assert "USD" not in text(pending)


def test_a_refund_of_zero_says_before_confirming_that_nothing_comes_back(
    client: Client,
) -> None:
    customer = factories.make_customer()
    coupon = factories.make_coupon(customer.account, amount=Decimal(500))
    factories.buy(customer.application, coupon=coupon.pk)
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        shown = text(client.get(url(customer), headers=HTMX))
        assert "Nothing comes back." in shown
        assert "This does not use the one full refund of" in shown
        assert "uses the only full refund" not in shown
        assert "Nothing comes back." in text(client.get(url(customer, "refund_confirm")))
        confirm(client, customer, open_dialog_2(client, customer))
    assert Refund.objects.get().amount == 0
    assert not Refund.objects.claiming().exists()
