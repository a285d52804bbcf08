"""The page of states is what the tables give, and shows all of each machine."""

from enum import StrEnum

from django.db.models import TextChoices

from accounts.enums import WorkStatus
from billing.enums import CreditStatus, OrderStatus, PackageState, RefundStatus
from compliance.enums import AppealState, CaseState, ConnectionState
from tests.states import MACHINES, PAGE, draw, write_page


class _Light(TextChoices):
    RED = "red"
    GREEN = "green"
    DARK = "dark"


class _Do(StrEnum):
    SET_UP = "set_up"
    SWITCH = "switch"
    LOOK = "look"
    BREAK = "break"


def test_a_diagram_has_every_start_every_move_and_every_end() -> None:
    table = {
        (_Light.RED, _Do.SWITCH): _Light.GREEN,
        (_Light.GREEN, _Do.SWITCH): _Light.RED,
        (_Light.RED, _Do.BREAK): _Light.DARK,
        (_Light.GREEN, _Do.LOOK): _Light.GREEN,
        (_Light.DARK, _Do.LOOK): _Light.DARK,
        (_Light.DARK, _Do.BREAK): _Light.DARK,
    }
    assert draw({_Do.SET_UP: _Light.RED}, table).splitlines() == [
        "stateDiagram-v2",
        "    [*] --> red : set up",
        "    red --> green : switch",
        "    green --> red : switch",
        "    red --> dark : break",
        "    green --> green : look",
        "    dark --> dark : look, break",
        "    dark --> [*]",
    ]


def test_every_machine_is_drawn_with_all_its_states() -> None:
    assert [{*machine.starts.values(), *machine.transitions.values()} for machine in MACHINES] == [
        set(PackageState),
        set(OrderStatus),
        set(RefundStatus),
        set(CreditStatus),
        set(CaseState),
        set(AppealState),
        set(ConnectionState),
        set(WorkStatus),
    ]


def test_the_page_is_what_the_tables_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "`make states` writes it again"
