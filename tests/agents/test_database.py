"""What the database itself refuses, no matter who writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import Error, IntegrityError, transaction

from agents.models import Agent, SipTelephone, SkillGroup, SkillGroupMember
from billing.enums import LicenseKind
from billing.models import License, Package
from tests.factories import (
    NOW,
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_package,
    make_telephone,
)


def refused(write: Callable[[], Any]) -> str:
    """The database's own words for a write that it must refuse."""
    with pytest.raises(Error) as error, transaction.atomic():
        write()
    return str(error.value).splitlines()[0]


def test_a_license_is_held_once(customer: Customer, package: Package) -> None:
    license = licenses_of(package)[0]
    make_agent(customer.application, license=license)
    with pytest.raises(IntegrityError, match="license_id"), transaction.atomic():
        make_agent(customer.application, license=license)
    sip = licenses_of(package, LicenseKind.SIP)[0]
    make_telephone(customer.application, license=sip)
    with pytest.raises(IntegrityError, match="license_id"), transaction.atomic():
        make_telephone(customer.application, license=sip)


def test_a_license_fits_its_holder(customer: Customer, package: Package) -> None:
    other = make_customer(trial=False)
    foreign = licenses_of(make_package(other.application))[0]
    agent_license = licenses_of(package)[0]
    sip_license = licenses_of(package, LicenseKind.SIP)[0]
    agent = make_agent(customer.application)
    telephone = make_telephone(customer.application)

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
    assert "does not fit" in refused(lambda: make_agent(customer.application, license=foreign))
    assert give(agent, agent_license)() == give(telephone, sip_license)() == 1


def test_rows_stay_in_their_application_and_account(customer: Customer) -> None:
    other = make_customer(trial=False)
    agent = make_agent(customer.application)
    assert "different accounts" in refused(
        lambda: make_agent(customer.application, account_id=other.account.pk)
    )
    move = Agent.objects.filter(pk=agent.pk).update
    assert refused(lambda: move(account=other.account, application=other.application))


def test_groups_telephones_and_agents_are_of_one_application(
    customer: Customer, package: Package
) -> None:
    other = make_customer(trial=False)
    foreign = make_agent(other.application)
    group = SkillGroup.objects.create(
        account=customer.account, application=customer.application, name="Sales", created_at=NOW
    )
    assert "different applications" in refused(
        lambda: SkillGroupMember.objects.create(
            account=customer.account, group=group, agent=foreign
        )
    )
    sip = licenses_of(package, LicenseKind.SIP)[0]
    assert "different applications" in refused(
        lambda: make_telephone(customer.application, license=sip, agent=foreign)
    )


def test_only_a_licensed_telephone_is_bound(customer: Customer, package: Package) -> None:
    agent = make_agent(customer.application)
    assert "bound_has_license" in refused(lambda: make_telephone(customer.application, agent=agent))


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
def test_fields_keep_their_form(
    customer: Customer, fields: dict[str, Any], constraint: str
) -> None:
    assert constraint in refused(lambda: make_agent(customer.application, **fields))


def test_a_dialled_number_leads_to_one_place(customer: Customer) -> None:
    make_agent(customer.application, extension="1001")
    make_telephone(customer.application, extension="1002")
    assert "is taken" in refused(lambda: make_telephone(customer.application, extension="1001"))
    assert "is taken" in refused(lambda: make_agent(customer.application, extension="1002"))
    assert "extension_once" in refused(lambda: make_agent(customer.application, extension="1001"))
    assert "extension_once" in refused(
        lambda: make_telephone(customer.application, extension="1002")
    )
    other = make_customer(trial=False)
    assert make_agent(other.application, extension="1001").pk
