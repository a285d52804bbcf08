"""Acts on more agents than a request changes: begun immediately, carried out in turns by a job."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.enums import Role, WorkStatus
from accounts.errors import Busy, Refused
from accounts.models import AuditEvent, Membership, Notification
from accounts.services import background
from accounts.services.background import note_watched
from accounts.services.tenants import lock_account
from accounts.wording import state_name
from agents import tasks
from agents.enums import ActName
from agents.models import Agent, AgentAct, SkillGroup
from agents.services import act_turns, acts
from agents.services.act_turns import carry_on_act
from agents.services.acts import begin_act, cancel_act, may_undo, undo_act
from agents.services.agents import delete_agents, disable_agents
from agents.services.changes import AgentChange
from agents.services.groups import add_group
from tests.factories import (
    NOW,
    Customer,
    make_agent,
    make_customer,
    make_member,
    make_package,
    restrict,
)
from tests.races import errors, race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_turns")]

COUNT = 7


def prepare(licenses: int = COUNT) -> Customer:
    customer = make_customer(trial=False, now=NOW)
    make_package(customer.application, agents=licenses, now=NOW)
    for _number in range(COUNT):
        make_agent(customer.application, now=NOW)
    return customer


@pytest.fixture
def customer() -> Customer:
    return prepare()


def own(customer: Customer) -> Any:
    return Agent.objects.filter(application=customer.application).order_by("pk")


def begin(customer: Customer, name: str = "disable", **options: Any) -> AgentAct:
    return begin_act(
        application=customer.application,
        name=name,
        options=options,
        chosen=own(customer),
        expected=own(customer).count(),
        by=customer.owner,
        now=NOW,
    )


def carry_on(act: AgentAct) -> AgentAct:
    carry_on_act(act.pk, clock=lambda: NOW)
    act.refresh_from_db()
    return act


def take_turn(act: AgentAct) -> AgentAct:
    act_turns._take_turn(act.pk, NOW)
    act.refresh_from_db()
    return act


def enabled(customer: Customer) -> list[bool]:
    return list(own(customer).values_list("is_enabled", flat=True))


def licensed(customer: Customer) -> list[bool]:
    return [agent.license_id is not None for agent in own(customer)]


def words(act: AgentAct) -> tuple[str, int, int]:
    return act.status, act.done, act.changed


# --- Beginning -----------------------------------------------------------------------------


def test_beginning_changes_nothing_and_leaves_a_job(customer: Customer) -> None:
    act = begin(customer, frees_licenses=False)
    assert words(act) == ("waiting", 0, 0)
    assert enabled(customer) == [True] * COUNT
    job = ProcrastinateJob.objects.get(task_name=acts.CARRY_ON)
    assert job.args == {"key": act.pk}
    assert tasks.carry_on.name == acts.CARRY_ON


def test_what_the_act_itself_refuses_is_refused_at_the_beginning() -> None:
    customer = prepare(licenses=2)
    with pytest.raises(Refused) as refusal:
        begin(customer, "assign", is_partial_allowed=False)
    assert refusal.value.code == "licenses_missing"
    assert AgentAct.objects.count() == 0
    assert ProcrastinateJob.objects.filter(task_name=acts.CARRY_ON).count() == 0


def test_only_what_was_confirmed_is_begun(customer: Customer) -> None:
    with pytest.raises(Refused) as refusal:
        begin_act(
            application=customer.application,
            name="enable",
            options={},
            chosen=own(customer),
            expected=COUNT - 1,
            by=customer.owner,
            now=NOW,
        )
    assert refusal.value.code == "selection_changed"


def test_agents_of_others_are_never_meant(customer: Customer) -> None:
    other = prepare()
    act = begin_act(
        application=customer.application,
        name="disable",
        options={},
        chosen=Agent.objects.all(),
        by=customer.owner,
        now=NOW,
    )
    carry_on(act)
    assert (enabled(customer), enabled(other)) == ([False] * COUNT, [True] * COUNT)


# --- Carrying it out -----------------------------------------------------------------------


def test_a_job_goes_through_all_agents_and_tells_who_began_it(customer: Customer) -> None:
    make_member(customer.account, Role.AGENT_MANAGER)
    act = carry_on(begin(customer))
    assert words(act) == ("done", COUNT, COUNT)
    assert enabled(customer) == [False] * COUNT
    events = AuditEvent.objects.filter(verb="agent.disabled").order_by("target_id")
    assert list(events.values_list("target_id", "actor")) == [
        (agent.pk, customer.owner.pk) for agent in own(customer)
    ]
    news = Notification.objects.get(kind="agents_changed")
    assert news.user == customer.owner
    assert news.params["changed"] == COUNT
    assert news.path.endswith(f"/agents/acts/{act.pk}/")
    trail = AuditEvent.objects.filter(verb__startswith="agent_act.").order_by("pk")
    assert list(trail.values_list("verb", "from_state", "to_state")) == [
        ("agent_act.begun", "", "waiting"),
        ("agent_act.done", "waiting", "done"),
    ]


def test_the_news_names_the_act_in_words() -> None:
    assert {state_name(act) for act in ActName.values} == {str(act.label) for act in ActName}


def test_who_looks_on_is_not_told(customer: Customer) -> None:
    act = begin(customer)
    note_watched(act, customer.owner, NOW)
    carry_on(act)
    assert Notification.objects.filter(kind="agents_changed").count() == 0


def test_a_page_that_was_left_is_no_looking_on(customer: Customer) -> None:
    act = begin(customer)
    note_watched(act, customer.owner, NOW - background.WATCHED)
    carry_on(act)
    assert Notification.objects.filter(kind="agents_changed").count() == 1


def test_a_page_that_asks_each_second_is_noted_every_third(customer: Customer) -> None:
    act = begin(customer)
    noted = []
    for second in range(5):
        note_watched(act, customer.owner, NOW + timedelta(seconds=second))
        act.refresh_from_db()
        noted.append(act.watched_at)
    assert noted == [NOW] * 3 + [NOW + timedelta(seconds=3)] * 2


def test_who_looks_at_the_act_of_another_person_does_not_keep_that_one_from_being_told(
    customer: Customer,
) -> None:
    act = begin(customer)
    note_watched(act, make_member(customer.account, Role.AGENT_MANAGER), NOW)
    carry_on(act)
    assert Notification.objects.filter(kind="agents_changed").count() == 1


ACTS: list[tuple[str, dict[str, Any]]] = [
    ("assign", {"is_partial_allowed": False}),
    ("free", {}),
    ("enable", {}),
    ("disable", {"frees_licenses": True}),
    ("delete", {}),
]


@pytest.mark.parametrize(("name", "options"), ACTS, ids=[name for name, _options in ACTS])
def test_each_act_can_be_carried_out(
    customer: Customer, name: str, options: dict[str, Any]
) -> None:
    if name in {"free", "disable"}:
        carry_on(begin(customer, "assign"))
    if name == "enable":
        own(customer).update(is_enabled=False)
    act = carry_on(begin(customer, name, **options))
    assert words(act) == ("done", COUNT, COUNT)
    expected = {
        "assign": ([True] * COUNT, [True] * COUNT),
        "free": ([True] * COUNT, [False] * COUNT),
        "enable": ([True] * COUNT, [False] * COUNT),
        "disable": ([False] * COUNT, [False] * COUNT),
        "delete": ([], []),
    }
    assert (enabled(customer), licensed(customer)) == expected[name]


def test_role_and_groups_can_be_changed(customer: Customer) -> None:
    first, second = (
        add_group(application=customer.application, name=name, by=customer.owner, now=NOW)
        for name in ("North", "South")
    )
    own(customer)[0].group_memberships.create(account=customer.account, group=second)
    change = AgentChange("inspector", frozenset({first.pk}), frozenset({second.pk}))
    act = carry_on(begin(customer, "change", change=change))
    assert words(act) == ("done", COUNT, COUNT)
    assert set(own(customer).values_list("role", "groups")) == {("inspector", first.pk)}
    assert AgentAct.objects.get().options == {"change": change.as_json()}


def test_a_part_of_the_licenses_goes_to_those_added_first() -> None:
    customer = prepare(licenses=4)
    act = carry_on(begin(customer, "assign", is_partial_allowed=True))
    assert words(act) == ("done", COUNT, 4)
    assert licensed(customer) == [True] * 4 + [False] * 3


def test_agents_that_are_gone_or_in_that_state_already_are_not_counted(
    customer: Customer,
) -> None:
    act = begin(customer)
    keys = [agent.pk for agent in own(customer)]
    arguments: dict[str, Any] = {
        "application": customer.application,
        "by": customer.owner,
        "now": NOW,
    }
    delete_agents(chosen=own(customer).filter(pk=keys[1]), **arguments)
    disable_agents(chosen=own(customer).filter(pk=keys[5]), frees_licenses=False, **arguments)
    carry_on(act)
    assert words(act) == ("done", COUNT, COUNT - 2)
    assert act.unchanged == [keys[1], keys[5]]


def test_a_job_that_was_killed_goes_on_where_it_stood(customer: Customer) -> None:
    act = take_turn(begin(customer))
    assert words(act) == ("waiting", 3, 3)
    assert enabled(customer) == [False] * 3 + [True] * 4
    carry_on(act)
    assert words(act) == ("done", COUNT, COUNT)
    assert AuditEvent.objects.filter(verb="agent.disabled").count() == COUNT


def test_a_turn_that_fails_leaves_nothing_behind(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = take_turn(begin(customer))
    with monkeypatch.context() as patch:
        patch.setattr(act_turns, "_move_on", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            act_turns._take_turn(act.pk, NOW)
    assert enabled(customer) == [False] * 3 + [True] * 4
    carry_on(act)
    assert AuditEvent.objects.filter(verb="agent.disabled").count() == COUNT


def test_a_job_that_runs_again_after_the_end_does_nothing(customer: Customer) -> None:
    act = carry_on(begin(customer))
    own(customer).update(is_enabled=True)
    carry_on(act)
    assert enabled(customer) == [True] * COUNT
    assert AuditEvent.objects.filter(verb="agent_act.done").count() == 1
    carry_on_act(act.pk + 1, clock=lambda: NOW)


def test_a_locked_account_is_waited_for(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, tries = begin(customer), iter([Busy(), Busy()])

    def lock(key: int) -> Any:
        busy = next(tries, None)
        if busy:
            raise busy
        return lock_account(key)

    pauses: list[float] = []
    monkeypatch.setattr(act_turns, "lock_account", lock)
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert words(carry_on(act)) == ("done", COUNT, COUNT)
    assert pauses == [1, 1]


def test_an_account_that_stays_locked_is_left_for_later(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock(key: int) -> Any:
        raise Busy

    act = begin(customer)
    with monkeypatch.context() as patch:
        patch.setattr(act_turns, "lock_account", lock)
        patch.setattr(time, "sleep", lambda seconds: None)
        with pytest.raises(Busy):
            carry_on_act(act.pk, clock=lambda: NOW)
    assert words(carry_on(act)) == ("done", COUNT, COUNT)


# --- Stopped -------------------------------------------------------------------------------


def _remove(customer: Customer) -> None:
    Membership.objects.filter(user=customer.owner).delete()


def _demote(customer: Customer) -> None:
    Membership.objects.filter(user=customer.owner).update(role=Role.VIEWER)


def _suspend(customer: Customer) -> None:
    restrict(customer.account)


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (_remove, "The person who started this no longer has permission to do it."),
        (_demote, "The person who started this no longer has permission to do it."),
        (_suspend, "The account is suspended, so it cannot do this."),
    ],
    ids=["removed", "demoted", "suspended"],
)
def test_an_act_stops_where_it_may_not_go_on(
    customer: Customer, meanwhile: Callable[[Customer], None], reason: str
) -> None:
    act = take_turn(begin(customer))
    meanwhile(customer)
    carry_on(act)
    assert words(act) == ("stopped", 3, 3)
    assert act.reason.startswith(reason)
    assert enabled(customer) == [False] * 3 + [True] * 4


def test_an_act_stops_where_the_licenses_are_taken_meanwhile() -> None:
    customer = prepare()
    act = take_turn(begin(customer, "assign"))
    late = make_agent(customer.application, now=NOW)
    begin_other = begin_act(
        application=customer.application,
        name="assign",
        options={},
        chosen=Agent.objects.filter(pk=late.pk),
        by=customer.owner,
        now=NOW,
    )
    carry_on(begin_other)
    carry_on(act)
    assert words(act) == ("stopped", 6, 6)
    assert act.reason
    # The turn that was refused gave no one a license.
    assert licensed(customer) == [True] * 6 + [False, True]


def test_the_state_of_groups_is_looked_at_in_each_turn(customer: Customer) -> None:
    group = add_group(application=customer.application, name="North", by=None, now=NOW)
    change = AgentChange(joins=frozenset({group.pk}))
    act = take_turn(begin(customer, "change", change=change))
    SkillGroup.objects.filter(pk=group.pk).delete()
    assert words(carry_on(act)) == ("stopped", 3, 3)


def test_the_reason_of_a_stop_is_in_the_language_of_who_is_told(customer: Customer) -> None:
    customer.owner.language = "zh-hans"
    customer.owner.save()
    act = begin(customer)
    _demote(customer)
    assert carry_on(act).reason == "启动此操作的人员已无相应权限。"


# --- Canceled ------------------------------------------------------------------------------


def test_an_act_is_canceled_before_its_first_agent_and_never_after(customer: Customer) -> None:
    act = begin(customer)
    cancel_act(act=act, by=customer.owner, now=NOW)
    assert words(carry_on(act)) == ("canceled", 0, 0)
    assert enabled(customer) == [True] * COUNT

    begun = take_turn(begin(customer))
    with pytest.raises(Refused):
        cancel_act(act=begun, by=customer.owner, now=NOW)
    assert words(carry_on(begun)) == ("done", COUNT, COUNT)


# --- Taken back ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["assign", "free", "enable", "disable"])
def test_undoing_restores_exactly_what_the_act_changed(customer: Customer, name: str) -> None:
    if name in {"free", "disable"}:
        carry_on(begin(customer, "assign"))
    # One agent is in the act's end state already.
    odd = own(customer)[2]
    if name == "free":
        Agent.objects.filter(pk=odd.pk).update(license=None)
    elif name == "disable":
        Agent.objects.filter(pk=odd.pk).update(is_enabled=False)
    elif name == "enable":
        own(customer).exclude(pk=odd.pk).update(is_enabled=False)
    before = enabled(customer), licensed(customer)
    act = carry_on(begin(customer, name))
    assert (enabled(customer), licensed(customer)) != before

    back = undo_act(act=act, by=customer.owner, now=NOW)
    assert back.agents == sorted(set(act.agents) - set(act.unchanged))
    carry_on(back)

    assert (enabled(customer), licensed(customer)) == before
    assert not may_undo(act)
    assert not may_undo(back)
    with pytest.raises(Refused):
        undo_act(act=act, by=customer.owner, now=NOW)


def test_a_stopped_act_is_taken_back_for_the_agents_it_had_come_to(customer: Customer) -> None:
    act = take_turn(begin(customer))
    AgentAct.objects.filter(pk=act.pk).update(
        status=WorkStatus.STOPPED, reason="Any", finished_at=NOW
    )
    act.refresh_from_db()
    carry_on(undo_act(act=act, by=customer.owner, now=NOW))
    assert enabled(customer) == [True] * COUNT


@pytest.mark.parametrize(
    ("name", "options"), [("delete", {}), ("disable", {"frees_licenses": True})]
)
def test_what_cannot_be_brought_back_offers_no_undo(
    customer: Customer, name: str, options: dict[str, Any]
) -> None:
    assert not may_undo(carry_on(begin(customer, name, **options)))


# --- At the same time ----------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_the_same_time_go_through_each_agent_once() -> None:
    customer = prepare()
    act = begin(customer)

    def run() -> None:
        carry_on_act(act.pk, clock=lambda: NOW)

    assert errors(race(run, run, run)) == []
    act.refresh_from_db()
    assert words(act) == ("done", COUNT, COUNT)
    assert AuditEvent.objects.filter(verb="agent.disabled").count() == COUNT
    assert AuditEvent.objects.filter(verb="agent_act.done").count() == 1
