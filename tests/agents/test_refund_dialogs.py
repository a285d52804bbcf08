"""The refund dialogs as requests: who may, what they say, and what stands against them."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import AuditEvent
from agents.models import Agent
from agents.services.agents import AgentDetails, add_agent
from billing.enums import Edition, OrderKind, PackageState
from billing.models import Order, Package, Refund
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import place_order
from billing.orders.trials import activate_application
from billing.packages.services import extend_package
from compliance.enums import CaseState, ViolationMeasure
from compliance.services.appeals import decide_appeal, submit_appeal
from compliance.services.measures import lift_measure
from tests import factories
from tests.factories import DAY, NOW, make_case, make_staff

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}

#: What the test client gives back: a response with its context.
Answer = Any


@pytest.fixture
def customer() -> factories.Customer:
    """Someone who has just bought Essential for 120.00 from gift, income and cash."""
    customer = factories.make_customer(gift="50", income="30", cash="500")
    factories.buy(customer.application, Edition.ESSENTIAL)
    return customer


def url(customer: factories.Customer, name: str = "refund") -> str:
    return reverse(
        f"agents:{name}",
        kwargs={"uin": customer.account.uin, "sdkappid": customer.application.sdkappid},
    )


def text(answer: Answer) -> str:
    """The words of an answer, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def open_dialog_2(client: Client, customer: factories.Customer) -> str:
    """Return the token of the confirm form."""
    answer = client.get(url(customer, "refund_confirm"), headers=HTMX)
    assert answer.status_code == 200
    found = re.search(r'name="token" value="([^"]+)"', answer.content.decode())
    assert found is not None, text(answer)
    return found[1]


def confirm(client: Client, customer: factories.Customer, token: str) -> Answer:
    answer: Answer = client.post(url(customer, "refund_confirm"), {"token": token}, headers=HTMX)
    return answer


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.OWNER, 200),
        (Role.FINANCE, 200),
        (Role.AGENT_MANAGER, 403),
        (Role.VIEWER, 403),
    ],
)
@pytest.mark.parametrize("name", ["refund", "refund_confirm"])
def test_who_may_ask(
    client: Client, customer: factories.Customer, name: str, role: Role, status: int
) -> None:
    client.force_login(factories.make_member(customer.account, role))
    with time_machine.travel(NOW, tick=False):
        assert client.get(url(customer, name)).status_code == status


def test_dialog_2_has_the_words_and_gives_the_money_back(
    client: Client, customer: factories.Customer
) -> None:
    client.force_login(customer.owner)
    with time_machine.travel(NOW + DAY, tick=False):
        shown = text(client.get(url(customer, "refund_confirm"), headers=HTMX))
        for words in (
            "Original payment method self-pay",
            "Refund form back to the payer",
            "Refund amount USD 120.00",
            "Cancel",
            "Confirm unsubscribe",
        ):
            assert words in shown
        answer = confirm(client, customer, open_dialog_2(client, customer))
    assert answer.status_code == 200
    assert factories.balances(customer.account) == {
        "gift": "50.00",
        "income": "30.00",
        "cash": "500.00",
    }
    assert Order.objects.get(account=customer.account).status == "refunded"


def test_the_window_ends_with_its_fifth_day(client: Client, customer: factories.Customer) -> None:
    client.force_login(customer.owner)
    # Bought on 10 March, so the last second is on the 15th, 23:59:59 in the billing zone.
    ends = datetime.fromisoformat("2026-03-16T00:00:00+08:00")
    with time_machine.travel(ends - timedelta(seconds=1), tick=False):
        assert "Every rule is met" in text(client.get(url(customer)))
    with time_machine.travel(ends, tick=False):
        assert "Not met" in text(client.get(url(customer)))


