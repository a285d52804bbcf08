"""What every test of this folder may ask for."""

import pytest

from billing.models import Package
from tests.agents.builders import Tenant, make_package, make_tenant


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant()


@pytest.fixture
def package(tenant: Tenant) -> Package:
    """A live package of three agent licenses and two SIP licenses."""
    return make_package(tenant.application, agents=3, sip=2)
