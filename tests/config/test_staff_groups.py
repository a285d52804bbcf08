"""Staff of each group see and do exactly their part, on every page of the administration."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.base import ObjectActions
from accounts.models import Proposal, User
from accounts.services.proposals import KINDS
from billing.enums import CreditStatus, RefundStatus
from billing.models import Credit, PriceBook, Refund
from compliance.enums import CaseState
from compliance.models import Violation
from config.staff.groups import GROUPS
from config.staff.status import MAY_SEE_STATUS
from tests.approving import approve_waiting
from tests.tiers import NIGHTLY

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOBODY = "no group"
#: Rows that every request writes: they are not what a page is about.
OF_REQUESTS = {"django_session", "usersessions_usersession", "cache"}
#: What someone might send to any form of the admin, whichever it has.
FORGED = {
    "action": "delete_selected",
    "post": "yes",
    "select_across": "1",
    "_save": "Save",
    "reason": "Forged",
    "note": "Forged",
    "name": "Forged",
    "email": "forged@example.com",
    "is_staff": "on",
    "is_superuser": "on",
    "status": "active",
    "amount": "1000000.00",
    "form-TOTAL_FORMS": "1",
    "form-INITIAL_FORMS": "1",
    "form-0-status": "active",
    "form-0-balance": "1000000.00",
}


@dataclass(frozen=True)
class Door:
    """One address of the administration, and the rights of which one opens it."""

    name: str
    url: str
    keys: frozenset[str]
    key: str
    pk: int | None = None

    def opens_to(self, rights: frozenset[str]) -> bool:
        """Whether someone with these rights gets in."""
        return bool(self.keys & rights) and self.key in rights


def doors() -> Iterator[Door]:
    """The page of the console's status, and every page of every table, on its newest row."""
    yield Reading("admin:status", reverse("admin:status"), frozenset({MAY_SEE_STATUS}), "")
    for model, model_admin in admin.site._registry.items():
        app, table = model._meta.app_label, model._meta.model_name
        view = f"{app}.view_{table}"
        # The library's rule: anyone who may change may read.
        readers = frozenset({view, f"{app}.change_{table}"})
        path = f"admin:{app}_{table}"

        def door(name: str, *args: Any, key: str = "", pk: int | None = None) -> Door:
            url = reverse(f"{path}_{name}", args=args)  # noqa: B023 - called in this round
            keys = readers if not key or name == "act" else frozenset({key})  # noqa: B023
            own = key or next(iter(keys))
            label = f"{path}_{name}_{args[1] if name == 'act' else ''}"  # noqa: B023
            return Door(label, url, keys, own, pk)

        if getattr(model_admin, "add_form", None):
            yield door("add", key=f"{app}.add_{table}")
        else:
            yield Door(f"{path}_add", reverse(f"{path}_add"), frozenset(), "never")
        rows = model._default_manager.order_by("-pk")
        # Staff are out of helpers' reach, which has a test of its own.
        row = (rows.filter(is_staff=False) if model is User else rows).first()
        yield Reading(f"{path}_changelist", reverse(f"{path}_changelist"), readers, "")
        if row is None:
            continue
        yield Reading(f"{path}_change", reverse(f"{path}_change", args=[row.pk]), readers, "")
        yield Door(f"{path}_delete", reverse(f"{path}_delete", args=[row.pk]), frozenset(), "never")
        if isinstance(model_admin, ObjectActions):
            for name, act in model_admin.object_actions.items():
                # The right to decide on a proposal is the one for what it proposes.
                key = KINDS[row.kind].permission if isinstance(row, Proposal) else act.permission
                if name != "withdraw" or model is not Proposal:
                    yield door("act", row.pk, name, key=key, pk=row.pk)


class Reading(Door):
    """A page that is read, and changes nothing whatever is sent to it."""

    def opens_to(self, rights: frozenset[str]) -> bool:
        return bool(self.keys & rights)


