"""SIP telephones and skill groups: services and dialogs."""

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.utils import timezone

from accounts.enums import Measure, Role
from accounts.errors import Refused
from accounts.models import AuditEvent
from accounts.services.restrictions import restrict_account
from agents.enums import ServiceState
from agents.errors import DetailsRefused, LicensesMissing
from agents.models import Agent, SipTelephone, SkillGroup
from agents.services import telephones
from agents.services.agents import disable_agents
from agents.services.groups import GROUP_LIMIT, add_group, delete_group, rename_group
from agents.services.licenses import free_licenses_of, move_licenses
from billing.enums import Edition, LicenseKind
from billing.models import Package
from tests.agents.test_pages import HTMX, READERS, as_role, url
from tests.factories import (
    NOW,
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_package,
    make_telephone,
    signed_in,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def premium(customer: Customer) -> Package:
    """A Premium package that lives now."""
    return make_package(
        customer.application, agents=3, sip=2, edition=Edition.PREMIUM, now=timezone.now()
    )


def register(customer: Customer, extension: str = "2001") -> tuple[SipTelephone, str]:
    return telephones.register_telephone(
        application=customer.application,
        label="Reception",
        extension=extension,
        by=customer.owner,
        now=timezone.now(),
    )


def history() -> list[str]:
    events = AuditEvent.objects.filter(verb__startswith="telephone").order_by("pk")
    return [event.verb.removeprefix("telephone.") for event in events]


def by(customer: Customer) -> dict[str, Any]:
    return {"by": customer.owner, "now": timezone.now()}


def test_a_registered_telephone_holds_a_license_and_a_password_that_is_kept_as_a_hash(
    customer: Customer, premium: Package
) -> None:
    telephone, password = register(customer)
    telephone.refresh_from_db()
    assert telephone.license in licenses_of(premium, LicenseKind.SIP)
    assert re.fullmatch(f"[{telephones.ALPHABET}]{{20}}", password)
    assert password not in telephone.password
    assert check_password(password, telephone.password)
    assert list(SipTelephone.objects.in_service(timezone.now())) == [telephone]
    assert history() == ["registered"]
    assert password not in str(AuditEvent.objects.values_list("data", flat=True))


def test_a_reset_makes_another_password(customer: Customer, premium: Package) -> None:
    telephone, old = register(customer)
    _same, new = telephones.reset_password(telephone=telephone, **by(customer))
    telephone.refresh_from_db()
    assert (check_password(old, telephone.password), check_password(new, telephone.password)) == (
        False,
        True,
    )


def test_more_telephones_than_licenses_are_refused(customer: Customer, premium: Package) -> None:
    register(customer, "2001")
    register(customer, "2002")
    with pytest.raises(LicensesMissing) as refusal:
        register(customer, "2003")
    assert str(refusal.value) == "1 SIP license is missing: 1 needed, 0 free."


@pytest.mark.parametrize("holder", ["agent", "telephone"])
def test_an_extension_is_unique_over_agents_and_telephones(
    customer: Customer, premium: Package, holder: str
) -> None:
    make = make_agent if holder == "agent" else make_telephone
    make(customer.application, extension="2001")
    with pytest.raises(DetailsRefused) as refusal:
        register(customer)
    assert list(refusal.value.problems) == ["extension"]
    telephone, _password = register(customer, "2002")
    with pytest.raises(DetailsRefused):
        telephones.edit_telephone(telephone=telephone, label="X", extension="2001", **by(customer))


def test_premium_binds_a_telephone_and_freeing_its_license_unbinds_it_first(
    customer: Customer, premium: Package
) -> None:
    agent = make_agent(customer.application, license=licenses_of(premium)[0])
    telephone, _password = register(customer)
    telephones.bind_telephone(telephone=telephone, agent=agent, **by(customer))
    telephone.refresh_from_db()
    assert telephone.agent == agent
    telephones.free_telephone_license(telephone=telephone, **by(customer))
    telephone.refresh_from_db()
    assert (telephone.agent_id, telephone.license_id) == (None, None)
    assert history() == ["registered", "bound", "unbound", "license_freed"]
    telephones.license_telephone(telephone=telephone, **by(customer))
    assert SipTelephone.objects.in_service(timezone.now()).count() == 1


@pytest.mark.parametrize("act", ["free", "move", "disable"])
def test_an_agent_without_a_license_loses_the_telephone_which_keeps_its_own(
    customer: Customer, premium: Package, act: str
) -> None:
    agent = make_agent(customer.application, license=licenses_of(premium)[0])
    taker = make_agent(customer.application)
    telephone, _password = register(customer)
    telephones.bind_telephone(telephone=telephone, agent=agent, **by(customer))
    arguments: dict[str, Any] = {
        "application": customer.application,
        "chosen": Agent.objects.filter(pk=agent.pk),
        **by(customer),
    }
    if act == "free":
        free_licenses_of(**arguments)
    elif act == "move":
        move_licenses(**arguments, staff_numbers=[taker.staff_number])
    else:
        disable_agents(**arguments, frees_licenses=True)
    telephone.refresh_from_db()
    assert telephone.agent is None
    assert telephone.license_id is not None
    assert history() == ["registered", "bound", "unbound"]


def test_removing_unbinds_and_frees(customer: Customer, premium: Package) -> None:
    telephone, _password = register(customer)
    agent = make_agent(customer.application, license=licenses_of(premium)[0])
    telephones.bind_telephone(telephone=telephone, agent=agent, **by(customer))
    telephones.remove_telephone(telephone=telephone, **by(customer))
    assert SipTelephone.objects.count() == 0
    assert history() == ["registered", "bound", "unbound", "removed"]
    register(customer, "2001")
    register(customer, "2002")


def test_essential_binds_nothing(customer: Customer) -> None:
    make_package(customer.application, sip=1, now=timezone.now())
    telephone, _password = register(customer)
    with pytest.raises(Refused) as refusal:
        telephones.bind_telephone(
            telephone=telephone, agent=make_agent(customer.application), **by(customer)
        )
    assert refusal.value.code == "not_in_edition"


def test_a_binding_needs_a_license_an_own_agent_and_one_without_a_telephone(
    customer: Customer, premium: Package
) -> None:
    agent = make_agent(customer.application, license=licenses_of(premium)[0])
    first, _password = register(customer, "2001")
    second, _password = register(customer, "2002")
    telephones.bind_telephone(telephone=first, agent=agent, **by(customer))
    foreign = make_agent(make_customer(trial=False).application)
    bare = make_telephone(customer.application)
    for telephone, whom, code in [
        (second, agent, "agent_bound"),
        (second, foreign, "foreign"),
        (second, make_agent(customer.application), "agent_unlicensed"),
        (bare, make_agent(customer.application), "unlicensed"),
    ]:
        with pytest.raises(Refused) as refusal:
            telephones.bind_telephone(telephone=telephone, agent=whom, **by(customer))
        assert refusal.value.code == code


# --- Dialogs -------------------------------------------------------------------------------

TELEPHONE_ACTS = ("edit", "reset", "bind", "unbind", "license", "free", "remove")


def addresses(customer: Customer, telephone: SipTelephone, group: SkillGroup) -> list[str]:
    return [
        url(customer, "telephone_register"),
        *(url(customer, f"telephone_{act}", pk=telephone.pk) for act in TELEPHONE_ACTS),
        url(customer, "skill_group_add"),
        url(customer, "skill_group_edit", pk=group.pk),
        url(customer, "skill_group_delete", pk=group.pk),
    ]


def make_group(customer: Customer, name: str = "Sales") -> SkillGroup:
    return add_group(application=customer.application, name=name, by=None, now=NOW)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_each_role_gets_in_where_it_may(
    customer: Customer, premium: Package, headers: dict[str, str]
) -> None:
    telephone, _password = register(customer)
    group = make_group(customer)
    stranger = signed_in(make_customer().owner)
    manager = as_role(customer, Role.AGENT_MANAGER)
    readers = [as_role(customer, role) for role in READERS]
    for name in ("telephones", "skill_groups"):
        address = url(customer, name)
        assert stranger.get(address, headers=headers).status_code == 404
        for member in [manager, *readers]:
            assert member.get(address, headers=headers).status_code == 200
    for address in addresses(customer, telephone, group):
        assert manager.get(address, headers=headers).status_code == 200
        for method in ("get", "post"):
            assert getattr(stranger, method)(address, headers=headers).status_code == 404
            for reader in readers:
                assert getattr(reader, method)(address, headers=headers).status_code == 403


def test_in_a_suspended_account_nothing_is_written(customer: Customer, premium: Package) -> None:
    telephone, _password = register(customer)
    group = make_group(customer)
    agent = make_agent(customer.application, staff_number="S1")
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number="V1",
        reason="r",
        by=None,
        now=NOW,
    )
    owner = signed_in(customer.owner)
    before = [list(model.objects.values()) for model in (SipTelephone, SkillGroup)]
    form = {"label": "X", "extension": "2999", "agent": agent.staff_number, "name": "New"}
    for address in addresses(customer, telephone, group):
        assert owner.get(address).status_code == 200
        assert (address, owner.post(address, form).status_code) == (address, 422)
    assert [list(model.objects.values()) for model in (SipTelephone, SkillGroup)] == before
    restricted = SipTelephone.objects.in_state(ServiceState.ACCOUNT_RESTRICTED, timezone.now())
    assert list(restricted) == [telephone]


