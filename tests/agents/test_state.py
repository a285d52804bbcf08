"""Every combination of facts, and the state that follows from it.

The pure policy and its queryset twin must both meet the one table.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from accounts.enums import AccountStatus
from accounts.models import Account
from agents.enums import ServiceState as S
from agents.listing import state_of
from agents.models import Agent, SipTelephone
from agents.policy import HolderFacts, derive_agent_state, find_obstacles
from billing.enums import LicenseKind, PackageKind, PackageState
from billing.models import License, Package
from tests.factories import (
    NOW,
    SECOND,
    Customer,
    licenses_of,
    make_agent,
    make_package,
    make_telephone,
)

LIVE = "live package"
DUE = "package at its expiry"
ISOLATED = "isolated"
RELEASED = "released"
REFUNDED = "refunded"
TRIAL = "trial"
#: name → recorded state, expiry
PACKAGES = {
    LIVE: (PackageState.ACTIVE, NOW + SECOND),
    TRIAL: (PackageState.TRIAL, NOW + SECOND),
    DUE: (PackageState.ACTIVE, NOW),
    ISOLATED: (PackageState.ISOLATED, NOW - SECOND),
    RELEASED: (PackageState.RELEASED, NOW - SECOND),
    REFUNDED: (PackageState.REFUNDED, NOW + SECOND),
}
WORKING = {LIVE, TRIAL}
NO_END, ENDS_LATER, ENDED = "no end", "ends in a second", "ended this instant"
ENDS = {NO_END: None, ENDS_LATER: NOW + SECOND, ENDED: NOW}
OK = AccountStatus.ACTIVE
BAD = (AccountStatus.SUSPENDED, AccountStatus.TERMINATED, AccountStatus.BLOCKED)

#: Where the agent is enabled and the account in good standing: license's end, package → state.
LICENSED = {
    (NO_END, LIVE): S.IN_SERVICE,
    (NO_END, TRIAL): S.IN_SERVICE,
    (NO_END, DUE): S.PACKAGE_ENDED,
    (NO_END, ISOLATED): S.PACKAGE_ENDED,
    (NO_END, RELEASED): S.PACKAGE_ENDED,
    (NO_END, REFUNDED): S.PACKAGE_ENDED,
    (ENDS_LATER, LIVE): S.IN_SERVICE,
    (ENDS_LATER, TRIAL): S.IN_SERVICE,
    (ENDS_LATER, DUE): S.PACKAGE_ENDED,
    (ENDS_LATER, ISOLATED): S.PACKAGE_ENDED,
    (ENDS_LATER, RELEASED): S.PACKAGE_ENDED,
    (ENDS_LATER, REFUNDED): S.PACKAGE_ENDED,
    (ENDED, LIVE): S.LICENSE_ENDED,
    (ENDED, TRIAL): S.LICENSE_ENDED,
    (ENDED, DUE): S.LICENSE_ENDED,
    (ENDED, ISOLATED): S.LICENSE_ENDED,
    (ENDED, RELEASED): S.LICENSE_ENDED,
    (ENDED, REFUNDED): S.LICENSE_ENDED,
}


@dataclass(frozen=True)
class Row:
    """One combination: `license` is None, or (its end, its package)."""

    is_enabled: bool
    license: tuple[str, str] | None
    status: str
    expected: S


def _rows(*, can_be_disabled: bool) -> list[Row]:
    """The table written out: 2 × (1 + 18) × 4 combinations for agents, half for telephones."""
    rows = []
    for license in (None, *LICENSED):
        alone = S.NO_LICENSE if license is None else LICENSED[license]
        rows.append(Row(True, license, OK, alone))
        restricted = S.ACCOUNT_RESTRICTED if alone == S.IN_SERVICE else alone
        rows += [Row(True, license, status, restricted) for status in BAD]
        if can_be_disabled:
            rows += [Row(False, license, status, S.DISABLED) for status in (OK, *BAD)]
    return rows


AGENT_ROWS = _rows(can_be_disabled=True)
TELEPHONE_ROWS = _rows(can_be_disabled=False)


def _facts(row: Row) -> HolderFacts:
    if row.license is None:
        return HolderFacts(account_status=row.status, is_enabled=row.is_enabled)
    end, package = row.license
    state, expires_at = PACKAGES[package]
    return HolderFacts(
        account_status=row.status,
        is_enabled=row.is_enabled,
        has_license=True,
        license_ends_at=ENDS[end],
        package_state=state,
        package_expires_at=expires_at,
    )


def test_the_table_holds_every_combination() -> None:
    assert set(LICENSED) == set(product(ENDS, PACKAGES))
    assert len(set(AGENT_ROWS)) == 2 * (1 + len(ENDS) * len(PACKAGES)) * len(AccountStatus)
    assert {row.expected for row in AGENT_ROWS} == set(S)
    assert {state for state, _expiry in PACKAGES.values()} == set(PackageState)


@pytest.mark.parametrize("row", AGENT_ROWS, ids=str)
def test_the_policy_meets_the_table(row: Row) -> None:
    assert derive_agent_state(_facts(row), NOW) == row.expected


def test_all_obstacles_are_named_in_the_order_of_mending() -> None:
    facts = HolderFacts(
        account_status=AccountStatus.SUSPENDED,
        is_enabled=False,
        has_license=True,
        license_ends_at=NOW,
        package_state=PackageState.ISOLATED,
        package_expires_at=NOW,
    )
    assert find_obstacles(facts, NOW) == (
        S.DISABLED,
        S.LICENSE_ENDED,
        S.PACKAGE_ENDED,
        S.ACCOUNT_RESTRICTED,
    )
    assert find_obstacles(HolderFacts(account_status=OK, is_enabled=True), NOW) == (S.NO_LICENSE,)


def _package(customer: Customer, name: str, count: int) -> Package:
    state, expires_at = PACKAGES[name]
    fields: dict[str, Any] = {"state": state, "expires_at": expires_at}
    if state == PackageState.TRIAL:
        fields |= {"kind": PackageKind.TRIAL, "purchased_at": None, "months": 0}
    start = NOW - timedelta(days=1)
    return make_package(customer.application, agents=count, sip=count, now=start, **fields)


@pytest.mark.parametrize("status", AccountStatus.values)
@pytest.mark.parametrize("name", PACKAGES)
def test_the_agents_twin_meets_the_table(customer: Customer, name: str, status: str) -> None:
    package = _package(customer, name, count=6)
    licenses = licenses_of(package)
    expected = {}
    for row in AGENT_ROWS:
        if row.status == status and (row.license is None or row.license[1] == name):
            license = None
            if row.license is not None:
                license = licenses.pop()
                License.objects.filter(pk=license.pk).update(ends_at=ENDS[row.license[0]])
            agent = make_agent(customer.application, is_enabled=row.is_enabled, license=license)
            expected[agent.pk] = row.expected
    Account.objects.filter(pk=customer.account.pk).update(status=status)
    assert len(expected) == 2 * (1 + len(ENDS))
    _check_twin(Agent, expected)


@pytest.mark.parametrize("status", AccountStatus.values)
@pytest.mark.parametrize("name", PACKAGES)
def test_the_telephones_twin_meets_the_table(customer: Customer, name: str, status: str) -> None:
    package = _package(customer, name, count=3)
    licenses = licenses_of(package, LicenseKind.SIP)
    expected = {}
    for row in TELEPHONE_ROWS:
        if row.status == status and (row.license is None or row.license[1] == name):
            license = None
            if row.license is not None:
                license = licenses.pop()
                License.objects.filter(pk=license.pk).update(ends_at=ENDS[row.license[0]])
            expected[make_telephone(customer.application, license=license).pk] = row.expected
    Account.objects.filter(pk=customer.account.pk).update(status=status)
    assert len(expected) == 1 + len(ENDS)
    _check_twin(SipTelephone, expected)


@pytest.mark.parametrize("name", ["released", "refunded"])
def test_after_a_new_purchase_a_void_license_is_none(customer: Customer, name: str) -> None:
    old = _package(customer, name, count=2)
    ended, void = licenses_of(old)
    License.objects.filter(pk=ended.pk).update(ends_at=NOW)
    holders = [make_agent(customer.application, license=license) for license in (ended, void)]
    telephone = make_telephone(customer.application, license=licenses_of(old, LicenseKind.SIP)[0])
    _check_words(Agent, [holders[1].pk], S.PACKAGE_ENDED)
    new = make_package(customer.application, now=NOW - timedelta(hours=1))
    served = make_agent(customer.application, license=licenses_of(new)[0])
    _check_words(Agent, [each.pk for each in holders], S.NO_LICENSE)
    _check_words(SipTelephone, [telephone.pk], S.NO_LICENSE)
    _check_words(Agent, [served.pk], S.IN_SERVICE)


def _check_words(model: Any, keys: list[int], expected: S) -> None:
    """The policy on rows, the annotation and the filter say the same of these holders."""
    rows = model.objects.with_licenses().filter(pk__in=keys)
    assert {state_of(row, row.account, NOW) for row in rows} == {expected}
    states = model.objects.with_state(NOW).filter(pk__in=keys).values_list("state", flat=True)
    assert set(states) == {expected}
    found = model.objects.in_state(expected, NOW).values_list("pk", flat=True)
    assert set(found) >= set(keys)
    for other in set(S) - {expected, *([S.DISABLED] if model is SipTelephone else [])}:
        assert not model.objects.in_state(other, NOW).filter(pk__in=keys).exists()


def _check_twin(model: Any, expected: dict[int, S]) -> None:
    """The annotation, every filter, and the two short forms say the same as the table."""
    states = dict(model.objects.with_state(NOW).values_list("pk", "state"))
    assert states == expected
    for state in S:
        if state == S.DISABLED and model is SipTelephone:
            continue
        found = set(model.objects.in_state(state, NOW).values_list("pk", flat=True))
        assert found == {pk for pk, each in expected.items() if each == state}
    in_service = set(model.objects.in_service(NOW).values_list("pk", flat=True))
    assert in_service == {pk for pk, each in expected.items() if each == S.IN_SERVICE}
    licensed = set(model.objects.licensed(NOW).values_list("pk", flat=True))
    unlicensed = set(model.objects.unlicensed(NOW).values_list("pk", flat=True))
    assert licensed & unlicensed == set()
    assert licensed | unlicensed == set(expected)
    by_policy = {
        holder.pk
        for holder in model.objects.select_related("license__package")
        if holder.license is not None
        and (holder.license.ends_at is None or holder.license.ends_at > NOW)
        and holder.license.package.is_live(NOW)
    }
    assert licensed == by_policy
