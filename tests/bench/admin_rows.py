"""Fills the administration's big tables by plain SQL, each row a changed copy of a real one.

One row of each table comes from the demo's services; the copies get other keys, accounts and
numbers. Every tenth row belongs to one account; the others are spread evenly.
Where a list has filters, the ten oldest rows of all have the filters' rare values: a list that
looks for these from its newest end reads the whole table.
"""

from dataclasses import dataclass, field
from io import StringIO

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from billing.refunds.holds import place_refund_hold
from compliance.enums import CaseState, FileKind
from compliance.models import Evidence
from tests.factories import make_case, make_customer, make_staff

#: Numbers of the copies: the first account, and its first application, have a tenth of all rows.
FIRST_UIN = 800_000_000_000
FIRST_SDKAPPID = 5_000_000_000
BIG_ACCOUNT = str(FIRST_UIN + 1)
BIG_APPLICATION = str(FIRST_SDKAPPID + 10)
#: The beginning that a hundred accounts have in common, each with rows of its own.
SOME_ACCOUNTS = str(FIRST_UIN + 100)[:10]

_ACCOUNT = "{account} + CASE WHEN i % 10 = 0 THEN 0 ELSE i % {spread} END"
_APPLICATION = "{application} + CASE WHEN i % 10 = 0 THEN 9 ELSE i - 1 END"
_USER = "{user} + CASE WHEN i % 10 = 0 THEN 0 ELSE i % {spread} END"
_KEY = "gen_random_uuid()"
_HASH = "md5(i::text) || md5('x' || i)"
#: Every seventh order was paid by a coupon alone; what moved is over three years.
_BY_COUPON = "i % 7 = 0"
_AT = "now() - interval '1 second' * (94608000.0 * ({rows} - i) / {rows})"
_FUND = "{fund} + CASE WHEN i % 10 = 0 THEN 0 ELSE i % {spread} END"
PLACE = {"account_id": _ACCOUNT, "application_id": _APPLICATION}


@dataclass(frozen=True)
class Table:
    """A table with a list: what differs from row to row, and what is looked for.

    `columns` are SQL expressions of `i`, from 1 on; `rare` names the value of each filter that
    only the ten oldest rows have; `terms` are what is typed into the list's search.
    """

    label: str
    columns: dict[str, str]
    terms: tuple[str, ...]
    rare: dict[str, str] = field(default_factory=dict)


