"""What the database itself refuses, whoever writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import Error, IntegrityError, transaction

from agents.models import Agent, SipTelephone, SkillGroup, SkillGroupMember
from billing.enums import LicenseKind
from billing.models import License, Package
from tests.agents.builders import (
    NOW,
    Tenant,
    licenses_of,
    make_agent,
    make_package,
    make_telephone,
    make_tenant,
)


def refused(write: Callable[[], Any]) -> str:
    """The database's own words for a write that it must refuse."""
    with pytest.raises(Error) as error, transaction.atomic():
        write()
    return str(error.value).splitlines()[0]


def test_a_license_is_held_once(tenant: Tenant, package: Package) -> None:
    license = licenses_of(package)[0]
    make_agent(tenant.application, license=license)
    with pytest.raises(IntegrityError, match="license_id"), transaction.atomic():
        make_agent(tenant.application, license=license)
    sip = licenses_of(package, LicenseKind.SIP)[0]
    make_telephone(tenant.application, license=sip)
    with pytest.raises(IntegrityError, match="license_id"), transaction.atomic():
        make_telephone(tenant.application, license=sip)


def test_a_license_fits_its_holder(tenant: Tenant, package: Package) -> None:
    other = make_tenant("Other")
    foreign = licenses_of(make_package(other.application))[0]
    agent_license = licenses_of(package)[0]
    sip_license = licenses_of(package, LicenseKind.SIP)[0]
    agent = make_agent(tenant.application)
    telephone = make_telephone(tenant.application)

    def give(holder: Agent | SipTelephone, license: License) -> Callable[[], Any]:
        return lambda: type(holder).objects.filter(pk=holder.pk).update(license=license)

    unfit: list[tuple[Agent | SipTelephone, License]] = [
        (agent, foreign),
        (agent, sip_license),
        (telephone, agent_license),
        (telephone, foreign),
    ]
    for holder, license in unfit:
        assert "does not fit" in refused(give(holder, license))
    assert "does not fit" in refused(lambda: make_agent(tenant.application, license=foreign))
    assert give(agent, agent_license)() == give(telephone, sip_license)() == 1


def test_rows_stay_in_their_application_and_account(tenant: Tenant) -> None:
    other = make_tenant("Other")
    agent = make_agent(tenant.application)
    assert "different accounts" in refused(
        lambda: make_agent(tenant.application, account_id=other.account.pk)
    )
    move = Agent.objects.filter(pk=agent.pk).update
    assert refused(lambda: move(account=other.account, application=other.application))


def test_groups_telephones_and_agents_are_of_one_application(
    tenant: Tenant, package: Package
) -> None:
    other = make_tenant("Other")
    foreign = make_agent(other.application)
    group = SkillGroup.objects.create(
        account=tenant.account, application=tenant.application, name="Sales", created_at=NOW
    )
    assert "different applications" in refused(
        lambda: SkillGroupMember.objects.create(account=tenant.account, group=group, agent=foreign)
    )
    sip = licenses_of(package, LicenseKind.SIP)[0]
    assert "different applications" in refused(
        lambda: make_telephone(tenant.application, license=sip, agent=foreign)
    )


def test_only_a_licensed_telephone_is_bound(tenant: Tenant, package: Package) -> None:
    agent = make_agent(tenant.application)
    assert "bound_has_license" in refused(lambda: make_telephone(tenant.application, agent=agent))


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"name": ""}, "fields_filled"),
        ({"nickname": ""}, "fields_filled"),
        ({"staff_number": ""}, "fields_filled"),
        ({"email": ""}, "fields_filled"),
        ({"extension": "0123"}, "extension_form"),
        ({"extension": "912345"}, "extension_form"),
        ({"extension": "123"}, "extension_form"),
        ({"extension": "１２３４"}, "extension_form"),
        ({"extension": "1234\n"}, "extension_form"),
        ({"phone": "13800138000"}, "phone_form"),
        ({"phone": "+0123456789"}, "phone_form"),
        ({"role": "boss"}, "role_known"),
    ],
    ids=str,
)
def test_fields_keep_their_form(tenant: Tenant, fields: dict[str, Any], constraint: str) -> None:
    assert constraint in refused(lambda: make_agent(tenant.application, **fields))


def test_a_dialled_number_leads_to_one_place(tenant: Tenant) -> None:
    make_agent(tenant.application, extension="1001")
    make_telephone(tenant.application, extension="1002")
    assert "is taken" in refused(lambda: make_telephone(tenant.application, extension="1001"))
    assert "is taken" in refused(lambda: make_agent(tenant.application, extension="1002"))
    assert "extension_once" in refused(lambda: make_agent(tenant.application, extension="1001"))
    assert "extension_once" in refused(lambda: make_telephone(tenant.application, extension="1002"))
    other = make_tenant("Other")
    assert make_agent(other.application, extension="1001").pk