def test_the_password_is_shown_once(customer: Customer, premium: Package) -> None:

    owner = signed_in(customer.owner)
    answer = owner.post(
        url(customer, "telephone_register"), {"label": "Desk", "extension": "2001"}, headers=HTMX
    )
    assert answer.status_code == 200
    assert "agents-changed" in answer["HX-Trigger"]
    shown = re.search(r'class="secret"[^>]*>(\w{20})<', answer.content.decode())
    assert shown is not None
    telephone = SipTelephone.objects.get()
    assert check_password(shown[1], telephone.password)
    for name in ("telephones", "management"):
        assert shown[1] not in owner.get(url(customer, name)).content.decode()
    reset = owner.post(url(customer, "telephone_reset", pk=telephone.pk), headers=HTMX)
    again = re.search(r'class="secret"[^>]*>(\w{20})<', reset.content.decode())
    assert again is not None
    telephone.refresh_from_db()
    assert check_password(again[1], telephone.password)


def test_a_telephone_is_bound_by_staff_number(customer: Customer, premium: Package) -> None:
    telephone, _password = register(customer)
    agent = make_agent(customer.application, staff_number="S1", license=licenses_of(premium)[0])
    make_agent(make_customer(trial=False).application, staff_number="S2")
    owner = signed_in(customer.owner)
    address = url(customer, "telephone_bind", pk=telephone.pk)
    assert owner.post(address, {"agent": "s2"}).status_code == 422
    assert owner.post(address, {"agent": "s1"}).status_code == 302
    telephone.refresh_from_db()
    assert telephone.agent == agent
    page = owner.get(url(customer, "management")).content.decode()
    assert "SIP 2001" in page