#: In the order in which they refer to each other.
TABLES = (
    Table(
        "accounts.entity",
        {"name": "'Harbour ' || lpad(i::text, 9, '0')", "registration_number": "'HR' || i"},
        ("harbour 0000001", "HR5", "H"),
    ),
    Table(
        "accounts.account",
        {
            "uin": f"({FIRST_UIN} + i)::text",
            "entity_id": "{entity} + i - 1",
            "name": "'Harbour ' || lpad(i::text, 9, '0')",
        },
        (BIG_ACCOUNT, SOME_ACCOUNTS, "harbour 0000001", "8"),
        {"status": "blocked"},
    ),
    Table(
        "accounts.user",
        {
            "email": "'person' || lpad(i::text, 9, '0') || '@example.com'",
            "name": "'Person ' || i",
            "is_staff": "false",
            "is_superuser": "false",
        },
        ("person0000001", "person", "p"),
        {"is_staff": "1", "is_active": "0"},
    ),
    Table(
        "accounts.application",
        {
            "account_id": _ACCOUNT,
            "sdkappid": f"{FIRST_SDKAPPID} + i",
            "name": "'Hotline ' || i",
            "name_key": "'hotline ' || i",
        },
        (BIG_APPLICATION, BIG_ACCOUNT, SOME_ACCOUNTS, "hotline 77", "h"),
    ),
    Table(
        "accounts.membership",
        {"account_id": "{account} + i - 1", "user_id": _USER},
        (BIG_ACCOUNT, SOME_ACCOUNTS, "person0000001", "person"),
    ),
    Table(
        "accounts.invitation",
        {
            "account_id": _ACCOUNT,
            "email": "'guest' || i || '@example.com'",
            "token_hash": _HASH,
            "invited_by_id": _USER,
        },
        ("guest77@example.com", BIG_ACCOUNT, SOME_ACCOUNTS),
    ),
    Table(
        "accounts.restriction",
        {"account_id": _ACCOUNT, "case_number": "'VB-' || i"},
        ("VB-77", BIG_ACCOUNT, SOME_ACCOUNTS),
    ),
    Table(
        "accounts.auditevent",
        {"account_id": _ACCOUNT, "actor_id": _USER, "target_id": "i"},
        (BIG_ACCOUNT, SOME_ACCOUNTS, "person000000001@example.com", "person0000001", "harbour"),
    ),
    Table(
        "accounts.notification",
        {"account_id": _ACCOUNT, "user_id": _USER, "dedupe_key": "'bench ' || i"},
        (BIG_ACCOUNT, SOME_ACCOUNTS, "person000000001@example.com", "person0000001"),
    ),
    Table(
        "agents.agent",
        {
            **PLACE,
            "staff_number": "'S' || i",
            "staff_number_key": "'s' || i",
            "email": "'agent' || i || '@example.com'",
            "email_key": "'agent' || i || '@example.com'",
            "extension": "''",
            "license_id": "NULL",
        },
        (BIG_ACCOUNT, BIG_APPLICATION),
    ),
    Table(
        "agents.siptelephone",
        {
            **PLACE,
            "extension": "(i / 10 + 1000)::text",
            "license_id": "NULL",
            "agent_id": "NULL",
        },
        (BIG_ACCOUNT, BIG_APPLICATION),
    ),
    Table(
        "agents.skillgroup",
        {**PLACE, "name": "'Group ' || i", "name_key": "'group ' || i"},
        (BIG_ACCOUNT, BIG_APPLICATION),
    ),
    Table(
        "billing.package",
        # One application has one current package, so each row has an application of its own.
        {"account_id": _ACCOUNT, "application_id": "{application} + i - 1"},
        (BIG_ACCOUNT, BIG_APPLICATION),
        {"state": "refunded", "edition": "premium"},
    ),
    Table(
        "billing.order",
        {"account_id": _ACCOUNT, "payer_id": _ACCOUNT, "number": "'OB-' || i", "key": _KEY},
        ("OB-77", BIG_ACCOUNT),
        {"status": "refused", "kind": "upgrade"},
    ),
    Table(
        "billing.ledgertransaction",
        {
            "account_id": _ACCOUNT,
            "at": _AT,
            "kind": f"CASE WHEN {_BY_COUPON} THEN 'credit' ELSE 'payment' END",
            "order_id": f"CASE WHEN {_BY_COUPON} THEN NULL ELSE {{order}} + i - 1 END",
        },
        (BIG_ACCOUNT, "OB-78", "RB-77"),
    ),
    Table(
        "billing.fund",
        {"account_id": "{account} + i - 1", "kind": "'cash'"},
        (BIG_ACCOUNT,),
    ),
    Table(
        "billing.credit",
        {
            "account_id": _ACCOUNT,
            "reference": "'CB-' || i",
            "transaction_id": "NULL",
            "reverses_id": "NULL",
            "status": "'booked'",
            "fund_kind": "'cash'",
        },
        ("CB-77", BIG_ACCOUNT),
        {"status": "waiting", "fund_kind": "gift"},
    ),
    Table(
        "billing.coupon",
        {"account_id": _ACCOUNT, "code": "'PB-' || i", "kind": "'voucher'"},
        ("PB-77", BIG_ACCOUNT),
        {"kind": "discount"},
    ),
    Table(
        "billing.refund",
        {
            **PLACE,
            "number": "'RB-' || i",
            "entity_id": "{entity} + i - 1",
            "package_id": "{package} + i - 1",
            "key": _KEY,
            "status": "'rejected'",
        },
        ("RB-77", BIG_ACCOUNT),
        {"status": "pending"},
    ),
    Table(
        "billing.refundhold",
        {"account_id": _ACCOUNT, "released_at": "now()"},
        (BIG_ACCOUNT,),
    ),
    Table(
        "compliance.connectionrequest",
        # One request of an application may wait, so each row has an application of its own.
        {
            "account_id": _ACCOUNT,
            "application_id": "{application} + i - 1",
            "number": "'NB-' || i",
            "request_key": _KEY,
            "state": "'refused'",
        },
        ("NB-77", BIG_ACCOUNT, BIG_APPLICATION, SOME_ACCOUNTS),
        {"state": "review"},
    ),
    Table(
        "compliance.violation",
        {
            **PLACE,
            "number": "'VB-' || i",
            "request_key": _KEY,
            "state": "'dismissed'",
            "complaint_number": "'CP-' || i",
            "called_number": "'+86' || i",
            "call_session_id": "'call-' || i",
        },
        ("VB-77", "CP-77", "+8677", "call-77", BIG_ACCOUNT, SOME_ACCOUNTS, "harbour"),
        {"state": "reported"},
    ),
    Table(
        "compliance.appeal",
        {"account_id": _ACCOUNT, "violation_id": "{violation} + i - 1", "state": "'upheld'"},
        ("VB-77", BIG_ACCOUNT, SOME_ACCOUNTS),
        {"state": "open"},
    ),
    Table(
        "compliance.evidence",
        {
            "account_id": _ACCOUNT,
            "public_id": _KEY,
            "violation_id": "{violation} + i - 1",
            "sha256": _HASH,
        },
        ("VB-77", "NB-77", BIG_ACCOUNT, SOME_ACCOUNTS),
    ),
)


