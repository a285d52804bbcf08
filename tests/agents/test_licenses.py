"""Acts on many agents: assigning, freeing, moving, disabling, enabling, deleting, changing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.enums import Measure
from accounts.errors import Busy, Refused
from accounts.models import Account, Application, AuditEvent
from accounts.services.restrictions import restrict_account
from agents.enums import ServiceState
from agents.errors import LicensesMissing
from agents.listing import AgentFilter
from agents.models import Agent, SipTelephone, SkillGroup
from agents.services import batches
from agents.services.agents import delete_agents, disable_agents, enable_agents
from agents.services.batches import BulkResult, lock_application
from agents.services.changes import AgentChange, change_agents
from agents.services.licenses import assign_licenses, free_licenses_of, move_licenses
from billing.enums import LicenseKind, PackageState
from billing.models import License, Package
from tests.factories import (
    NOW,
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_package,
    make_telephone,
)


def call(service: Callable[..., BulkResult], customer: Customer, **arguments: Any) -> BulkResult:
    """Call a service on all agents of the customer, unless `chosen` says otherwise."""
    chosen = arguments.pop("chosen", Agent.objects.all())
    return service(
        application=customer.application, chosen=chosen, by=customer.owner, now=NOW, **arguments
    )


def holders(customer: Customer) -> dict[str, int | None]:
    own = Agent.objects.filter(application=customer.application)
    return dict(own.order_by("pk").values_list("staff_number", "license_id"))


def make_agents(customer: Customer, *numbers: str, **fields: Any) -> list[Agent]:
    return [make_agent(customer.application, staff_number=number, **fields) for number in numbers]


def verbs() -> list[str]:
    mine = AuditEvent.objects.exclude(verb__startswith="account").exclude(
        verb__startswith="application"
    )
    return list(
        mine.exclude(verb="entity.registered").order_by("pk").values_list("verb", flat=True)
    )


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two agents a batch, so that every test crosses from one batch to the next."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(batches, "TURN", 2)
    monkeypatch.setattr("agents.services.licenses.BATCH", 2)


def test_those_without_a_license_get_one_each(customer: Customer, package: Package) -> None:
    first, second, third = licenses_of(package)
    make_agents(customer, "A", license=second)
    make_agents(customer, "B", "C")
    assert call(assign_licenses, customer) == BulkResult(matched=3, changed=2)
    assert holders(customer) == {"A": second.pk, "B": first.pk, "C": third.pk}
    assert verbs() == ["agent.license_assigned"] * 2
    event = AuditEvent.objects.filter(verb="agent.license_assigned").first()
    assert event is not None
    assert event.data == {"license": first.pk}


def test_too_few_free_licenses_assign_none(customer: Customer, package: Package) -> None:
    make_agents(customer, "A", "B", "C", "D")
    with pytest.raises(LicensesMissing) as refusal:
        call(assign_licenses, customer)
    assert (refusal.value.needed, refusal.value.free) == (4, 3)
    assert set(holders(customer).values()) == {None}
    assert verbs() == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Refused("The account is suspended.", code="account_restricted"), "is suspended."),
        (Busy(), "Someone else is working on this account right now."),
    ],
    ids=["refused", "busy"],
)
def test_an_act_that_is_stopped_says_how_many_are_done(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, reason: Exception, words: str
) -> None:
    make_package(customer.application, agents=5)
    make_agents(customer, "A", "B", "C", "D", "E")
    turns = iter([None, None, reason])

    def lock(application: Application) -> Account:
        if stop := next(turns):
            raise stop
        return application.account

    monkeypatch.setattr(batches, "lock_application", lock)
    with pytest.raises(Refused) as refusal:
        call(assign_licenses, customer)

    assert str(refusal.value).startswith("4 of 5 agents are done.")
    assert words in str(refusal.value)
    assert [name for name, license in holders(customer).items() if license is None] == ["E"]

    monkeypatch.undo()
    assert call(assign_licenses, customer) == BulkResult(matched=5, changed=1)


@pytest.mark.django_db(transaction=True)
def test_others_come_in_between_the_turns_of_a_large_act(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_package(customer.application, agents=5)
    make_agents(customer, "A", "B", "C", "D", "E")
    commits: list[int] = []

    def lock(application: Application) -> Account:
        transaction.on_commit(lambda: commits.append(1))
        return lock_application(application)

    monkeypatch.setattr(batches, "lock_application", lock)
    call(assign_licenses, customer)

    assert len(commits) == 3


def test_or_as_many_as_there_are_to_those_who_were_added_first(
    customer: Customer, package: Package
) -> None:
    make_agents(customer, "D", "C", "B", "A")
    assert call(assign_licenses, customer, is_partial_allowed=True) == BulkResult(4, 3)
    assert [number for number, license in holders(customer).items() if license is None] == ["A"]


@pytest.mark.parametrize("loss", ["ended license", "package expired", "refunded", "other package"])
def test_a_license_that_counts_no_more_is_replaced(
    customer: Customer, package: Package, loss: str
) -> None:
    lost = licenses_of(package)[0]
    make_agents(customer, "A", license=lost)
    if loss == "ended license":
        License.objects.filter(pk=lost.pk).update(ends_at=NOW)
        fresh = licenses_of(package)[1]
    else:
        state = PackageState.REFUNDED if loss == "refunded" else PackageState.RELEASED
        Package.objects.filter(pk=package.pk).update(state=state)
        fresh = licenses_of(make_package(customer.application))[0]
    assert call(assign_licenses, customer) == BulkResult(1, 1)
    assert holders(customer) == {"A": fresh.pk}


def test_sip_licenses_and_those_of_other_applications_are_not_for_agents(
    customer: Customer,
) -> None:
    make_package(customer.application, agents=0, sip=3)
    make_package(make_customer(trial=False).application, agents=3)
    make_agents(customer, "A")
    with pytest.raises(LicensesMissing) as refusal:
        call(assign_licenses, customer)
    assert refusal.value.free == 0


def test_freed_licenses_can_be_assigned_again(customer: Customer, package: Package) -> None:
    licenses = licenses_of(package)
    for number, license in zip("ABC", licenses, strict=True):
        make_agents(customer, number, license=license)
    make_agents(customer, "D")
    chosen = Agent.objects.filter(staff_number__in=["A", "B", "D"])
    assert call(free_licenses_of, customer, chosen=chosen) == BulkResult(3, 2)
    assert holders(customer) == {"A": None, "B": None, "C": licenses[2].pk, "D": None}
    assert verbs() == ["agent.license_freed"] * 2
    assert call(assign_licenses, customer, chosen=chosen, is_partial_allowed=True) == BulkResult(
        3, 2
    )


def test_licenses_move_in_the_order_in_which_takers_are_named(
    customer: Customer, package: Package
) -> None:
    one, two, _three = licenses_of(package)
    make_agents(customer, "A", license=one)
    make_agents(customer, "B", license=two)
    make_agents(customer, "c", "D")
    chosen = Agent.objects.filter(staff_number__in=["A", "B"])
    result = call(move_licenses, customer, chosen=chosen, staff_numbers=["D", "C"])
    assert result == BulkResult(2, 2)
    assert holders(customer) == {"A": None, "B": None, "c": two.pk, "D": one.pk}
    assert verbs() == ["agent.license_freed"] * 2 + ["agent.license_assigned"] * 2


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([], "Enter exactly 1 staff number, because 1 license is moved."),
        (["B", "C"], "Enter exactly 1 staff number, because 1 license is moved."),
        (["Z"], "No agent has the staff number “Z”."),
        (["F"], "No agent has the staff number “F”."),
        (["A"], "Agent A (A) already has a license."),
    ],
    ids=["nobody", "too many", "unknown", "of another account", "licensed"],
)
def test_a_move_names_takers_that_can_take(
    customer: Customer, package: Package, numbers: list[str], message: str
) -> None:
    make_agents(customer, "A", license=licenses_of(package)[0], name="Agent A")
    make_agents(customer, "B", "C")
    make_agents(make_customer(trial=False), "F")
    with pytest.raises(Refused) as refusal:
        call(move_licenses, customer, staff_numbers=numbers)
    assert (str(refusal.value), refusal.value.field) == (message, "staff_numbers")
    assert verbs() == []


def test_nobody_takes_over_twice(customer: Customer, package: Package) -> None:
    for number, license in zip("AB", licenses_of(package), strict=False):
        make_agents(customer, number, license=license)
    make_agents(customer, "C")
    with pytest.raises(Refused, match="List each agent only once"):
        call(move_licenses, customer, staff_numbers=["C", "c"])


def test_disabling_keeps_the_license(customer: Customer, package: Package) -> None:
    license = licenses_of(package)[0]
    make_agents(customer, "A", license=license)
    make_agents(customer, "B", is_enabled=False)
    assert call(disable_agents, customer, frees_licenses=False) == BulkResult(2, 1)
    assert holders(customer) == {"A": license.pk, "B": None}
    assert Agent.objects.in_state(ServiceState.DISABLED, NOW).count() == 2
    assert verbs() == ["agent.disabled"]
    assert call(enable_agents, customer) == BulkResult(2, 2)
    assert [agent.staff_number for agent in Agent.objects.in_service(NOW)] == ["A"]
    assert verbs() == ["agent.disabled"] + ["agent.enabled"] * 2


def test_disabling_can_free_the_licenses_too(customer: Customer, package: Package) -> None:
    one, two, _three = licenses_of(package)
    make_agents(customer, "A", license=one)
    make_agents(customer, "B", license=two, is_enabled=False)
    assert call(disable_agents, customer, frees_licenses=True) == BulkResult(2, 1)
    assert holders(customer) == {"A": None, "B": None}
    assert verbs() == ["agent.disabled"] + ["agent.license_freed"] * 2


def test_deleting_frees_the_license_and_unbinds_the_telephone(
    customer: Customer, package: Package
) -> None:
    license = licenses_of(package)[0]
    (agent,) = make_agents(customer, "A", license=license)
    make_agents(customer, "B", "C")
    sip = licenses_of(package, LicenseKind.SIP)[0]
    make_telephone(customer.application, license=sip, agent=agent)
    assert call(delete_agents, customer) == BulkResult(3, 3)
    assert Agent.objects.count() == 0
    assert SipTelephone.objects.get().agent is None
    assert verbs() == ["telephone.unbound"] + ["agent.deleted"] * 3
    assert AuditEvent.objects.filter(verb="agent.deleted", target_id=agent.pk).get().data == {
        "freed": license.pk
    }
    make_agents(customer, "D")
    assert call(assign_licenses, customer) == BulkResult(1, 1)


def test_role_and_skill_groups_change_where_they_differ(customer: Customer) -> None:
    sales, support = [
        SkillGroup.objects.create(
            account=customer.account, application=customer.application, name=name, created_at=NOW
        )
        for name in ("Sales", "Support")
    ]
    first, second, third = make_agents(customer, "A", "B", "C")
    for agent, group in [(first, support), (second, sales), (third, sales)]:
        agent.groups.add(group, through_defaults={"account": customer.account})
    Agent.objects.filter(staff_number="C").update(role="inspector")
    change = AgentChange("inspector", frozenset({sales.pk}), frozenset({support.pk}))
    assert call(change_agents, customer, change=change) == BulkResult(3, 2)
    assert {agent.role for agent in Agent.objects.all()} == {"inspector"}
    assert [list(agent.groups.all()) for agent in (first, second, third)] == [[sales]] * 3
    assert verbs() == ["agent.edited"] * 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (AgentChange(), "nothing_asked"),
        (AgentChange(joins=frozenset({-1})), "unknown_group"),
        (AgentChange(joins=frozenset({1}), leaves=frozenset({1})), "contradiction"),
    ],
    ids=["nothing", "unknown group", "join and leave"],
)
def test_a_senseless_change_is_refused(customer: Customer, change: AgentChange, code: str) -> None:
    make_agents(customer, "A")
    with pytest.raises(Refused) as refusal:
        call(change_agents, customer, change=change)
    assert refusal.value.code == code


SERVICES: list[tuple[Callable[..., BulkResult], dict[str, Any]]] = [
    (assign_licenses, {}),
    (free_licenses_of, {}),
    (move_licenses, {"staff_numbers": ["A"]}),
    (disable_agents, {"frees_licenses": False}),
    (enable_agents, {}),
    (delete_agents, {}),
    (change_agents, {"change": AgentChange(role="inspector")}),
]
NAMES = [service.__name__ for service, _options in SERVICES]


@pytest.mark.parametrize(("service", "options"), SERVICES, ids=NAMES)
def test_only_what_was_confirmed_is_done(
    customer: Customer,
    package: Package,
    service: Callable[..., BulkResult],
    options: dict[str, Any],
) -> None:
    make_agents(customer, "A", "B")
    before = list(Agent.objects.order_by("pk").values())
    with pytest.raises(Refused) as refusal:
        call(service, customer, expected=1, **options)
    assert (refusal.value.code, str(refusal.value)) == (
        "selection_changed",
        "2 agents match now. Check the numbers again.",
    )
    assert list(Agent.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("service", "options"), SERVICES, ids=NAMES)
def test_agents_of_others_are_never_meant(
    customer: Customer,
    package: Package,
    service: Callable[..., BulkResult],
    options: dict[str, Any],
) -> None:
    make_agents(make_customer(trial=False), "A", "B")
    before = list(Agent.objects.order_by("pk").values())
    with pytest.raises(Refused) as refusal:
        call(service, customer, **options)
    assert refusal.value.code == "nothing_chosen"
    assert list(Agent.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("service", "options"), SERVICES, ids=NAMES)
def test_a_restricted_account_changes_nothing(
    customer: Customer,
    package: Package,
    service: Callable[..., BulkResult],
    options: dict[str, Any],
) -> None:
    make_agents(customer, "A", "B", license=None)
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number="V1",
        reason="r",
        by=None,
        now=NOW,
    )
    before = list(Agent.objects.order_by("pk").values())
    with pytest.raises(Refused) as refusal:
        call(service, customer, **options)
    assert refusal.value.code == "account_restricted"
    assert list(Agent.objects.order_by("pk").values()) == before


def test_an_act_on_a_filter_reaches_all_that_match_it_though_it_changes_them(
    customer: Customer, package: Package
) -> None:
    make_agents(customer, "A", "B", "C", "D", "E")
    chosen = AgentFilter(state="no_license").apply(Agent.objects.all(), NOW)
    assert call(disable_agents, customer, chosen=chosen, frees_licenses=False) == BulkResult(5, 5)


def test_a_live_license_can_be_assigned_until_the_very_expiry(
    customer: Customer, package: Package
) -> None:
    make_agents(customer, "A")
    with pytest.raises(LicensesMissing):
        assign_licenses(
            application=customer.application,
            chosen=Agent.objects.all(),
            by=customer.owner,
            now=package.expires_at,
        )
    result = assign_licenses(
        application=customer.application,
        chosen=Agent.objects.all(),
        by=customer.owner,
        now=package.expires_at - timedelta(microseconds=1),
    )
    assert result == BulkResult(1, 1)
