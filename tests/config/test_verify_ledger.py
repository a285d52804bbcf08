"""`verify_ledger` names every corruption: each row here plants one behind the console's back."""

import pgtrigger
import pytest
from django.db import connection

from config.verification import CHECKS, find_all_breaches

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

PAID = "(SELECT o.id FROM billing_order o WHERE o.status = 'paid' ORDER BY o.id LIMIT 1)"
NEW = (
    "(SELECT o.id FROM billing_order o WHERE o.status = 'paid' AND o.kind = 'new'"
    " ORDER BY o.id LIMIT 1)"
)
PACKAGE = "(SELECT p.id FROM billing_package p WHERE p.state = 'active' ORDER BY p.id LIMIT 1)"
DONE = "(SELECT r.id FROM billing_refund r WHERE r.status = 'done' ORDER BY r.id LIMIT 1)"
CREDIT = "(SELECT c.id FROM billing_credit c WHERE c.status = 'booked' ORDER BY c.id LIMIT 1)"
AGENT = (
    "(SELECT a.id FROM agents_agent a JOIN billing_license l ON l.id = a.license_id"
    f" WHERE l.package_id = {PACKAGE} ORDER BY a.id LIMIT 1)"
)
CASE = "(SELECT v.id FROM compliance_violation v WHERE v.measure = 'suspend' LIMIT 1)"


def event(verb: str, target: str) -> str:
    """Return the condition that finds the audit event `verb` of an object."""
    return f"verb = '{verb}' AND target_id = {target}"


def without(verb: str, target: str) -> tuple[str, ...]:
    return (f"DELETE FROM accounts_auditevent WHERE {event(verb, target)}",)


def doubled(verb: str, target: str) -> tuple[str, ...]:
    columns = (
        "account_id, at, actor_id, verb, target_type, target_id, target_label, from_state,"
        " to_state, reason, data"
    )
    return (
        (
            f"INSERT INTO accounts_auditevent ({columns}) SELECT {columns} FROM accounts_auditevent"
            f" WHERE {event(verb, target)} ORDER BY id LIMIT 1"
        ),
    )


def altered(verb: str, target: str, change: str) -> tuple[str, ...]:
    return (f"UPDATE accounts_auditevent SET {change} WHERE {event(verb, target)}",)


