"""One member of staff with sign-ins of their own making moves no money, right, price or service.

`ALONE` is the whole list of what one person changes, act by act over everything that the
administration offers; a new act has to be entered here before these tests pass.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.admin.base import ObjectActions
from accounts.enums import Role
from accounts.jobs import SEND_MAIL, defer
from accounts.models import Account, Job, Membership, Proposal, User
from accounts.services.audit import Event, record
from accounts.services.people import register_person
from accounts.services.proposals import propose
from accounts.services.restrictions import restrict_by_staff
from billing.catalog.publishing import publish_price_book
from billing.grants.credits import record_credit
from billing.models import Credit, Fund
from billing.refunds.holds import place_refund_hold
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from compliance.enums import CaseState
from compliance.models import Evidence, FlagWord, Industry, ScreeningEntry
from compliance.services.evidence import attach_evidence
from config.staff.groups import GROUPS
from tests import factories as make
from tests.factories import DAY, HOUR, make_staff, signed_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _without_factors(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.STAFF_SECOND_FACTOR = False
    field: Any = Evidence._meta.get_field("file")
    monkeypatch.setattr(field, "storage", FileSystemStorage(location=str(tmp_path)))


def give_every_group(user: User) -> User:
    user.is_staff = True
    user.save()
    user.groups.set(Group.objects.all())
    return User.objects.get(pk=user.pk)


def make_boss() -> User:
    """Someone with the rights of every group, for long."""
    return give_every_group(make.make_user())


def make_puppet(boss: User) -> User:
    """A sign-in that the boss made an hour ago, and that has every right by whatever way."""
    then = timezone.now() - HOUR
    name = f"puppet{uuid4().hex[:8]}@example.com"
    puppet = give_every_group(register_person(email=name, name="", by=boss, now=then))
    given = Event(
        verb="user.rights_changed",
        target=puppet,
        from_state="customer",
        to_state="staff",
        data={"from": [], "to": sorted(GROUPS)},
    )
    record([given], account=None, by=boss, now=then)
    return puppet


def address(obj: Any, act: str) -> str:
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_act"
    return reverse(name, args=[obj.pk, act])


# --- What is at stake --------------------------------------------------------------------------

STAKES = {
    "money": "SELECT id, balance FROM billing_fund",
    "coupons": "SELECT id, amount, remaining, percent_off, withdrawn_at FROM billing_coupon",
    "prices": """
        SELECT 'book', id, effective_at FROM billing_pricebook
        UNION ALL SELECT 'promotion', id, ends_at FROM billing_promotion
        UNION ALL SELECT 'features', id, effective_at FROM billing_featuretable
    """,
    "withdrawn prices": "SELECT id, book_id FROM billing_pricebookwithdrawal",
    "packages": "SELECT id, state, expires_at, is_switched_from_postpaid FROM billing_package",
    "refunds": "SELECT id, status FROM billing_refund",
    "refund holds": "SELECT id, released_at FROM billing_refundhold",
    "members": "SELECT account_id, user_id, role FROM accounts_membership",
    "staff": """
        SELECT u.id, u.is_staff, u.is_superuser, g.group_id FROM accounts_user u
        LEFT JOIN accounts_user_groups g ON g.user_id = u.id
        WHERE u.is_staff OR u.is_superuser OR g.group_id IS NOT NULL
    """,
    "sign-ins": "SELECT id, is_active FROM accounts_user",
    "accounts": "SELECT id, entity_id, status FROM accounts_account",
    "companies": "SELECT id, name, kind, registration_number FROM accounts_entity",
    "measures": "SELECT id, measure, ended_at FROM accounts_restriction",
    "cases": "SELECT id, state, measure, lifted_at FROM compliance_violation",
    "businesses": "SELECT id, state FROM compliance_connectionrequest",
}


def at_stake() -> dict[str, list[Any]]:
    found = {}
    with connection.cursor() as cursor:
        for name, sql in STAKES.items():
            cursor.execute(sql)
            found[name] = sorted(cursor.fetchall(), key=repr)
    return found


def moved(before: dict[str, list[Any]]) -> set[str]:
    return {name for name, rows in at_stake().items() if rows != before[name]}


# --- Everything that the administration offers -------------------------------------------------

#: What one person changes by each act, with the sign-ins of their own. What is not empty protects
#: (takes a right, a price or a coupon away before it works), or decides nothing yet.
ALONE: dict[str, set[str]] = {
    "accounts.account add": set(),
    "accounts.account rename": set(),
    "accounts.account restrict": set(),
    # A company without an account may do nothing.
    "accounts.entity add": {"companies"},
    "accounts.entity correct": set(),
    "accounts.job cancel": set(),
    "accounts.job run-again": set(),
    "accounts.membership add": set(),
    "accounts.membership change-role": set(),
    "accounts.membership remove": set(),
    "accounts.outgoingmail send-again": set(),
    "accounts.proposal approve": set(),
    "accounts.proposal reject": set(),
    "accounts.proposal withdraw": set(),
    "accounts.restriction lift": set(),
    # A sign-in without a right.
    "accounts.user add": {"sign-ins"},
    "accounts.user deactivate": {"sign-ins"},
    "accounts.user erase": set(),
    "accounts.user export": set(),
    "accounts.user reactivate": set(),
    "accounts.user reset-second-factor": set(),
    "accounts.user sign-out": set(),
    "accounts.user staff-rights": set(),
    "billing.coupon add": set(),
    "billing.coupon withdraw": {"coupons"},
    "billing.credit add": set(),
    "billing.credit approve": set(),
    "billing.credit reject": set(),
    "billing.credit take-back": set(),
    "billing.featuretable add": set(),
    "billing.package give-time-back": set(),
    "billing.package record-switch": set(),
    "billing.pricebook add": set(),
    "billing.pricebook withdraw": {"withdrawn prices"},
    "billing.promotion add": set(),
    "billing.promotion end-now": set(),
    "billing.refund approve": set(),
    "billing.refund reject": set(),
    # A hold only makes people look at refunds.
    "billing.refundhold add": {"refund holds"},
    "billing.refundhold release": {"refund holds"},
    "compliance.appeal overturn": set(),
    "compliance.appeal uphold": set(),
    "compliance.connectionrequest approve": set(),
    "compliance.connectionrequest refuse": set(),
    "compliance.connectionrequest revoke": set(),
    "compliance.evidence disclose": set(),
    "compliance.evidence hide": set(),
    "compliance.flagword add": set(),
    "compliance.flagword edit": set(),
    "compliance.industry add": set(),
    "compliance.industry edit": set(),
    "compliance.screeningentry add": set(),
    "compliance.screeningentry edit": set(),
    # A case is looked into by one person; its measure is taken by two.
    "compliance.violation add": {"cases"},
    "compliance.violation add-evidence": set(),
    "compliance.violation amend": set(),
    "compliance.violation dismiss": {"cases"},
    "compliance.violation investigate": {"cases"},
    "compliance.violation lift": set(),
    "compliance.violation take-measure": set(),
    "compliance.violation verify": {"cases"},
}


def offered() -> Iterator[str]:
    for model, page in admin.site._registry.items():
        if getattr(page, "add_form", None):
            yield f"{model._meta.label_lower} add"
        if isinstance(page, ObjectActions):
            for name in page.object_actions:
                yield f"{model._meta.label_lower} {name}"


def test_every_act_of_staff_is_in_the_table() -> None:
    assert sorted(offered()) == sorted(ALONE)


class Scene:
    """A customer with something of everything, and someone who is after it."""

    def __init__(self) -> None:
        now = timezone.now()
        self.now = now
        self.boss = make_boss()
        self.puppets = [make_puppet(self.boss), make_puppet(self.boss)]
        self.clerk = make_staff()
        self.customer = make.make_customer(cash="500", now=now - 2 * DAY)
        self.account = self.customer.account
        make.buy(self.customer.application, now=now - DAY)
        self.package = make.current_package(self.customer.application)
        self.member = make.make_member(self.account, Role.VIEWER, now=now - DAY)

    def form(self, key: str) -> tuple[Any, dict[str, Any]]:
        """Return what an act is done to, and the form for it."""
        name = key.replace(".", "_").replace(" ", "_").replace("-", "_")
        found: tuple[Any, dict[str, Any]] = getattr(self, name)()
        return found

    # --- accounts

    def accounts_account_add(self) -> Any:
        number = self.account.entity.registration_number
        email = self.puppets[0].email
        return None, {"registration_number": number, "name": "Mine", "owner": email}

    def accounts_account_rename(self) -> Any:
        return self.account, {"name": "Other"}

    def accounts_account_restrict(self) -> Any:
        return self.account, {"measure": "block"}

    def accounts_entity_add(self) -> Any:
        return None, {"name": "New", "kind": "enterprise", "registration_number": "N-77"}

    def accounts_entity_correct(self) -> Any:
        new = {"name": "New", "kind": "individual", "registration_number": "N-78"}
        return self.account.entity, new

    def accounts_job_cancel(self) -> Any:
        defer(SEND_MAIL, {"ids": [0]})
        return Job.objects.latest("pk"), {}

    def accounts_job_run_again(self) -> Any:
        job, nothing = self.accounts_job_cancel()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [job.pk]
            )
        return job, nothing

    def accounts_membership_add(self) -> Any:
        email = self.puppets[1].email
        return None, {"account": self.account.uin, "email": email, "role": "owner"}

    def _membership(self) -> Membership:
        return Membership.objects.get(account=self.account, user=self.member)

    def accounts_membership_change_role(self) -> Any:
        return self._membership(), {"role": "owner"}

    def accounts_membership_remove(self) -> Any:
        return self._membership(), {}

    def accounts_outgoingmail_send_again(self) -> Any:
        return None, {}

    def _proposal(self) -> Proposal:
        return propose(
            "member.add",
            account=self.account,
            payload={"user": make.make_user().pk, "role": "owner"},
            reason="x",
            by=self.boss,
            now=self.now,
        )

    def accounts_proposal_approve(self) -> Any:
        return self._proposal(), {}

    accounts_proposal_reject = accounts_proposal_withdraw = accounts_proposal_approve

    def accounts_restriction_lift(self) -> Any:
        measure = restrict_by_staff(
            account=self.account,
            measure="suspend",
            reason="Of the test",
            by=None,  # type: ignore[arg-type]
            now=self.now,
        )
        return measure, {}

    def accounts_user_add(self) -> Any:
        return None, {"email": "third@example.com", "name": "Third"}

    def accounts_user_deactivate(self) -> Any:
        return self.member, {}

    def accounts_user_reactivate(self) -> Any:
        User.objects.filter(pk=self.member.pk).update(is_active=False)
        return self.member, {}

    def accounts_user_reset_second_factor(self) -> Any:
        return self.member, {}

    accounts_user_erase = accounts_user_export = accounts_user_reset_second_factor
    accounts_user_sign_out = accounts_user_reset_second_factor

    def accounts_user_staff_rights(self) -> Any:
        groups = list(Group.objects.values_list("pk", flat=True))
        return make.make_user(), {"is_staff": "on", "groups": groups}

    # --- billing

    def _dates(self) -> dict[str, str]:
        start, end = timezone.localtime(self.now - DAY), timezone.localtime(self.now + DAY)
        form = "%Y-%m-%dT%H:%M"
        return {"starts_at": start.strftime(form), "ends_at": end.strftime(form)}

    def billing_coupon_add(self) -> Any:
        form = {"code": f"BIG-{uuid4().hex[:6]}", "kind": "voucher", "currency": "USD"}
        value = {"amount": "900000", "minimum_spend": "0"}
        return None, {"account": self.account.uin, **form, **value, **self._dates()}

    def billing_coupon_withdraw(self) -> Any:
        return make.make_coupon(self.account, now=self.now), {}

    def billing_credit_add(self) -> Any:
        # The first 10,000.00 of the day are one person's to record, and are gone already.
        record_credit(
            account=self.account,
            fund_kind="gift",
            amount=Decimal("9999.99"),
            currency="USD",
            reference="OF-THE-DAY",
            by=self.clerk,
            now=self.now,
        )
        form = {"fund_kind": "gift", "amount": "10000", "currency": "USD"}
        return None, {"account": self.account.uin, **form, "reference": f"X-{uuid4()}"}

    def _credit(self, amount: str) -> Credit:
        return record_credit(
            account=self.account,
            fund_kind="gift",
            amount=Decimal(amount),
            currency="USD",
            reference=f"C-{uuid4()}",
            by=self.boss,
            now=self.now,
        )

    def billing_credit_approve(self) -> Any:
        return self._credit("1000000"), {}

    def billing_credit_take_back(self) -> Any:
        return self._credit("5"), {}

    billing_credit_reject = billing_credit_approve

    def _file(self, name: str) -> dict[str, Any]:
        content = (Path(settings.BASE_DIR) / "billing/data" / name).read_bytes()
        at = timezone.localtime(self.now + DAY).strftime("%Y-%m-%dT%H:%M")
        return {"file": SimpleUploadedFile(name, content), "effective_at": at}

    def billing_featuretable_add(self) -> Any:
        return None, self._file("feature_table.json")

    def billing_pricebook_add(self) -> Any:
        return None, self._file("price_book.json")

    def billing_pricebook_withdraw(self) -> Any:
        data = json.loads(self._file("price_book.json")["file"].read())
        later = self.now + DAY
        return publish_price_book(data=data, effective_at=later, by=None, now=self.now), {}

    def billing_package_give_time_back(self) -> Any:
        return self.package, {"days": "300", "hours": "0"}

    def billing_package_record_switch(self) -> Any:
        return self.package, {"is_switched": "yes"}

    def billing_promotion_add(self) -> Any:
        form = {"code": f"p-{uuid4().hex[:6]}", "name": "P", "percent_off": "99"}
        return None, {**form, "minimum_terms": "1", "refund_rule": "policy", **self._dates()}

    def billing_promotion_end_now(self) -> Any:
        return make.make_promotion(now=self.now), {}

    def billing_refund_approve(self) -> Any:
        place_refund_hold(account=self.account, reason="x", by=self.clerk, now=self.now)
        token = quote_refund(package=self.package, now=self.now).token
        asked = refund_package(package=self.package, token=token, by=self.puppets[0], now=self.now)
        assert asked.status == "pending"
        return asked, {}

    billing_refund_reject = billing_refund_approve

    def billing_refundhold_add(self) -> Any:
        return None, {"account": self.account.uin}

    def billing_refundhold_release(self) -> Any:
        hold = place_refund_hold(account=self.account, reason="x", by=self.clerk, now=self.now)
        return hold, {}

    # --- compliance

    def _case(self, state: CaseState) -> Any:
        return make.make_case(self.customer, state, handler=self.boss, now=self.now)

    def compliance_appeal_overturn(self) -> Any:
        return self._case(CaseState.APPEALED).appeals.get(), {}

    compliance_appeal_uphold = compliance_appeal_overturn

    def _request(self) -> Any:
        return make.make_connection_request(self.customer, by=self.puppets[0], now=self.now)

    def compliance_connectionrequest_approve(self) -> Any:
        return self._request(), {}

    compliance_connectionrequest_refuse = compliance_connectionrequest_approve

    def compliance_connectionrequest_revoke(self) -> Any:
        request = make.make_connection_request(self.customer, now=self.now)
        return make.approve_connection(request, by=self.clerk), {}

    def compliance_evidence_disclose(self, *, is_disclosed: bool = False) -> Any:
        case = self._case(CaseState.VERIFIED)
        file = attach_evidence(
            violation=case,
            upload=make.make_file(),
            is_disclosed=is_disclosed,
            by=self.clerk,
            now=self.now,
        )
        return file, {}

    def compliance_evidence_hide(self) -> Any:
        return self.compliance_evidence_disclose(is_disclosed=True)

    def compliance_flagword_add(self) -> Any:
        return None, {"word": f"word{uuid4().hex[:5]}", "note": "", "is_active": "on"}

    def compliance_flagword_edit(self) -> Any:
        return FlagWord.objects.first(), {"word": "other", "note": ""}

    def compliance_industry_add(self) -> Any:
        return None, {"name": f"I{uuid4().hex[:5]}", "name_zh": "", "position": "99"}

    def compliance_industry_edit(self) -> Any:
        return Industry.objects.first(), {"name": "Other", "name_zh": "", "position": "1"}

    def compliance_screeningentry_add(self) -> Any:
        return None, {"name": "Other"}

    def compliance_screeningentry_edit(self) -> Any:
        return ScreeningEntry.objects.first(), {"name": "Other"}

    def compliance_violation_add(self) -> Any:
        form = {"behaviour": "1", "source": "regulator", "summary": "They say so."}
        return None, {"account": self.account.uin, **form, "request_key": str(uuid4())}

    def compliance_violation_add_evidence(self) -> Any:
        return self._case(CaseState.VERIFIED), {"attachments": make.make_file()}

    def compliance_violation_amend(self) -> Any:
        return self._case(CaseState.REPORTED), {"source": "carrier", "summary": "Other."}

    def compliance_violation_investigate(self) -> Any:
        return self._case(CaseState.REPORTED), {}

    def compliance_violation_dismiss(self) -> Any:
        return self._case(CaseState.INVESTIGATING), {"finding": "Untrue."}

    def compliance_violation_verify(self) -> Any:
        return self._case(CaseState.INVESTIGATING), {"finding": "True.", "behaviour": "2"}

    def compliance_violation_take_measure(self) -> Any:
        return self._case(CaseState.VERIFIED), {"measure": "suspend"}

    def compliance_violation_lift(self) -> Any:
        return self._case(CaseState.ACTIONED), {}


#: Acts whose first post is refused or does nothing immediately: they end what someone else began.
DECIDING = {
    "accounts.outgoingmail send-again",
    "accounts.proposal approve",
    "accounts.proposal reject",
    "billing.credit approve",
    "billing.credit reject",
    "billing.refund approve",
    "billing.refund reject",
    "compliance.appeal overturn",
    "compliance.appeal uphold",
    "compliance.connectionrequest approve",
    "compliance.connectionrequest refuse",
    "compliance.screeningentry add",
    "compliance.screeningentry edit",
}


def try_it(scene: Scene, key: str) -> int:
    """Let the boss, then each puppet, do the act, and decide on all that waits then.

    Returns the status of the boss's own answer.
    """
    obj, form = scene.form(key)
    scene.before = at_stake()  # type: ignore[attr-defined]
    label, name = key.split()
    if obj is not None:
        url = address(obj, name)
    elif name == "add":
        url = reverse(f"admin:{label.replace('.', '_')}_add")
    else:
        return 0
    people = [signed_in(user) for user in (scene.boss, *scene.puppets)]
    answers = []
    for client in people:
        for value in form.values():
            if isinstance(value, SimpleUploadedFile):
                value.seek(0)
        answers.append(client.post(url, {"reason": "Because.", **form}).status_code)
    for client in people[::-1]:
        for waiting in (*Proposal.objects.filter(state="waiting"), *_waiting_credits()):
            client.post(address(waiting, "approve"), {"reason": "Because."})
    return answers[0]


def _waiting_credits() -> list[Credit]:
    return list(Credit.objects.filter(status="waiting"))


def test_no_act_of_one_person_moves_what_is_at_stake() -> None:
    scene = Scene()
    wrong, refused = {}, set()
    for key, expected in ALONE.items():
        with transaction.atomic():
            status = try_it(scene, key)
            # A file to download is answered with 200.
            if status not in {200, 302}:
                refused.add(key)
            found = moved(scene.before)  # type: ignore[attr-defined]
            if found != expected:
                wrong[key] = found
            transaction.set_rollback(True)
    assert wrong == {}
    # Everything else was really tried: its form was taken.
    assert refused == DECIDING


def test_with_a_real_colleague_the_same_acts_do_happen() -> None:
    """Else the table would pass with forms that nothing follows from."""
    scene = Scene()
    silent = []
    for key in ALONE:
        with transaction.atomic():
            obj, form = scene.form(key)
            before = at_stake()
            label, name = key.split()
            url = (
                address(obj, name)
                if obj is not None
                else reverse(f"admin:{label.replace('.', '_')}_add")
                if name == "add"
                else ""
            )
            if url:
                signed_in(scene.boss).post(url, {"reason": "Because.", **form})
                colleague = signed_in(scene.clerk)
                for waiting in (*Proposal.objects.filter(state="waiting"), *_waiting_credits()):
                    colleague.post(address(waiting, "approve"), {"reason": "Because."})
                if key in DECIDING:
                    colleague.post(url, {"reason": "Because.", **form})
            if not moved(before):
                silent.append(key)
            transaction.set_rollback(True)
    assert [key for key in silent if key not in MOVING_NOTHING] == []


#: Acts that touch nothing at stake, no matter who does them.
MOVING_NOTHING = {
    "accounts.account rename",
    "accounts.job cancel",
    "accounts.job run-again",
    "accounts.outgoingmail send-again",
    "accounts.proposal reject",
    "accounts.proposal withdraw",
    "accounts.user export",
    "accounts.user reset-second-factor",
    "accounts.user sign-out",
    "billing.credit reject",
    "compliance.evidence disclose",
    "compliance.evidence hide",
    "compliance.flagword add",
    "compliance.flagword edit",
    "compliance.industry add",
    "compliance.industry edit",
    "compliance.screeningentry add",
    "compliance.screeningentry edit",
    "compliance.violation add-evidence",
    "compliance.violation amend",
}


# --- The chain of one insider, step by step ----------------------------------------------------


def _post(user: User, name: str, form: dict[str, Any], *args: Any) -> int:
    return signed_in(user).post(reverse(name, args=args), {"reason": "x", **form}).status_code


def test_the_chain_of_an_administrator_with_two_puppets() -> None:
    now: datetime = timezone.now()
    ada = make.make_user("ada@example.com", is_staff=True)
    ada.groups.add(Group.objects.get(name="Administrators"))
    victim = make.make_account(now=now - DAY)
    make.fund_account(victim, cash="43956.74", now=now - DAY)

    # Two sign-ins, which one administrator may make …
    emails = ["one@example.com", "two@example.com"]
    for email in emails:
        assert _post(ada, "admin:accounts_user_add", {"email": email, "name": ""}) == 302
    puppets = [User.objects.get(email=email) for email in emails]
    # … get no right by her word alone, nor by that of one another.
    operations = Group.objects.get(name="Billing operations")
    for puppet in puppets:
        form = {"is_staff": "on", "groups": [operations.pk]}
        assert _post(ada, "admin:accounts_user_act", form, puppet.pk, "staff-rights") == 302
    for proposal in Proposal.objects.all():
        assert _post(ada, "admin:accounts_proposal_act", {}, proposal.pk, "approve") == 403
    assert not User.objects.filter(email__in=emails, is_staff=True).exists()

    # She makes neither herself nor a puppet the owner of a customer's account.
    own = {"account": victim.uin, "email": ada.email, "role": "owner"}
    assert _post(ada, "admin:accounts_membership_add", own) == 422
    other = {**own, "email": emails[0]}
    assert _post(ada, "admin:accounts_membership_add", other) == 302
    assert signed_in(ada).get(f"/console/{victim.uin}/").status_code == 404
    assert signed_in(puppets[0]).get(f"/console/{victim.uin}/").status_code == 404

    # Suppose the puppets had their rights all the same: they do not decide for each other.
    for puppet in puppets:
        puppet.is_staff = True
        puppet.save()
        puppet.groups.add(operations)
    form = {"account": victim.uin, "fund_kind": "cash", "currency": "USD", "amount": "1000000"}
    credit_add = "admin:billing_credit_add"
    assert _post(puppets[0], credit_add, {**form, "reference": "BANK-1"}) == 302
    credit = Credit.objects.get(reference="BANK-1")
    for puppet in puppets:
        assert _post(puppet, "admin:billing_credit_act", {}, credit.pk, "approve") == 403

    # Nor does it come in small pieces.
    for number in range(5):
        piece = {**form, "amount": "10000", "reference": f"PIECE-{number}"}
        assert _post(puppets[number % 2], credit_add, piece) == 302
    assert Fund.objects.get(account=victim).balance == Decimal("53956.74")
    assert Account.objects.get(pk=victim.pk).memberships.count() == 1


def test_a_member_of_staff_credits_no_account_of_their_own() -> None:
    clerk = make.make_user(is_staff=True)
    clerk.groups.add(Group.objects.get(name="Billing operations"))
    account = make.make_account(owner=clerk, now=timezone.now())
    form = {"account": account.uin, "fund_kind": "gift", "currency": "USD", "amount": "10"}
    answer = signed_in(clerk).post(
        reverse("admin:billing_credit_add"), {**form, "reference": "OWN-1"}
    )
    assert answer.status_code == 422
    assert "member of this company" in answer.content.decode()
    assert not Fund.objects.filter(account=account, balance__gt=0).exists()
