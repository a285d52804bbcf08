"""Who holds a license, as billing asks it by the setting, and which licenses should end first."""

from datetime import timedelta

import pytest

from agents.models import Agent
from agents.services.agents import AgentDetails, add_agent, disable_agents
from agents.services.telephones import register_telephone
from billing.enums import Edition
from billing.orders.snapshots import read_snapshots
from billing.packages.holders import find_holders, order_for_ending
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def _agent(customer: factories.Customer, number: int, minutes: int) -> Agent:
    return add_agent(
        application=customer.application,
        details=AgentDetails(
            name=f"Agent {number}", staff_number=str(number), email=f"a{number}@example.com"
        ),
        with_license=True,
        by=customer.owner,
        now=NOW + timedelta(minutes=minutes),
    )


def test_agents_and_telephones_are_named_and_free_licenses_are_not() -> None:
    customer = factories.make_customer(cash="2000")
    factories.buy(customer.application, Edition.ESSENTIAL, agents=1, sip=1)
    agent = _agent(customer, 1, 0)
    telephone, _password = register_telephone(
        application=customer.application,
        label="Front desk",
        extension="20001",
        by=customer.owner,
        now=NOW,
    )
    licenses = [license.pk for license in customer.account.licenses.all()]
    found = find_holders(licenses)
    assert {pk: holder.label for pk, holder in found.items()} == {
        agent.license_id: "Agent 1 (1)",
        telephone.license_id: "Front desk (20001)",
    }


def test_free_licenses_end_first_then_disabled_agents_then_the_least_recently_changed() -> None:
    """Three included licenses and four additional ones; six agents, one of them disabled."""
    customer = factories.make_customer(cash="2000")
    factories.buy(customer.application, Edition.ESSENTIAL, agents=4)
    agents = [_agent(customer, number, minutes=number) for number in range(1, 7)]
    disable_agents(
        application=customer.application,
        chosen=Agent.objects.filter(pk=agents[5].pk),
        frees_licenses=False,
        by=customer.owner,
        now=NOW + timedelta(hours=1),
    )
    package = factories.current_package(customer.application)
    held = read_snapshots(customer.account, [package], NOW)[0]
    licenses = [license.pk for license in held.bought]
    holders = find_holders(licenses)
    order = [
        holders[pk].label if pk in holders else "free" for pk in order_for_ending(licenses, holders)
    ]
    assert order == ["free", "Agent 6 (6)", "Agent 4 (4)", "Agent 5 (5)"]
