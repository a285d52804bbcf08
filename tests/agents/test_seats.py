"""How many licenses there are and how many are in use, counted by the rows themselves."""

from datetime import timedelta

import pytest

from agents.models import Agent, SipTelephone
from agents.services.packages import count_seats, read_summary
from agents.services.seats import Seats, free_licenses, live_licenses
from billing.enums import LicenseKind, PackageState
from billing.models import License, Package
from billing.packages.status import read_status
from tests.factories import (
    NOW,
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_package,
    make_telephone,
)


@pytest.fixture
def crowd(customer: Customer) -> Package:
    """Holders of licenses of every sort: live, ended, of an earlier package, of others."""
    old = make_package(
        customer.application,
        agents=4,
        sip=2,
        now=NOW - timedelta(days=9),
        state=PackageState.RELEASED,
    )
    package = make_package(customer.application, agents=7, sip=4)
    for licenses in (licenses_of(old)[:2], licenses_of(package)[:3]):
        for license in licenses:
            make_agent(customer.application, license=license)
    for license in (licenses_of(old, "sip")[0], *licenses_of(package, "sip")[:2]):
        make_telephone(customer.application, license=license)
    make_agent(customer.application)
    ended = [licenses_of(package)[0], licenses_of(package)[6], licenses_of(package, "sip")[1]]
    License.objects.filter(pk__in=[license.pk for license in ended]).update(ends_at=NOW)
    other = make_customer(trial=False).application
    make_agent(other, license=licenses_of(make_package(other))[0])
    return package


def test_seats_are_those_that_live_now(customer: Customer, crowd: Package) -> None:
    assert count_seats(read_status(crowd, crowd.account, NOW), NOW) == {
        LicenseKind.AGENT: Seats(total=5, used=2),
        LicenseKind.SIP: Seats(total=3, used=1),
    }


def test_the_quick_count_agrees_with_the_rows(customer: Customer, crowd: Package) -> None:
    seats = count_seats(read_status(crowd, crowd.account, NOW), NOW)
    for kind, model in ((LicenseKind.AGENT, Agent), (LicenseKind.SIP, SipTelephone)):
        own = model.objects.filter(application=customer.application)
        assert seats[kind].total == live_licenses(customer.application, kind, NOW).count()
        assert seats[kind].used == own.licensed(NOW).count()
        assert seats[kind].free == free_licenses(customer.application, kind, NOW).count()


def test_an_isolated_package_keeps_its_seats_and_has_none_free(
    customer: Customer, crowd: Package
) -> None:
    summary = read_summary(customer.application, crowd.expires_at)
    assert summary.is_live is False
    assert (summary.agents.used, summary.agents.total, summary.agents.free) == (2, 5, 0)
    assert (summary.sip.used, summary.sip.total, summary.sip.free) == (1, 3, 0)


def test_a_package_that_is_over_has_no_seats(customer: Customer, crowd: Package) -> None:
    summary = read_summary(customer.application, crowd.expires_at + timedelta(days=7))
    assert (summary.is_live, summary.agents, summary.sip) == (False, Seats(), Seats())
    assert read_summary(customer.application, NOW).package == crowd


@pytest.mark.parametrize("wait", ["none", "without license", "of an earlier package"])
def test_the_summary_knows_whether_an_agent_waits_for_a_license(
    customer: Customer, wait: str
) -> None:
    old = make_package(
        customer.application, now=NOW - timedelta(days=9), state=PackageState.REFUNDED
    )
    package = make_package(customer.application)
    make_agent(customer.application, license=licenses_of(package)[0])
    if wait == "without license":
        make_agent(customer.application)
    if wait == "of an earlier package":
        make_agent(customer.application, license=licenses_of(old)[0])
    assert read_summary(customer.application, NOW).has_unlicensed == (wait != "none")
