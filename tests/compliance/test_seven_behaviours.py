"""Each of the seven behaviors, from the form that records it to what the customer reads.

Staff work in the administration and the customer in the console, by their forms alone; what the
refund dialogs say and do is part of what follows from a case.
"""

import re
import uuid
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Refund
from compliance.enums import CaseState
from compliance.models import Behaviour, Violation
from tests import factories
from tests.compliance.desk import act, approve_what_waits, change
from tests.compliance.pages import address, read
from tests.factories import (
    Customer,
    approve_connection,
    make_connection_request,
    make_staff,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("db", "clock")

HARD = ["suspend", "terminate", "block"]
MEASURES = {
    "warn": "Warning",
    "suspend": "Service suspended",
    "terminate": "Service terminated",
    "block": "Account blocked",
}
#: severity → measures that the rule provides
HANDLING = {"Severe violation": HARD, "Serious violation": HARD, "Violation": ["warn"]}


@dataclass(frozen=True)
class Rule:
    """One behavior as the customer reads it."""

    severity: str
    name: str
    name_zh: str
    words: str
    is_about_request: bool = False


RULES = {
    1: Rule("Severe violation", "Fraud", "欺诈", "Someone complained of fraud by telephone"),
    2: Rule("Serious violation", "Harassment", "骚扰", "complained of being harassed by calls"),
    3: Rule(
        "Severe violation",
        "Undeclared business in a prohibited service",
        "未申报的禁止类业务",
        "it is a service that we do not connect",
        is_about_request=True,
    ),
    4: Rule(
        "Violation",
        "Business other than declared",
        "业务与申报不符",
        "though not a prohibited one",
        is_about_request=True,
    ),
    5: Rule(
        "Serious violation",
        "Wearing people down or insulting them",
        "纠缠或辱骂被叫方",
        "pressed a called person until they lost patience",
    ),
    6: Rule("Violation", "Evident blind calling", "明显的盲呼", "plainly dialled at random"),
    7: Rule("Violation", "Calling without consent", "未经同意呼叫", "who had not agreed to it"),
}
CASES = [(number, measure) for number, rule in RULES.items() for measure in HANDLING[rule.severity]]


@pytest.fixture
def buyer() -> Customer:
    """A customer with a package of today, which could be refunded in full."""
    customer = factories.make_customer(gift="20", cash="500")
    factories.buy(customer.application)
    return customer


def _record(desk: Client, customer: Customer, number: int) -> Violation:
    answer = desk.post(
        reverse("admin:compliance_violation_add"),
        {
            "account": customer.account.uin,
            "application": str(customer.application.sdkappid),
            "behaviour": str(number),
            "source": "customer_complaint",
            "complaint_number": "CP-9",
            "summary": "Someone complained of calls.",
            "request_key": str(uuid.uuid4()),
        },
    )
    assert answer.status_code == 302
    return Violation.objects.get()


def _judge(desk: Client, customer: Customer, number: int, measure: str) -> Violation:
    """Take a case through the desk's forms; return it with its measure taken."""
    declared = (
        approve_connection(make_connection_request(customer))
        if RULES[number].is_about_request
        else None
    )
    case = _record(desk, customer, number)
    desk.post(act(case, "investigate"), {"reason": ""})
    finding = {"finding": "The records prove it.", "behaviour": str(number)}
    if declared is not None:
        finding["connection"] = str(declared.pk)
    desk.post(act(case, "verify"), finding)
    desk.post(act(case, "take-measure"), {"measure": measure, "reason": "As the rules say."})
    if measure != "warn":
        assert Violation.objects.get().state == CaseState.VERIFIED
        approve_what_waits()
    return Violation.objects.get()


def _refund_url(customer: Customer, name: str = "refund") -> str:
    place = {"uin": customer.account.uin, "sdkappid": customer.application.sdkappid}
    return reverse(f"agents:{name}", kwargs=place)


def _confirm(client: Client, customer: Customer) -> None:
    """Open dialog 2 and send it."""
    url = _refund_url(customer, "refund_confirm")
    token = re.search(r'name="token" value="([^"]+)"', client.get(url).content.decode())
    assert token is not None
    client.post(url, {"token": token[1]})


def test_these_are_all_behaviours() -> None:
    assert sorted(RULES) == sorted(Behaviour.objects.values_list("number", flat=True))


@pytest.mark.parametrize(("number", "measure"), CASES)
def test_a_behaviour_from_the_desk_to_the_customers_page(
    buyer: Customer, number: int, measure: str
) -> None:
    rule = RULES[number]
    case = _judge(signed_in(make_staff()), buyer, number, measure)
    assert (case.state, case.measure, case.behaviour_number) == (
        CaseState.ACTIONED,
        measure,
        number,
    )
    customer = signed_in(buyer.owner)
    page = address("violation", buyer, number=case.number)
    text = read(customer.get(page))
    assert f"{case.number}: {rule.name} {rule.severity} " in text
    assert rule.words in text
    assert f"{MEASURES[measure]}. Not available because of this case:" in text
    assert "The records prove it." in text
    assert "As the rules say." in text
    assert rule.name_zh in read(customer.get(page, headers={"Accept-Language": "zh-hans"}))
    is_hard = rule.severity != "Violation"
    assert ("Refunds of packages and agents, used or unused" in text) == is_hard
    assert ("Refunds without a check by our staff" in text) == (not is_hard)
    assert ("Activating applications, in every account of the company" in text) == (
        measure == "block"
    )
    listed = read(customer.get(address("violations", buyer)))
    assert f"{case.number} {rule.name}" in listed


@pytest.mark.parametrize(("number", "measure"), CASES)
def test_what_a_behaviour_does_to_a_refund(buyer: Customer, number: int, measure: str) -> None:
    case = _judge(signed_in(make_staff()), buyer, number, measure)
    client = signed_in(buyer.owner)
    text = read(client.get(_refund_url(buyer)))
    if RULES[number].severity == "Violation":
        assert f"The account has a standing warning: {case.number}" in text
        _confirm(client, buyer)
        assert [refund.status for refund in Refund.objects.all()] == ["pending"]
        return
    assert f"The account has a standing Serious or Severe violation: {case.number}" in text
    assert "The violation would have to be overturned on appeal." in text
    assert "Confirm the Refund" not in text
    forged = client.post(_refund_url(buyer, "refund_confirm"), {"token": "x"})
    assert forged.status_code in {409, 422}
    assert not Refund.objects.exists()


@pytest.mark.parametrize("number", RULES)
def test_the_desk_offers_and_takes_no_other_measure(buyer: Customer, number: int) -> None:
    desk = signed_in(make_staff())
    case = _record(desk, buyer, number)
    desk.post(act(case, "investigate"), {"reason": ""})
    desk.post(act(case, "verify"), {"finding": "True.", "behaviour": str(number)})
    page = desk.get(act(case, "take-measure")).content.decode()
    offered = re.findall(r'name="measure"[^>]*value="(\w+)"|<option value="(\w+)"', page)
    provided = HANDLING[RULES[number].severity]
    assert {a or b for a, b in offered} == set(provided)
    for measure in set(MEASURES) - set(provided):
        answer = desk.post(act(case, "take-measure"), {"measure": measure, "reason": "x"})
        assert answer.status_code == 422
    assert Violation.objects.get().state == CaseState.VERIFIED


@pytest.mark.parametrize("number", RULES)
def test_an_open_case_sends_any_refund_to_review(buyer: Customer, number: int) -> None:
    case = _record(signed_in(make_staff()), buyer, number)
    client = signed_in(buyer.owner)
    assert f"A violation is under investigation: {case.number}" in read(
        client.get(_refund_url(buyer))
    )
    _confirm(client, buyer)
    assert [refund.status for refund in Refund.objects.all()] == ["pending"]


@pytest.mark.parametrize("number", [number for number in RULES if RULES[number].is_about_request])
def test_a_case_about_the_business_leads_both_sides_to_the_request(
    buyer: Customer, number: int
) -> None:
    desk = signed_in(make_staff())
    measure = HANDLING[RULES[number].severity][0]
    case = _judge(desk, buyer, number, measure)
    assert case.connection is not None
    assert case.connection.number in read(desk.get(change(case)))
    page = signed_in(buyer.owner).get(address("violation", buyer, number=case.number))
    assert address("connection_request", buyer, number=case.connection.number) in (
        page.content.decode()
    )
