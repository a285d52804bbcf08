"""Every state of an act on many agents, with every move: made, refused, or without effect."""

from collections.abc import Callable
from contextlib import nullcontext
from itertools import product

import pytest

from accounts.enums import Role, WorkStatus
from accounts.errors import Refused
from accounts.models import AuditEvent, Membership
from agents.models import Agent, AgentAct
from agents.services.act_turns import _take_turn, carry_on_act
from agents.services.acts import begin_act, cancel_act
from agents.transitions import ACT_STARTS, ACT_TRANSITIONS, ActMove, ActStart
from tests.factories import NOW, Customer, make_agent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_turns")]

S, M = WorkStatus, ActMove
#: Written out a second time, from the decision (ADR 0063).
ALLOWED = {
    (S.WAITING, M.CHANGE): S.WAITING,
    (S.WAITING, M.FINISH): S.DONE,
    (S.WAITING, M.STOP): S.STOPPED,
    (S.WAITING, M.CANCEL): S.CANCELED,
}


def _begin(customer: Customer) -> AgentAct:
    # One more than a turn changes.
    for _number in range(4):
        make_agent(customer.application, now=NOW)
    chosen = Agent.objects.filter(application=customer.application)
    return begin_act(
        application=customer.application,
        name="disable",
        options={"frees_licenses": False},
        chosen=chosen,
        by=customer.owner,
        now=NOW,
    )


def _finish(act: AgentAct) -> None:
    carry_on_act(act.pk, clock=lambda: NOW)


def _stop(act: AgentAct) -> None:
    """Let its job find that the person may no longer do this, only for as long as it runs."""
    own = Membership.objects.filter(account=act.account_id, user=act.created_by)
    own.update(role=Role.VIEWER)
    carry_on_act(act.pk, clock=lambda: NOW)
    own.update(role=Role.OWNER)


def _cancel(act: AgentAct) -> None:
    assert act.created_by is not None
    cancel_act(act=act, by=act.created_by, now=NOW)


MOVES: dict[ActMove, Callable[[AgentAct], object]] = {
    M.CHANGE: lambda act: _take_turn(act.pk, NOW),
    M.FINISH: _finish,
    M.STOP: _stop,
    M.CANCEL: _cancel,
}
#: How an act comes to a state.
REACH = {S.WAITING: None, S.DONE: M.FINISH, S.STOPPED: M.STOP, S.CANCELED: M.CANCEL}


def _events(act: AgentAct) -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.filter(target_type="agents.agentact", target_id=act.pk)
    return list(events.order_by("pk").values_list("verb", "from_state", "to_state"))


def test_the_table_is_what_was_decided() -> None:
    assert ACT_TRANSITIONS == ALLOWED
    assert ACT_STARTS == {ActStart.BEGIN: S.WAITING}
    assert set(REACH) == set(S)
    assert set(MOVES) == set(M)


def test_an_act_begins_waiting(customer: Customer) -> None:
    act = _begin(customer)
    assert act.status == ACT_STARTS[ActStart.BEGIN]
    assert _events(act) == [("agent_act.begun", "", "waiting")]


@pytest.mark.parametrize(("state", "move"), list(product(S, M)), ids=str)
def test_a_move_of_an_act(customer: Customer, state: WorkStatus, move: ActMove) -> None:
    act = _begin(customer)
    if (way := REACH[state]) is not None:
        MOVES[way](act)
    act.refresh_from_db()
    assert act.status == state
    rows = AgentAct.objects.filter(pk=act.pk).values()
    before, agents, events = rows.get(), list(Agent.objects.values()), _events(act)

    expected = ALLOWED.get((state, move))
    if expected is None:
        # A job that finds nothing to do says nothing; a person is told.
        with pytest.raises(Refused) if move == M.CANCEL else nullcontext():
            MOVES[move](act)
        assert (rows.get(), list(Agent.objects.values()), _events(act)) == (before, agents, events)
        return
    MOVES[move](act)
    assert rows.get()["status"] == expected
    told = [] if expected == state else [(f"agent_act.{expected}", state.value, expected.value)]
    assert _events(act)[len(events) :] == told
    was_changed = Agent.objects.filter(is_enabled=False).count()
    assert was_changed == {M.CHANGE: 3, M.FINISH: 4, M.STOP: 0, M.CANCEL: 0}[move]


def test_an_act_that_has_changed_agents_is_not_canceled(customer: Customer) -> None:
    act = _begin(customer)
    MOVES[M.CHANGE](act)
    with pytest.raises(Refused) as refusal:
        MOVES[M.CANCEL](act)
    assert refusal.value.code == "begun"
    act.refresh_from_db()
    assert (act.status, act.done) == (S.WAITING, 3)
