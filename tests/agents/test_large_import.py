"""A file of thousands of agents: 37 planted faults are found, and the fixed file is written."""

import resource
import time

import pytest

from agents.enums import ImportStatus
from agents.models import Agent
from tests.agents.test_imports import FAULTS, FIRST, bring_in, check, file_of, found, line, prepare
from tests.factories import Customer
from tests.tiers import sample

pytestmark = pytest.mark.slow

ROWS = sample(3_000, 10_000)
SECONDS = 60
MEGABYTES = 300


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_thousands_of_rows_are_checked_exactly_and_written_in_time(customer: Customer) -> None:
    prepare(customer)
    good = [FIRST, *(line(number) for number in range(1, ROWS))]
    bad = list(good)
    faults = [*FAULTS.values(), *list(FAULTS.values())[:7]]
    planted = []
    for number, (cells, column) in enumerate(faults):
        place = 100 + number * ((ROWS - 200) // len(faults))
        bad[place] = line(place, **cells)
        planted.append((place + 2, column))
    assert len(planted) == 38
    before, started = megabytes(), time.monotonic()
    imported = check(customer, file_of(*bad))
    assert found(imported) == planted
    assert (imported.status, Agent.objects.count()) == (ImportStatus.FAULTY, 1)

    bring_in(customer, file_of(*good))
    assert Agent.objects.count() == 1 + ROWS
    assert time.monotonic() - started < SECONDS
    assert megabytes() - before < MEGABYTES
