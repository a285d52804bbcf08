"""What every test of this folder may ask for."""

import pytest

from billing.models import Package
from tests.factories import Customer, make_customer, make_package


@pytest.fixture
def customer(db: None) -> Customer:
    return make_customer(trial=False)


@pytest.fixture
def package(customer: Customer) -> Package:
    """A live package of three agent licenses and two SIP licenses."""
    return make_package(customer.application, agents=3, sip=2)