# --- Skill groups --------------------------------------------------------------------------


def test_a_group_is_made_renamed_and_deleted_and_its_agents_stay(customer: Customer) -> None:
    owner = signed_in(customer.owner)
    assert owner.post(url(customer, "skill_group_add"), {"name": " Sales "}).status_code == 302
    group = SkillGroup.objects.get()
    assert group.name == "Sales"
    assert owner.post(url(customer, "skill_group_add"), {"name": "SALES"}).status_code == 422
    agent = make_agent(customer.application)
    agent.groups.add(group, through_defaults={"account": customer.account})
    edit = url(customer, "skill_group_edit", pk=group.pk)
    assert owner.post(edit, {"name": "sales"}).status_code == 302
    delete = url(customer, "skill_group_delete", pk=group.pk)
    assert "1 agent leaves the group" in owner.get(delete).content.decode()
    assert owner.post(delete).status_code == 302
    assert SkillGroup.objects.count() == 0
    assert Agent.objects.get() == agent
    verbs = AuditEvent.objects.filter(verb__startswith="skill_group").order_by("pk")
    assert [event.verb for event in verbs] == [
        "skill_group.added",
        "skill_group.renamed",
        "skill_group.deleted",
    ]


def test_groups_have_a_limit_and_a_deleted_one_is_said_to_be_gone(customer: Customer) -> None:
    group = make_group(customer)
    SkillGroup.objects.bulk_create(
        SkillGroup(
            account=customer.account, application=customer.application, name=f"G{n}", created_at=NOW
        )
        for n in range(GROUP_LIMIT - 1)
    )
    with pytest.raises(Refused) as refusal:
        make_group(customer, "One more")
    assert refusal.value.code == "too_many_groups"
    SkillGroup.objects.filter(pk=group.pk).delete()
    for act in (
        lambda: rename_group(group=group, name="X", by=None, now=NOW),
        lambda: delete_group(group=group, by=None, now=NOW),
    ):
        with pytest.raises(Refused) as refusal:
            act()
        assert refusal.value.code == "group_gone"