def test_another_day_is_asked_about_without_being_confirmed(
    client: Client, customer: factories.Customer
) -> None:
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        shown = client.get(url(customer), {"on": "2026-03-20"}, headers=HTMX)
    assert "Not met" in text(shown)
    assert "Confirm the Refund" not in text(shown)


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-30", "0001-01-01", "9999-12-31", "\x00"])
def test_a_day_that_is_none_is_refused_beside_its_field(
    client: Client, customer: factories.Customer, day: str
) -> None:
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        answer = client.get(url(customer), {"on": day}, headers=HTMX)
    assert answer.status_code == 200
    assert list(answer.context["what_if_form"].errors) == ["on"]


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\x00", "é" * 2000])
def test_a_forged_token_changes_nothing(
    client: Client, customer: factories.Customer, token: str
) -> None:
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        answer = confirm(client, customer, token)
    assert answer.status_code == 422
    assert "Nothing was changed" in text(answer)
    assert not Refund.objects.exists()


def test_a_confirmation_of_another_package_changes_nothing(
    client: Client, customer: factories.Customer
) -> None:
    client.force_login(customer.owner)
    other = factories.make_customer(cash="500")
    factories.buy(other.application, Edition.ESSENTIAL)
    with time_machine.travel(NOW, tick=False):
        client.force_login(other.owner)
        token = open_dialog_2(client, other)
        client.force_login(customer.owner)
        assert confirm(client, customer, token).status_code == 422
    assert not Refund.objects.exists()


def test_a_forged_post_after_the_window_is_refused_with_the_trace(
    client: Client, customer: factories.Customer
) -> None:
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        token = open_dialog_2(client, customer)
    with time_machine.travel(NOW + 6 * DAY, tick=False):
        client.force_login(customer.owner)
        answer = confirm(client, customer, token)
    assert answer.status_code == 409
    assert "The window of 5 days ended" in text(answer)
    event = AuditEvent.objects.get(verb="refund.refused")
    assert event.data["trace"]["results"][1]["outcome"] == "fail"
    assert not Refund.objects.exists()


def test_what_changed_meanwhile_is_shown_before_anything_happens(
    client: Client, customer: factories.Customer
) -> None:
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        token = open_dialog_2(client, customer)
        factories.add(customer.application, agents=1)
        answer = confirm(client, customer, token)
    assert answer.status_code == 409
    assert "Something changed since you opened this page" in text(answer)
    assert "USD 160.00" in text(answer)
    assert not Refund.objects.exists()


# --- What the connect guidelines do to a refund ----------------------------------------------


def test_a_case_verified_under_an_open_dialog_2_bars_it_until_it_is_overturned(
    client: Client, customer: factories.Customer
) -> None:
    """Bought on the 10th; suspended from the 11th to the 21st; the window is longer by 10 days."""
    staff = make_staff()
    client.force_login(customer.owner)
    with time_machine.travel(NOW + DAY, tick=False):
        token = open_dialog_2(client, customer)

    case = make_case(customer, CaseState.ACTIONED, handler=staff, now=NOW + DAY)
    with time_machine.travel(NOW + DAY, tick=False):
        answer = confirm(client, customer, token)
    assert answer.status_code == 409
    assert f"The account has a standing Serious or Severe violation: {case.number}" in text(answer)
    assert not Refund.objects.exists()

    appeal = submit_appeal(
        violation=case, statement="It was not us.", by=customer.owner, now=NOW + 2 * DAY
    )
    decide_appeal(
        appeal=appeal,
        is_overturned=True,
        reason="The recordings are of another company.",
        by=make_staff(),
        now=NOW + 11 * DAY,
    )
    # The window ended on the 16th at midnight; 10 days did not count, so it ends on the 26th.
    with time_machine.travel(datetime.fromisoformat("2026-03-25T23:59:59+08:00"), tick=False):
        client.force_login(customer.owner)
        answer = confirm(client, customer, open_dialog_2(client, customer))
        assert answer.status_code == 200
    assert Refund.objects.get().status == "done"


def test_the_window_with_the_lost_time_ends_too(
    client: Client, customer: factories.Customer
) -> None:
    make_case(customer, CaseState.OVERTURNED, now=NOW + DAY)
    with time_machine.travel(datetime.fromisoformat("2026-03-16T00:00:00+08:00"), tick=False):
        client.force_login(customer.owner)
        assert "Not met" in text(client.get(url(customer)))


