"""The refund policy as everyone can read it, by the same tables that decide."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.refunds.labels import SOURCES, TITLES
from billing.refunds.terms import list_terms
from billing.refunds.trace import POLICY_VERSION, RefundRule
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_every_rule_of_the_policy_is_said_once_in_its_order() -> None:
    terms = list_terms(5)

    assert [term.rule for term in terms] == list(RefundRule)
    assert [term.title for term in terms] == [str(TITLES[rule]) for rule in RefundRule]
    assert [term.source for term in terms] == [str(SOURCES[rule]) for rule in RefundRule]
    assert len({term.text for term in terms}) == len(RefundRule)


@pytest.mark.parametrize(
    ("days", "last", "words"),
    [
        (5, "9 Mar 2026", "The day of payment and 5 days after it count"),
        (1, "5 Mar 2026", "The day of payment and 1 day after it count"),
    ],
)
def test_a_visitor_reads_the_policy_with_its_last_second(
    client: Client, settings: Any, days: int, last: str, words: str
) -> None:
    settings.REFUND_WINDOW_DAYS = days
    at = NOW.replace(year=2026, month=3, day=4, hour=2, minute=0, second=0, microsecond=0)

    with time_machine.travel(at, tick=False):
        answer = client.get("/refunds/")

    html = answer.content.decode()
    assert answer.status_code == 200
    assert f"{last}, 23:59:59" in html
    assert words in html
    assert [term.text in html.replace("&#x27;", "'") for term in list_terms(days)] == [True] * len(
        RefundRule
    )
    assert POLICY_VERSION in html
    for fund in ("gift", "income", "cash"):
        assert f"the {fund} balance of the account that paid" in html


@pytest.mark.parametrize("path", ["/prices/", "/editions/", "/guidelines/", "/refunds/"])
def test_what_one_may_read_without_signing_in_leads_to_the_rest(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    html = answer.content.decode()
    for other in ("/prices/", "/editions/", "/refunds/"):
        assert f'<li><a href="{other}">' in html


def test_the_end_of_the_window_moves_with_the_clock(client: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        today = client.get("/refunds/").content
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert client.get("/refunds/").content != today