@pytest.fixture
def scene(demo: str, settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = False


def enter(group: str) -> tuple[Client, frozenset[str]]:
    user = User.objects.create_user(f"{group.split(maxsplit=1)[0]}@example.com", is_staff=True)
    if group != NOBODY:
        user.groups.add(Group.objects.get(name=group))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client, GROUPS.get(group, frozenset())


def fingerprint() -> dict[str, str]:
    """The content of every table, in short."""
    tables = set(connection.introspection.table_names()) - OF_REQUESTS
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(
                "SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) "
                f"FROM {table} t"
            )
            found[table] = cursor.fetchone()[0]
    return found


def test_the_database_has_the_groups_of_the_table() -> None:
    found = {
        group.name: frozenset(
            f"{app}.{codename}"
            for app, codename in group.permissions.values_list(
                "content_type__app_label", "codename"
            )
        )
        for group in Group.objects.all()
    }
    assert found == GROUPS


#: Of the doors that are closed to a group, what part is sent a forged form. Each group has its
#: own share, and the nightly run tries all.
SHARE = 3

#: Written by services alone, or never again once written.
NEVER_WRITTEN = {
    *("auditevent", "evidence", "fund", "ledgerentry", "ledgertransaction", "license", "order"),
    *("orderline", "payment", "refund", "refundline", "restriction", "violation", "violationevent"),
}


def test_no_group_may_write_money_or_history_by_the_librarys_own_forms() -> None:
    given = {right.partition(".")[2] for rights in GROUPS.values() for right in rights}
    written = {
        codename
        for codename in given
        if codename.partition("_")[0] in {"change", "delete"}
        and codename.partition("_")[2] in NEVER_WRITTEN
    }
    assert written == set()


def test_support_reads_and_hands_people_out_what_is_stored_about_them() -> None:
    acts = {right for right in GROUPS["Support"] if ".view_" not in right}
    assert acts == {"accounts.export_user"}


@pytest.mark.parametrize("group", [*GROUPS, NOBODY])
def test_each_group_opens_its_own_doors_and_forces_no_other(scene: None, group: str) -> None:
    client, rights = enter(group)
    found = list(doors())
    wrong = []
    for door in found:
        status = client.get(door.url).status_code
        # An act that the row is not in a state for leads back to its page.
        expected = {200, 302} if door.opens_to(rights) else {403}
        if status not in expected:
            wrong.append((door.name, status))
    assert wrong == []

    # Whatever is sent to a door that is closed, or to a list, changes no row.
    before = fingerprint()
    answers = []
    closed = [door for door in found if isinstance(door, Reading) or not door.opens_to(rights)]
    for number, door in enumerate(closed):
        if NIGHTLY or number % SHARE == len(group) % SHARE:
            data = {**FORGED, "_selected_action": str(door.pk or 1), "form-0-id": str(door.pk or 1)}
            answers.append((door.name, client.post(door.url, data).status_code))
    assert [answer for answer in answers if answer[1] >= 500] == []
    assert {table: was for table, was in fingerprint().items() if was != before[table]} == {}
    assert len(answers) > 20


def test_helpers_cannot_take_over_staff(scene: None) -> None:
    client, _rights = enter(NOBODY)
    helper = User.objects.latest("pk")
    helper.user_permissions.set(
        Permission.objects.filter(codename="change_user", content_type__app_label="accounts")
    )
    other = User.objects.get(email="ada.admin@example.com")
    customer = User.objects.get(email="victor.viewer@example.com")

    def reset(user: User) -> int:
        url = reverse("admin:accounts_user_act", args=[user.pk, "reset-second-factor"])
        return client.get(url).status_code

    assert (reset(other), reset(customer)) == (403, 200)


def act(client: Client, row: Any, name: str, **data: Any) -> None:
    """Open the page of an act, and send its form."""
    path = f"admin:{row._meta.app_label}_{row._meta.model_name}_act"
    url = reverse(path, args=[row.pk, name])
    page = client.get(url)
    if page.status_code == 200:
        client.post(url, {"reason": "Looked into", "seen": page.context["seen"], **data})


def test_billing_operations_approve_the_credit_that_waits(scene: None) -> None:
    client, _rights = enter("Billing operations")
    credit = Credit.objects.get(status=CreditStatus.WAITING)
    act(client, credit, "approve")
    credit.refresh_from_db()
    assert credit.status == CreditStatus.BOOKED


def test_refund_review_approves_the_refund_that_waits(scene: None) -> None:
    client, _rights = enter("Refund review")
    refund = Refund.objects.get(status=RefundStatus.PENDING)
    act(client, refund, "approve")
    refund.refresh_from_db()
    assert refund.status == RefundStatus.DONE


def test_compliance_takes_up_the_complaint_that_waits(scene: None) -> None:
    client, _rights = enter("Compliance")
    case = Violation.objects.get(state=CaseState.REPORTED)
    act(client, case, "investigate")
    case.refresh_from_db()
    assert case.state == CaseState.INVESTIGATING


def test_catalog_publishes_prices(scene: None) -> None:
    client, _rights = enter("Catalog")
    with (settings.BASE_DIR / "billing/data/price_book.json").open("rb") as file:
        at = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        client.post(
            reverse("admin:billing_pricebook_add"),
            {"file": file, "effective_at": at, "reason": "New"},
        )
    assert PriceBook.objects.count() == 1
    colleague = User.objects.get(email="cora.catalog@example.com")
    approve_waiting(by=colleague)
    assert PriceBook.objects.count() == 2


def test_administrators_change_rights_but_not_their_own(scene: None) -> None:
    client, _rights = enter("Administrators")
    own = User.objects.latest("pk")
    other = User.objects.get(email="sam.staff@example.com")
    catalog = Group.objects.get(name="Catalog")

    for user in (own, other):
        act(client, user, "staff-rights", is_staff="on", groups=[catalog.pk])

    assert list(own.groups.values_list("name", flat=True)) == ["Administrators"]
    assert not other.groups.filter(name="Catalog").exists()
    approve_waiting(by=User.objects.get(email="ada.admin@example.com"))
    assert list(other.groups.values_list("name", flat=True)) == ["Catalog"]