def test_lifting_a_suspension_does_not_revive_the_refund(
    client: Client, customer: factories.Customer
) -> None:
    staff = make_staff()
    case = make_case(customer, CaseState.ACTIONED, handler=staff, now=NOW)
    lift_measure(violation=case, reason="The cause is gone.", by=None, now=NOW + DAY)
    client.force_login(customer.owner)
    with time_machine.travel(NOW + DAY, tick=False):
        shown = text(client.get(url(customer)))
    assert "The account has a standing Serious or Severe violation" in shown
    assert "Confirm the Refund" not in shown


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [(6, CaseState.ACTIONED), (2, CaseState.REPORTED), (1, CaseState.INVESTIGATING)],
    ids=["a warning", "a report", "an investigation"],
)
def test_a_warning_or_an_open_case_sends_the_refund_to_review(
    client: Client, customer: factories.Customer, behaviour: int, state: CaseState
) -> None:
    make_case(customer, state, behaviour=behaviour, now=NOW)
    client.force_login(customer.owner)
    with time_machine.travel(NOW, tick=False):
        answer = confirm(client, customer, open_dialog_2(client, customer))
        assert answer.status_code == 200
        refund = Refund.objects.get()
        assert refund.status == "pending"
        # Service continues, and the package is locked against everything else.
        package = Package.objects.get(application=customer.application)
        assert package.state == PackageState.ACTIVE
        with pytest.raises(Refused, match="under review"):
            factories.add(customer.application, agents=1)
    assert factories.balances(customer.account)["cash"] == "460.00"


def test_a_package_that_ran_out_under_suspension_is_renewed_and_extended(
    customer: factories.Customer,
) -> None:
    """Suspended from 1 to 30 April; the package expired on the 10th, and is not released."""
    staff = make_staff()
    start, end = NOW + 22 * DAY, NOW + 51 * DAY
    case = make_case(customer, CaseState.ACTIONED, handler=staff, now=start)
    appeal = submit_appeal(violation=case, statement="No.", by=customer.owner, now=start + DAY)
    decide_appeal(appeal=appeal, is_overturned=True, reason="Right.", by=make_staff(), now=end)

    package = Package.objects.get(application=customer.application)
    order_request = OrderRequest(
        kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package=package.pk),)
    )
    customer.account.refresh_from_db()
    quote = confirmable_quote(account=customer.account, order_request=order_request, now=end + DAY)
    place_order(account=customer.account, token=quote.token, by=customer.owner, now=end + DAY)
    package.refresh_from_db()
    assert package.expires_at == NOW + 61 * DAY
    extended = extend_package(
        package=package, by_time=end - start, reason="Time lost", by=None, now=end + DAY
    )
    assert extended.expires_at == NOW + 61 * DAY + (end - start)


def test_a_blocked_accounts_entity_activates_nothing_any_more(
    customer: factories.Customer,
) -> None:
    make_case(
        customer,
        CaseState.ACTIONED,
        behaviour=1,
        measure=ViolationMeasure.BLOCK,
        now=NOW,
    )
    other = factories.make_account(entity=customer.account.entity)
    for account in (customer.account, other):
        with pytest.raises(Refused):
            activate_application(account=account, name="Another", by=None, now=NOW + DAY)


def test_suspension_puts_agents_out_of_service_and_back(customer: factories.Customer) -> None:
    staff = make_staff()
    agent = factories_agent(customer)
    in_service: Callable[[datetime], bool] = lambda now: (  # noqa: E731
        Agent.objects.filter(pk=agent.pk).in_service(now).exists()
    )
    assert in_service(NOW)
    case = make_case(customer, CaseState.ACTIONED, handler=staff, now=NOW)
    assert not in_service(NOW)
    lift_measure(violation=case, reason="The cause is gone.", by=None, now=NOW + DAY)
    assert in_service(NOW + DAY)


def factories_agent(customer: factories.Customer) -> Agent:
    return add_agent(
        application=customer.application,
        details=AgentDetails(name="Ann", staff_number="1", email="ann@example.com"),
        with_license=True,
        by=customer.owner,
        now=NOW,
    )