#: What belongs to the rows of a list, and is filled where it is asked for.
_PARTS = (
    Table(
        "billing.orderline",
        {
            "account_id": _ACCOUNT,
            "order_id": "{order} + i - 1",
            "application_id": _APPLICATION,
        },
        (),
    ),
    Table(
        "billing.payment",
        {
            "account_id": _ACCOUNT,
            "order_id": "{order} + i - 1",
            "at": _AT,
            "kind": f"CASE WHEN {_BY_COUPON} THEN 'coupon' ELSE 'cash' END",
        },
        (),
    ),
    Table(
        "billing.ledgerentry",
        {
            "transaction_id": "{ledgertransaction} + i - 1",
            "book": "'fund'",
            "fund_id": _FUND,
            "amount": f"CASE WHEN {_BY_COUPON} THEN 120 ELSE -20 END",
        },
        (),
    ),
)

#: What other tables refer to, so it is filled whichever lists are measured.
_REFERRED = {
    "accounts.entity",
    "accounts.account",
    "accounts.user",
    "accounts.application",
    "billing.package",
    "compliance.violation",
}


def fill(rows: int, labels: tuple[str, ...] = ()) -> None:
    """Bring these tables, or all, of the present database to `rows` rows more than the demo has."""
    _make_models()
    _forget_what_only_writing_needs()
    first: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in (*TABLES, *(part for part in _PARTS if part.label in labels)):
            if not labels or table.label in _REFERRED.union(labels):
                _copy(cursor, table, rows, first)
        # What a vacuum would do in the middle of a measurement is done before.
        cursor.execute("VACUUM ANALYZE")


def _make_models() -> None:
    """Let services make a row of each table, to be copied."""
    now = timezone.now()
    call_command("load_demo_data", stdout=StringIO())
    staff, customer = make_staff(), make_customer(now=now)
    case = make_case(customer, CaseState.APPEALED, handler=staff, now=now)
    Evidence.objects.create(
        account=customer.account,
        violation=case,
        name="proof.png",
        content_type=FileKind.PNG,
        size=1,
        sha256="0" * 64,
        uploaded_at=now,
    )
    account = Account.objects.order_by("pk")[0]
    place_refund_hold(account=account, reason="Looks odd.", by=staff, now=now)


def _forget_what_only_writing_needs() -> None:
    """Drop foreign keys, checks and triggers: no list reads them, and a million copies go quickly.

    Whatever is unique stays, since that is an index too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype IN ('f', 'c') AND connamespace = 'public'::regnamespace"
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for listed in (*TABLES, *_PARTS):
            name = apps.get_model(listed.label)._meta.db_table
            cursor.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')


def _copy(cursor: object, table: Table, rows: int, first: dict[str, int]) -> None:
    """Copy the table's oldest row; note the first copy's key under the model's name."""
    model = apps.get_model(table.label)
    filled = {
        column: text.format(rows=rows, spread=max(200, rows // 50), **first)
        for column, text in table.columns.items()
    }
    names = [found.column for found in model._meta.concrete_fields if not found.primary_key]
    values = [_rare(name, filled.get(name, f'm."{name}"'), table.rare) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    cursor.execute(  # type: ignore[attr-defined]
        f'INSERT INTO "{model._meta.db_table}" ({columns})'
        f" SELECT {', '.join(values)} FROM (SELECT * FROM"
        f' "{model._meta.db_table}" ORDER BY id LIMIT 1) AS m, generate_series(1, {rows}) AS i'
        f" ORDER BY i"
    )
    cursor.execute(f'SELECT max(id) FROM "{model._meta.db_table}"')  # type: ignore[attr-defined]
    newest = cursor.fetchone()[0]  # type: ignore[attr-defined]
    first[str(model._meta.model_name)] = newest - rows + 1


def _rare(name: str, expression: str, rare: dict[str, str]) -> str:
    if name not in rare:
        return expression
    value = {"0": "false", "1": "true"}.get(rare[name], f"'{rare[name]}'")
    return f"CASE WHEN i <= 10 THEN {value} ELSE {expression} END"
