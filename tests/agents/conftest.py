"""What every test of this folder may ask for."""

from typing import Any

import pytest

from agents.services import act_turns
from billing.models import Package
from tests.factories import Customer, make_customer, make_package


@pytest.fixture
def customer(db: None) -> Customer:
    return make_customer(trial=False)


@pytest.fixture
def package(customer: Customer) -> Package:
    """A live package of three agent licenses and two SIP licenses."""
    return make_package(customer.application, agents=3, sip=2)


@pytest.fixture
def small_turns(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """An act on more than five agents continues in the background, three agents at a time."""
    monkeypatch.setattr(act_turns, "TURN", 3)
    settings.AGENTS_CHANGED_AT_ONCE = 5
