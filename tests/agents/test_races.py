"""Many together: what is scarce is given once, and the guards are what makes it so.

Each race is run with its guards and, in the same test, without them, to show that it happens.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.models import Account
from accounts.services.tenants import lock_account
from agents.errors import LicensesMissing
from agents.models import Agent
from agents.services import batches, seats
from agents.services.agents import AgentDetails, add_agent
from agents.services.batches import BulkResult
from agents.services.licenses import assign_licenses
from billing.models import License, Package
from tests.factories import NOW, Customer, make_agent, make_customer, make_package
from tests.races import errors, race, values
from tests.tiers import sample

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

HANDS = 8
ROUNDS = sample(3, 10)
UNIQUE_KEY = "agents_agent_license_id_key"


def assign(customer: Customer, agent: Agent) -> Callable[[], Any]:
    return lambda: assign_licenses(
        application=customer.application,
        chosen=Agent.objects.filter(pk=agent.pk),
        by=None,
        now=NOW,
    )


def over_assigned() -> int:
    """How many licenses are held by more than one agent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM agents_agent WHERE license_id IS NOT NULL"
            " GROUP BY license_id HAVING count(*) > 1) AS twice"
        )
        return int(cursor.fetchone()[0])


def read_account_without_lock(account_id: int) -> Account:
    return Account.objects.get(pk=account_id)


@contextmanager
def no_account_lock() -> Iterator[None]:
    with patch.object(batches, "lock_account", read_account_without_lock):
        yield


@contextmanager
def all_choose_before_any_writes(hands: int = HANDS) -> Iterator[None]:
    """Without locks: everyone finds the free licenses first, then everyone writes."""
    gate = threading.Barrier(hands)
    free = seats.free_licenses

    def claim(application: Any, kind: str, count: int, now: Any, **options: Any) -> list[int]:
        found = list(free(application, kind, now).order_by("pk").values_list("pk", flat=True))
        gate.wait(30)
        return found[:count]

    with (
        patch("agents.services.licenses.claim_licenses", claim),
        patch("agents.services.agents.claim_licenses", claim),
    ):
        yield


@contextmanager
def no_unique_key() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE agents_agent DROP CONSTRAINT {UNIQUE_KEY}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE agents_agent SET license_id = NULL")
            cursor.execute(
                f"ALTER TABLE agents_agent ADD CONSTRAINT {UNIQUE_KEY} UNIQUE (license_id)"
            )


def last_license() -> tuple[Customer, list[Agent]]:
    customer = make_customer(trial=False)
    make_package(customer.application, agents=1)
    return customer, [make_agent(customer.application) for _hand in range(HANDS)]


def test_the_last_license_goes_to_one_of_eight_sessions() -> None:
    for _round in range(ROUNDS):
        customer, agents = last_license()
        outcomes = race(*(assign(customer, agent) for agent in agents))
        assert len(values(outcomes)) == 1
        assert {type(error) for error in errors(outcomes)} == {LicensesMissing}
        assert Agent.objects.filter(application=customer.application).licensed(NOW).count() == 1


def test_without_the_lock_the_unique_key_still_refuses_seven() -> None:
    customer, agents = last_license()
    with no_account_lock(), all_choose_before_any_writes():
        outcomes = race(*(assign(customer, agent) for agent in agents))
    assert len(values(outcomes)) == 1
    assert {error.code for error in errors(outcomes) if isinstance(error, Refused)} == {
        "license_taken"
    }
    assert len(errors(outcomes)) == HANDS - 1
    assert over_assigned() == 0


def test_without_lock_and_key_one_license_would_serve_eight() -> None:
    customer, agents = last_license()
    with no_account_lock(), all_choose_before_any_writes(), no_unique_key():
        outcomes = race(*(assign(customer, agent) for agent in agents))
        assert len(values(outcomes)) == HANDS
        assert over_assigned() == 1


def add(customer: Customer, number: int, **fields: Any) -> Callable[[], Any]:
    plain = AgentDetails(name="A", staff_number=f"S{number}", email=f"a{number}@example.com")
    details = replace(plain, **fields)
    return lambda: add_agent(
        application=customer.application, details=details, with_license=True, by=None, now=NOW
    )


def test_eight_add_an_agent_with_the_last_license() -> None:
    for _round in range(ROUNDS):
        customer, _agents = last_license()
        outcomes = race(*(add(customer, number) for number in range(HANDS)))
        assert len(values(outcomes)) == 1
        assert {type(error) for error in errors(outcomes)} == {LicensesMissing}


@pytest.mark.parametrize(
    "same",
    [{"staff_number": "X"}, {"email": "x@example.com"}, {"extension": "1001"}],
    ids=lambda fields: next(iter(fields)),
)
def test_eight_add_an_agent_with_the_same_value(same: dict[str, str]) -> None:
    customer = make_customer(trial=False)
    make_package(customer.application, agents=HANDS)
    outcomes = race(*(add(customer, number, **same) for number in range(HANDS)))
    assert len(values(outcomes)) == 1
    assert {getattr(error, "code", error) for error in errors(outcomes)} == {"details_refused"}
    with no_account_lock():
        other = {name: value.replace("X", "Y").replace("x", "y") for name, value in same.items()}
        other = {name: value.replace("1001", "1002") for name, value in other.items()}
        outcomes = race(*(add(customer, number + HANDS, **other) for number in range(HANDS)))
    # The keys have the last word even then.
    assert len(values(outcomes)) == 1


def assign_to(customer: Customer, ids: list[int]) -> Callable[[], BulkResult]:
    return lambda: assign_licenses(
        application=customer.application,
        chosen=Agent.objects.filter(pk__in=ids),
        by=None,
        now=NOW,
        is_partial_allowed=True,
    )


def test_two_tabs_assign_overlapping_selections() -> None:
    for _round in range(ROUNDS):
        customer = make_customer(trial=False)
        make_package(customer.application, agents=12)
        ids = [make_agent(customer.application).pk for _agent in range(15)]
        outcomes = race(assign_to(customer, ids[:10]), assign_to(customer, ids[5:]))
        assert errors(outcomes) == []
        assert sum(result.changed for result in values(outcomes)) == 12
        assert Agent.objects.filter(application=customer.application).licensed(NOW).count() == 12
        assert over_assigned() == 0


def end_free_licenses(package: Package) -> int:
    """What a renewal with fewer licenses does: lock the account, then end free ones."""
    with transaction.atomic():
        lock_account(package.account_id)
        free = License.objects.filter(package=package, agent=None, ends_at=None)
        chosen = list(free.order_by("-pk").values_list("pk", flat=True)[:2])
        return License.objects.filter(pk__in=chosen).update(ends_at=NOW)


def test_licenses_that_a_renewal_ends_are_not_given_away_meanwhile() -> None:
    for _round in range(ROUNDS):
        customer = make_customer(trial=False)
        package = make_package(customer.application, agents=4)
        ids = [make_agent(customer.application).pk for _agent in range(4)]
        renewal, *assignments = race(
            partial(end_free_licenses, package), *(assign_to(customer, [pk]) for pk in ids)
        )
        ended = renewal.value
        assert isinstance(ended, int)
        own = Agent.objects.filter(application=customer.application)
        assert own.licensed(NOW).count() == len(values(assignments)) == 4 - ended
        assert own.filter(license__ends_at=NOW).count() == 0