def dropped(table: str, constraint: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"


#: A name for each corruption, what plants it, and how a message about it begins or reads.
CORRUPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    # --- Audit trail ---
    "paid event missing": (without("order.paid", PAID), "its last audit event says 'unpaid'"),
    "paid event doubled": (doubled("order.paid", PAID), "it begins at 'unpaid'"),
    "paid event with another amount": (
        altered("order.paid", PAID, """data = data || '{"total": "1.00"}'"""),
        "('order.paid') tells of another amount",
    ),
    "paid event by someone else": (
        altered("order.paid", PAID, "actor_id = (SELECT max(id) FROM accounts_user)"),
        "('order.paid') tells of another amount, time, person",
    ),
    "paid event at another time": (
        altered("order.paid", PAID, "at = at + interval '1 second'"),
        "('order.paid') tells of another amount, time",
    ),
    "paid event to another state": (
        altered("order.paid", PAID, "to_state = 'refunded'"),
        "records a move from 'unpaid' to 'refunded'",
    ),
    "placed event with another amount": (
        altered("order.placed", PAID, """data = data || '{"total": "1.00"}'"""),
        "('order.placed') tells of another amount",
    ),
    "all events of an order gone": (
        (
            (
                "DELETE FROM accounts_auditevent WHERE target_type = 'billing.order'"
                f" AND target_id = {PAID}"
            ),
        ),
        "the audit trail does not say how it came to be",
    ),
    "event moved to another account": (
        altered(
            "order.paid",
            PAID,
            "account_id = (SELECT id FROM accounts_account a"
            " WHERE a.id <> accounts_auditevent.account_id LIMIT 1)",
        ),
        "which is another account's",
    ),
    "refund event missing": (without("refund.done", DONE), "does not say how it came to be"),
    "refund event with another amount": (
        altered("refund.done", DONE, """data = '{"amount": "0.01"}'"""),
        "('refund.done') tells of another amount",
    ),
    "package refund event with another amount": (
        (
            (
                """UPDATE accounts_auditevent SET data = data || '{"amount": "0.01"}'"""
                " WHERE verb = 'package.refunded'"
            ),
        ),
        "gave back 0.01, which is not so",
    ),
    "purchase event missing": (
        without("package.purchased", PACKAGE),
        "0 audit events say what it did to package",
    ),
    "purchase event doubled": (
        doubled("package.purchased", PACKAGE),
        "2 audit events say what it did to package",
    ),
    "purchase event of another order": (
        altered("package.purchased", PACKAGE, """data = data || '{"order": "1"}'"""),
        "0 audit events say what it did to package",
    ),
    "credit event missing": (without("credit.recorded", CREDIT), "does not say how it came to be"),
    "credit event with another amount": (
        altered("credit.recorded", CREDIT, """data = data || '{"amount": "1.00"}'"""),
        "('credit.recorded') tells of another fund, amount",
    ),
    "status event missing": (
        ("DELETE FROM accounts_auditevent WHERE verb = 'account.status_changed'",),
        "its last audit event says 'active'",
    ),
    "status event altered": (
        (
            (
                "UPDATE accounts_auditevent SET to_state = 'blocked'"
                " WHERE verb = 'account.status_changed' AND to_state = 'suspended'"
            ),
        ),
        "its last audit event says 'blocked'",
    ),
    "restriction event missing": (
        ("DELETE FROM accounts_auditevent WHERE verb = 'account.restricted'",),
        "0 audit events record its start",
    ),
    "case event missing": (
        without("violation.actioned", CASE),
        "its last audit event says 'verified'",
    ),
    "case event with another reason": (
        altered("violation.actioned", CASE, "reason = 'Something else'"),
        "of its history and entry",
    ),
    "case history altered": (
        (f"UPDATE compliance_violationevent SET reason = 'Else' WHERE violation_id = {CASE}",),
        "of its history and entry",
    ),
    "role raised": (
        ("UPDATE accounts_membership SET role = 'owner' WHERE role = 'viewer'",),
        "has the role 'owner', but the last audit event about it says 'viewer'",
    ),
    "order gone with its rows": (
        (
            (
                "DELETE FROM billing_orderline WHERE order_id = (SELECT max(id) FROM billing_order"
                " WHERE status IN ('unpaid', 'expired', 'closed'))"
            ),
            (
                "DELETE FROM billing_order WHERE id = (SELECT max(id) FROM billing_order"
                " WHERE status IN ('unpaid', 'expired', 'closed'))"
            ),
        ),
        "that it tells of is gone",
    ),
    # --- Licenses ---
    "license held twice": (
        (
            dropped("agents_agent", "agents_agent_license_id_key"),
            (
                "UPDATE agents_agent SET license_id ="
                f" (SELECT license_id FROM agents_agent WHERE id = {AGENT})"
                " WHERE id = (SELECT max(id) FROM agents_agent x WHERE x.application_id ="
                f" (SELECT application_id FROM agents_agent WHERE id = {AGENT}))"
            ),
        ),
        "2 agents hold it",
    ),
    "license of another application": (
        (
            (
                "UPDATE agents_agent SET license_id = (SELECT l.id FROM billing_license l"
                f" JOIN billing_package p ON p.id = l.package_id WHERE p.id <> {PACKAGE}"
                " AND l.kind = 'agent' AND p.application_id <> agents_agent.application_id"
                " AND NOT EXISTS (SELECT FROM agents_agent x WHERE x.license_id = l.id) LIMIT 1)"
                f" WHERE id = {AGENT}"
            ),
        ),
        "of another application or account",
    ),
    "license of the wrong kind": (
        (
            (
                "UPDATE billing_license SET kind = 'sip' WHERE id ="
                f" (SELECT license_id FROM agents_agent WHERE id = {AGENT})"
            ),
        ),
        "which is of kind 'sip'",
    ),
    "included license planted": (
        (
            (
                "INSERT INTO billing_license (account_id, package_id, kind, source, created_at)"
                " SELECT account_id, id, 'agent', 'included', created_at FROM billing_package"
                f" WHERE id = {PACKAGE}"
            ),
        ),
        "it should include",
    ),
    "bought license planted": (
        (
            (
                "INSERT INTO billing_license"
                " (account_id, package_id, kind, source, order_line_id, created_at)"
                " SELECT account_id, package_id, kind, source, order_line_id, created_at"
                " FROM billing_license WHERE source = 'bought' ORDER BY id LIMIT 1"
            ),
        ),
        "licenses, and",
    ),
    "license ends for no order": (
        (
            (
                "UPDATE billing_license SET ends_at = now() WHERE id ="
                f" (SELECT min(id) FROM billing_license WHERE package_id = {PACKAGE})"
            ),
        ),
        "that a paid order left it out: False",
    ),
    "license moved to another package": (
        (
            (
                "UPDATE billing_license SET package_id = (SELECT max(id) FROM billing_package)"
                " WHERE id = (SELECT min(id) FROM billing_license WHERE source = 'bought')"
            ),
        ),
        "bought it for package",
    ),
    # --- Packages ---
    "refunded without a refund": (
        (f"UPDATE billing_package SET state = 'refunded' WHERE id = {PACKAGE}",),
        "0 completed refunds stand behind that",
    ),
    "released before its expiry": (
        (
            (
                "INSERT INTO accounts_auditevent (account_id, at, verb, target_type, target_id,"
                " target_label, from_state, to_state, reason, data)"
                " SELECT account_id, now(), 'package.released', 'billing.package', id, '',"
                f" 'isolated', 'released', '', '{{}}' FROM billing_package WHERE id = {PACKAGE}"
            ),
            f"UPDATE billing_package SET state = 'released' WHERE id = {PACKAGE}",
        ),
        "before it expired",
    ),
    "isolated before its expiry": (
        (f"UPDATE billing_package SET state = 'isolated' WHERE id = {PACKAGE}",),
        "it is 'isolated', but its last audit event says 'active'",
    ),
    "expiry a year later": (
        (
            (
                "UPDATE billing_package SET expires_at = expires_at + interval '1 year'"
                f" WHERE id = {PACKAGE}"
            ),
        ),
        "months from",
    ),
    "more months": (
        (
            (
                "UPDATE billing_package SET months = months + 12,"
                f" expires_at = expires_at + interval '12 months' WHERE id = {PACKAGE}"
            ),
        ),
        "months, its orders bought",
    ),
    "time given back by no one": (
        (
            (
                "UPDATE billing_package SET extension = interval '30 days',"
                f" expires_at = expires_at + interval '30 days' WHERE id = {PACKAGE}"
            ),
        ),
        "were given back, its audit events say",
    ),
    "the other edition for free": (
        (
            (
                "UPDATE billing_package SET edition = CASE edition WHEN 'premium' THEN 'essential'"
                f" ELSE 'premium' END WHERE id = {PACKAGE}"
            ),
        ),
        "its edition is",
    ),
    "the other term": (
        (
            (
                "UPDATE billing_package SET term_unit = CASE term_unit WHEN 'year' THEN 'month'"
                f" ELSE 'year' END WHERE id = {PACKAGE}"
            ),
        ),
        "its term is",
    ),
    "purchase date moved for a new refund window": (
        (f"UPDATE billing_package SET purchased_at = now() WHERE id = {PACKAGE}",),
        "purchases say",
    ),
    "longer trial": (
        (
            (
                "UPDATE billing_package SET expires_at = expires_at + interval '1 day'"
                " WHERE kind = 'trial'"
            ),
        ),
        "its last audit event about that says",
    ),
    "trial granted twice": (
        (
            (
                "INSERT INTO accounts_auditevent (account_id, at, verb, target_type, target_id,"
                " target_label, from_state, to_state, reason, data)"
                " SELECT account_id, at, verb, target_type, target_id, '', '', 'trial', '', data"
                " FROM accounts_auditevent WHERE verb = 'package.trial_granted' LIMIT 1"
            ),
        ),
        "it was granted 2 trials",
    ),
    "trial without a grant": (
        (
            (
                "DELETE FROM billing_trialgrant WHERE package_id IN"
                " (SELECT id FROM billing_package WHERE kind = 'trial')"
            ),
        ),
        "it is a trial that account",
    ),
    # --- Orders and payments ---
    "order total altered": (
        (
            (
                f"UPDATE billing_order SET list_amount = list_amount - 1, total = total - 1"
                f" WHERE id = {PAID}"
            ),
        ),
        "its lines sum to",
    ),
    "order line with another quantity": (
        (
            (
                "UPDATE billing_orderline SET quantity = quantity + 1 WHERE id ="
                f" (SELECT min(id) FROM billing_orderline WHERE order_id = {PAID})"
            ),
        ),
        "is not that of its formula",
    ),
    "order line at another list price": (
        (
            (
                "UPDATE billing_orderline SET formula = formula || jsonb_build_object("
                "'price', '1.00', 'count', (unit_price)::int) WHERE id ="
                f" (SELECT min(id) FROM billing_orderline WHERE order_id = {NEW})"
            ),
        ),
        "the line was priced at 1.00",
    ),
    "order line of another term": (
        (
            (
                "UPDATE billing_orderline SET term_count = 12 WHERE id ="
                f" (SELECT min(id) FROM billing_orderline WHERE order_id = {NEW})"
            ),
        ),
        "is not that of its formula",
    ),
    "order line with a damaged formula": (
        (
            (
                """UPDATE billing_orderline SET formula = formula || '{"quantity": "x"}'"""
                f" WHERE order_id = {PAID}"
            ),
        ),
        "a stored value cannot be read",
    ),
    "payment missing": (
        (f"DELETE FROM billing_payment WHERE order_id = {PAID}",),
        "0 were paid toward a total of",
    ),
    "order paid by nothing": (
        (
            (
                "UPDATE billing_order SET status = 'paid', paid_at = now() WHERE id ="
                " (SELECT max(id) FROM billing_order WHERE status = 'unpaid')"
            ),
        ),
        "0 were paid toward a total of",
    ),
    "payment from someone else's fund": (
        (
            (
                "UPDATE billing_payment SET fund_id = (SELECT f.id FROM billing_fund f"
                " WHERE f.account_id <> billing_payment.account_id"
                " AND f.kind = billing_payment.kind"
                f" LIMIT 1) WHERE id = (SELECT min(id) FROM billing_payment WHERE order_id = {PAID}"
                " AND fund_id IS NOT NULL)"
            ),
        ),
        "of the payer",
    ),
    # --- Ledger and funds ---
    "unbalanced entry": (
        ("UPDATE billing_ledgerentry SET amount = amount + 1 WHERE fund_id IS NULL",),
        "not to zero",
    ),
    "entry removed": (
        (
            (
                "DELETE FROM billing_ledgerentry WHERE id ="
                " (SELECT min(id) FROM billing_ledgerentry WHERE fund_id IS NULL)"
            ),
        ),
        "not to zero",
    ),
    "entries removed": (
        (
            (
                "DELETE FROM billing_ledgerentry WHERE transaction_id ="
                " (SELECT min(id) FROM billing_ledgertransaction)"
            ),
        ),
        "it has no entries",
    ),
    "balance altered": (
        ("UPDATE billing_fund SET balance = balance + 0.01 WHERE balance > 0",),
        "its entries sum to",
    ),
    "a movement no one asked for": (
        (
            (
                "UPDATE billing_ledgertransaction SET kind = 'payment' WHERE id ="
                " (SELECT min(id) FROM billing_ledgertransaction WHERE kind = 'credit')"
            ),
        ),
        "that no order, refund or credit stands behind",
    ),
    "credit with another amount": (
        (f"UPDATE billing_credit SET amount = amount + 1 WHERE id = {CREDIT}",),
        "the ledger moved",
    ),
    "credit of another account": (
        (
            (
                "UPDATE billing_credit SET account_id = (SELECT max(id) FROM accounts_account"
                f" WHERE id <> billing_credit.account_id) WHERE id = {CREDIT}"
            ),
        ),
        "it is for",
    ),
    "voucher refilled": (
        (
            (
                "UPDATE billing_coupon SET amount = amount + 500, remaining = remaining + 400"
                " WHERE kind = 'voucher'"
            ),
        ),
        "remain",
    ),
    "coupon marked as unused": (
        (
            (
                "UPDATE billing_coupon SET used_at = CASE WHEN used_at IS NULL THEN now() END"
                " WHERE kind <> 'voucher'"
            ),
        ),
        "it is marked as used",
    ),
    # --- Refunds ---
    "refund under another company": (
        (
            (
                "UPDATE billing_refund SET entity_id = (SELECT max(e.id) FROM accounts_entity e"
                " WHERE NOT EXISTS (SELECT FROM billing_refund r WHERE r.entity_id = e.id))"
                f" WHERE id = {DONE}"
            ),
        ),
        "it is recorded for company",
    ),
    "refund above what was paid": (
        (
            (
                "UPDATE billing_refundline SET amount = amount + 10000 WHERE id ="
                f" (SELECT min(id) FROM billing_refundline WHERE refund_id = {DONE}"
                " AND amount > 0)"
            ),
        ),
        "were refunded of",
    ),
    "refund paid to another fund, balances moved too": (
        (
            dropped("billing_fund", "billing_fund_not_negative"),
            (
                "INSERT INTO billing_fund (account_id, kind, currency, balance)"
                " SELECT account_id, 'gift', 'USD', 0 FROM billing_refund"
                f" WHERE id = {DONE} ON CONFLICT DO NOTHING"
            ),
            (
                "CREATE TEMP TABLE moved AS SELECT e.id, e.fund_id AS was, e.amount,"
                " (SELECT f.id FROM billing_fund f WHERE f.account_id = t.account_id"
                " AND f.id <> e.fund_id LIMIT 1) AS target"
                " FROM billing_ledgerentry e JOIN billing_ledgertransaction t"
                f" ON t.id = e.transaction_id WHERE t.refund_id = {DONE}"
                " AND e.fund_id IS NOT NULL LIMIT 1"
            ),
            (
                "UPDATE billing_ledgerentry SET fund_id = moved.target FROM moved"
                " WHERE moved.id = billing_ledgerentry.id"
            ),
            (
                "UPDATE billing_fund SET balance = balance - moved.amount FROM moved"
                " WHERE moved.was = billing_fund.id"
            ),
            (
                "UPDATE billing_fund SET balance = balance + moved.amount FROM moved"
                " WHERE moved.target = billing_fund.id"
            ),
            "DROP TABLE moved",
        ),
        "and the ledger gave it",
    ),
    "second full refund of a company": (
        (
            dropped_index := "DROP INDEX billing_refund_one_per_entity",
            (
                "UPDATE billing_refund SET entity_id ="
                f" (SELECT entity_id FROM billing_refund WHERE id = {DONE})"
                " WHERE status IN ('pending', 'done')"
            ),
        ),
        "full refunds of",
    ),
    "refunded package set active": (
        ("UPDATE billing_package SET state = 'active' WHERE state = 'refunded'",),
        "but its refund",
    ),
    # --- Accounts and the database's own guards ---
    "suspended without a restriction": (
        (
            (
                "UPDATE accounts_account SET status = 'suspended' WHERE id ="
                " (SELECT min(id) FROM accounts_account WHERE status = 'active')"
            ),
        ),
        "but its open restrictions make it active",
    ),
    "restriction ended by hand": (
        ("UPDATE accounts_restriction SET ended_at = now() WHERE ended_at IS NULL",),
        "but its open restrictions make it active",
    ),
    "violation without its restriction": (
        ("UPDATE accounts_restriction SET case_number = 'ADM-1' WHERE ended_at IS NULL",),
        "0 open restrictions carry it",
    ),
    "account without an owner": (
        ("UPDATE accounts_membership SET role = 'viewer' WHERE role = 'owner'",),
        "it has no owner",
    ),
    "protecting trigger dropped": (
        (
            (
                "DO $$ DECLARE found text; BEGIN SELECT tgname INTO found FROM pg_trigger"
                " WHERE tgrelid = 'billing_payment'::regclass AND NOT tgisinternal LIMIT 1; EXECUTE"
                " format('DROP TRIGGER %I ON billing_payment', found); END $$"
            ),
        ),
        "table billing_payment: its trigger",
    ),
    "protecting constraint dropped": (
        (dropped("billing_fund", "billing_fund_not_negative"),),
        "its constraint 'billing_fund_not_negative' is missing",
    ),
    "unique index dropped": (
        (dropped_index,),
        "its constraint 'billing_refund_one_per_entity' is missing",
    ),
    "foreign key dropped": (
        (
            (
                "DO $$ DECLARE found text; BEGIN SELECT conname INTO found FROM pg_constraint"
                " WHERE conrelid = 'billing_payment'::regclass AND contype = 'f'"
                " AND pg_get_constraintdef(oid) LIKE '%(order_id)%'; EXECUTE"
                " format('ALTER TABLE billing_payment DROP CONSTRAINT %I', found); END $$"
            ),
        ),
        "column 'order_id' has lost its key",
    ),
}


