"""Adding and editing single agents: what is stored, what is refused, what history says."""

from dataclasses import replace
from typing import Any

import pytest

from accounts.enums import Measure
from accounts.errors import Refused
from accounts.models import AuditEvent
from accounts.services.restrictions import restrict_account
from agents.enums import ServiceState
from agents.errors import DetailsRefused, LicensesMissing
from agents.models import Agent, SkillGroup
from agents.services.agents import AgentDetails, add_agent, edit_agent
from billing.models import Package
from tests.factories import NOW, Customer, make_agent, make_customer, make_telephone

DETAILS = AgentDetails(
    name="Ada", nickname="A.", staff_number="S1", email="ada@example.com", extension="1001"
)


def add(customer: Customer, details: AgentDetails = DETAILS, with_license: bool = True) -> Agent:
    return add_agent(
        application=customer.application,
        details=details,
        with_license=with_license,
        by=customer.owner,
        now=NOW,
    )


def group(customer: Customer, name: str) -> SkillGroup:
    return SkillGroup.objects.create(
        account=customer.account, application=customer.application, name=name, created_at=NOW
    )


def stored(agent: Agent) -> dict[str, Any]:
    names = ("name", "nickname", "staff_number", "email", "phone", "role", "extension")
    return {name: getattr(agent, name) for name in names}


def test_an_agent_with_a_license_is_in_service_at_once(
    customer: Customer, package: Package
) -> None:
    sales = group(customer, "Sales")
    agent = add(customer, replace(DETAILS, groups=(sales.pk,), phone="+8613800138000"))
    agent.refresh_from_db()
    assert stored(agent) == {
        "name": "Ada",
        "nickname": "A.",
        "staff_number": "S1",
        "email": "ada@example.com",
        "phone": "+8613800138000",
        "role": "agent",
        "extension": "1001",
    }
    assert [each.name for each in agent.groups.all()] == ["Sales"]
    assert agent.license is not None
    assert agent.license.package == package
    assert list(Agent.objects.in_service(NOW)) == [agent]
    event = AuditEvent.objects.get(verb="agent.added")
    assert (event.actor, event.target_id, event.data) == (
        customer.owner,
        agent.pk,
        {"license": agent.license_id},
    )


def test_without_a_nickname_customers_see_the_name(customer: Customer, package: Package) -> None:
    assert add(customer, replace(DETAILS, nickname="")).nickname == "Ada"


def test_without_a_free_license_adding_says_how_many_are_missing(
    customer: Customer, package: Package
) -> None:
    for number in range(3):
        add(customer, AgentDetails(f"A{number}", f"N{number}", f"a{number}@example.com"))
    with pytest.raises(LicensesMissing) as refusal:
        add(customer)
    assert (refusal.value.needed, refusal.value.free, refusal.value.missing) == (1, 0, 1)
    assert Agent.objects.count() == 3


def test_an_agent_can_be_added_without_a_license(customer: Customer) -> None:
    agent = add(customer, with_license=False)
    assert agent.license is None
    assert list(Agent.objects.in_state(ServiceState.NO_LICENSE, NOW)) == [agent]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("staff_number", {"staff_number": "s1"}),
        ("email", {"email": "ADA@Example.com"}),
        ("extension", {"extension": "1001"}),
    ],
    ids=["staff number in any case", "address in any case", "extension"],
)
def test_what_must_be_unique_is_told_beside_its_field(
    customer: Customer, package: Package, field: str, fields: dict[str, str]
) -> None:
    add(customer)
    other = AgentDetails("Bob", "S2", "bob@example.com", extension="1002")
    with pytest.raises(DetailsRefused) as refusal:
        add(customer, replace(other, **fields))  # type: ignore[arg-type]
    assert list(refusal.value.problems) == [field]
    assert Agent.objects.count() == 1


def test_all_faults_are_told_at_once(customer: Customer, package: Package) -> None:
    add(customer)
    foreign = group(make_customer(trial=False), "Sales")
    with pytest.raises(DetailsRefused) as refusal:
        add(customer, replace(DETAILS, groups=(foreign.pk,)))
    assert list(refusal.value.problems) == ["staff_number", "email", "extension", "groups"]


def test_an_extension_is_shared_with_no_telephone(customer: Customer, package: Package) -> None:
    make_telephone(customer.application, extension="1001")
    with pytest.raises(DetailsRefused) as refusal:
        add(customer)
    assert refusal.value.problems == {
        "extension": "A SIP telephone of this application has this extension."
    }


def test_another_application_may_use_the_same_values(customer: Customer, package: Package) -> None:
    add(customer)
    other = make_customer(trial=False)
    add(other, with_license=False)
    assert Agent.objects.filter(staff_number="S1").count() == 2


@pytest.mark.parametrize("measure", Measure.values)
def test_a_restricted_account_adds_nobody(
    customer: Customer, package: Package, measure: str
) -> None:
    restrict_account(
        account=customer.account, measure=measure, case_number="V1", reason="r", by=None, now=NOW
    )
    with pytest.raises(Refused) as refusal:
        add(customer)
    assert refusal.value.code == "account_restricted"
    assert Agent.objects.count() == 0


def test_an_edit_changes_what_it_says_and_keeps_the_rest(
    customer: Customer, package: Package
) -> None:
    sales, support = group(customer, "Sales"), group(customer, "Support")
    agent = add(customer, replace(DETAILS, groups=(sales.pk,)))
    edit_agent(
        agent=agent,
        details=replace(DETAILS, name="Ada L.", role="inspector", groups=(support.pk,)),
        by=customer.owner,
        now=NOW,
    )
    license = agent.license_id
    agent.refresh_from_db()
    assert stored(agent) == stored(agent) | {"name": "Ada L.", "role": "inspector"}
    assert [each.name for each in agent.groups.all()] == ["Support"]
    assert agent.license_id == license
    event = AuditEvent.objects.get(verb="agent.edited")
    assert event.data == {"fields": ["name", "role", "groups"]}


def test_an_edit_that_changes_nothing_leaves_no_trace(customer: Customer, package: Package) -> None:
    agent = add(customer)
    edit_agent(agent=agent, details=DETAILS, by=customer.owner, now=NOW)
    assert not AuditEvent.objects.filter(verb="agent.edited").exists()


def test_an_agent_keeps_its_own_values_when_edited_but_takes_no_other_s(
    customer: Customer, package: Package
) -> None:
    agent = add(customer)
    make_agent(customer.application, staff_number="S2")
    with pytest.raises(DetailsRefused) as refusal:
        edit_agent(
            agent=agent,
            details=replace(DETAILS, staff_number="s2"),
            by=customer.owner,
            now=NOW,
        )
    assert list(refusal.value.problems) == ["staff_number"]
