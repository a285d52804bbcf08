"""Who did something and when: no row holds half of the answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from accounts.models import User

#: Acts that come later than their row: the model, the act, the CHECK, and who may have done it.
PEOPLE, OR_SYSTEM = False, True
LATER_ACTS = [
    ("accounts.invitation", "accepted", "accounts_invitation_accepted_by_somebody", PEOPLE),
    ("accounts.proposal", "decided", "accounts_proposal_decided_or_waiting", PEOPLE),
    ("agents.agentimport", "started", "agents_import_started_by_person", PEOPLE),
    ("billing.coupon", "withdrawn", "billing_coupon_withdrawn_unused", PEOPLE),
    ("billing.credit", "decided", "billing_credit_decided_by_somebody", PEOPLE),
    ("billing.order", "paid", "billing_order_paid_at_fits_status", OR_SYSTEM),
    ("billing.refund", "decided", "billing_refund_decided_when_not_pending", OR_SYSTEM),
    ("compliance.appeal", "decided", "compliance_appeal_decided_whole", PEOPLE),
    ("compliance.connectionrequest", "decided", "compliance_connection_decided_at", OR_SYSTEM),
]
#: People whose instant has another name: an invitation's `created_at`, and a coupon's proposal.
OTHER_INSTANTS = {("accounts.invitation", "invited"), ("billing.coupon", "approved")}


def acts() -> dict[tuple[str, str], Any]:
    """The instant of every column that names a person who acted; None where there is none."""
    return {
        (model._meta.label_lower, person.name.removesuffix("_by")): next(
            (f for f in model._meta.fields if f.name == f"{person.name.removesuffix('_by')}_at"),
            None,
        )
        for model in apps.get_models()
        for person in model._meta.fields
        if person.related_model is User and person.name.endswith("_by")
    }


def test_every_act_has_an_instant_and_every_later_one_is_in_the_table() -> None:
    found = acts()
    assert {act for act, instant in found.items() if instant is None} == OTHER_INSTANTS
    later = {act for act, instant in found.items() if instant is not None and instant.null}
    assert later == {(model, act) for model, act, _, _ in LATER_ACTS}


@pytest.fixture
def refusal(label: str) -> Callable[[list[str]], str | None]:
    """Return what names the CHECK that refuses a row in which only some columns are filled.

    The row goes into a copy of the table that has its CHECKs, but may leave columns empty: what
    is not known refuses nothing, so that the pair alone decides, whatever the state.
    """
    meta = apps.get_model(label)._meta
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE pairs (LIKE {meta.db_table} INCLUDING CONSTRAINTS)")
        loosened = ", ".join(f'ALTER "{f.column}" DROP NOT NULL' for f in meta.concrete_fields)
        cursor.execute(f"ALTER TABLE pairs {loosened}")

    def insert(columns: list[str]) -> str | None:
        values = ["1" if column.endswith("_id") else "now()" for column in columns]
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO pairs ({', '.join(columns)}) SELECT {', '.join(values)}"
                )
        except IntegrityError as error:
            return str(error.__cause__.diag.constraint_name)  # type: ignore[union-attr]
        return None

    return insert


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("label", "act", "check", "by_system"), LATER_ACTS, ids=[row[0] for row in LATER_ACTS]
)
def test_the_database_refuses_half_of_an_act(
    refusal: Callable[[list[str]], str | None], act: str, check: str, by_system: bool
) -> None:
    person, instant = f"{act}_by_id", f"{act}_at"
    assert refusal([person]) == check
    assert refusal([instant]) == (None if by_system else check)
    assert refusal([instant, person]) is None
    assert refusal(["account_id"]) is None