def _run(*statements: str) -> int:
    """Run statements; return how many rows the last one changed, -1 where it changes no rows."""
    changed = -1
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            changed = cursor.rowcount
    return changed


def plant(*statements: str) -> None:
    """Run statements with all triggers off, and switch them on again."""
    tables = sorted({model._meta.db_table for model, _trigger in pgtrigger.registered()})
    _run("SET CONSTRAINTS ALL IMMEDIATE")
    _run(*(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables))
    assert _run(*statements) != 0, "nothing was planted"
    _run("SET CONSTRAINTS ALL IMMEDIATE")
    _run(*(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables))


def messages() -> list[str]:
    return [breach.message for breach in find_all_breaches()]


def test_clean_data_is_clean(demo: str) -> None:
    assert messages() == []


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_planted_corruption_is_named(demo: str, name: str) -> None:
    statements, expected = CORRUPTIONS[name]
    plant(*statements)
    found = messages()
    assert [message for message in found if expected in message] != [], found


def test_a_trigger_that_is_off_or_does_something_else_is_named(demo: str) -> None:
    _run("SET CONSTRAINTS ALL IMMEDIATE", "ALTER TABLE billing_fund DISABLE TRIGGER USER")
    _run("ALTER TABLE billing_payment DISABLE TRIGGER USER")
    found = messages()
    assert any("billing_payment: its trigger" in each and "off" in each for each in found)
    _run("ALTER TABLE billing_payment ENABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = 'billing_payment'::regclass AND NOT t.tgisinternal LIMIT 1"
        )
        name = cursor.fetchone()[0]
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS TRIGGER AS"
            " $$ BEGIN RETURN NEW; END $$ LANGUAGE plpgsql"
        )
    assert any("does something else" in message for message in messages())


def test_every_check_can_be_read_as_a_sentence() -> None:
    assert [check.message for check in CHECKS if ": " not in check.message] == []
