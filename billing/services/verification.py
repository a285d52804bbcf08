"""Checking every promise about money, licences and refunds against the rows themselves.

The database enforces most of these as things are written. This reads the whole and finds what
went past it: a restored backup, a hand on the database, a trigger that was switched off. Each
check is one statement that returns the rows in breach, so a million rows are read by the database
and only breaches travel. What licences are assigned to lives in another app, which holds them by
a unique key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "ledger transaction {0}: its entries sum to {1} {2}, not to zero",
        """SELECT transaction_id, sum(amount), currency FROM billing_ledgerentry
           GROUP BY transaction_id, currency HAVING sum(amount) <> 0""",
    ),
    (
        "ledger: all entries in {0} sum to {1}, not to zero",
        """SELECT currency, sum(amount) FROM billing_ledgerentry
           GROUP BY currency HAVING sum(amount) <> 0""",
    ),
    (
        "ledger transaction {0}: it has no entries",
        """SELECT t.id FROM billing_ledgertransaction t WHERE NOT EXISTS (
               SELECT FROM billing_ledgerentry e WHERE e.transaction_id = t.id)""",
    ),
    (
        "fund {0} (account {1}, {2}): its balance is {3}, its entries sum to {4}",
        """SELECT f.id, a.uin, f.kind, f.balance, coalesce(s.total, 0)
           FROM billing_fund f JOIN accounts_account a ON a.id = f.account_id
           LEFT JOIN (SELECT fund_id, sum(amount) AS total FROM billing_ledgerentry
                      GROUP BY fund_id) s ON s.fund_id = f.id
           WHERE f.balance <> coalesce(s.total, 0)""",
    ),
    (
        "fund {0} (account {1}, {2}): its balance {3} is below zero",
        """SELECT f.id, a.uin, f.kind, f.balance
           FROM billing_fund f JOIN accounts_account a ON a.id = f.account_id
           WHERE f.balance < 0""",
    ),
    (
        "ledger entry {0}: its fund {1} is kept in another currency",
        """SELECT e.id, f.id FROM billing_ledgerentry e JOIN billing_fund f ON f.id = e.fund_id
           WHERE e.currency <> f.currency""",
    ),
    (
        "payment {0} of order {1}: {2} were refunded of {3} paid",
        """SELECT p.id, o.number, sum(l.amount), p.amount
           FROM billing_refundline l JOIN billing_payment p ON p.id = l.payment_id
           JOIN billing_order o ON o.id = p.order_id
           GROUP BY p.id, o.number, p.amount, p.kind
           HAVING sum(l.amount) > CASE WHEN p.kind = 'coupon' THEN 0 ELSE p.amount END""",
    ),
    (
        "order {0}: {1} were paid toward a total of {2}",
        """SELECT o.number, coalesce(sum(p.amount), 0), o.total + o.coupon_amount
           FROM billing_order o LEFT JOIN billing_payment p ON p.order_id = o.id
           WHERE o.status IN ('paid', 'refunding', 'refunded')
           GROUP BY o.id HAVING coalesce(sum(p.amount), 0) <> o.total + o.coupon_amount""",
    ),
    (
        "order {0}: it is {1}, but {2} were paid toward it",
        """SELECT o.number, o.status, sum(p.amount)
           FROM billing_order o JOIN billing_payment p ON p.order_id = o.id
           WHERE o.status IN ('unpaid', 'closed', 'expired', 'refused') GROUP BY o.id""",
    ),
    (
        "order {0}: its payments are {1}, the ledger moved {2}",
        """SELECT o.number, coalesce(p.total, 0), coalesce(l.total, 0)
           FROM billing_order o
           LEFT JOIN (SELECT order_id, sum(amount) AS total FROM billing_payment
                      WHERE fund_id IS NOT NULL GROUP BY order_id) p ON p.order_id = o.id
           LEFT JOIN (SELECT t.order_id, sum(e.amount) AS total FROM billing_ledgertransaction t
                      JOIN billing_ledgerentry e ON e.transaction_id = t.id
                      WHERE e.book = 'sales' AND t.kind = 'payment'
                      GROUP BY t.order_id) l ON l.order_id = o.id
           WHERE coalesce(p.total, 0) <> coalesce(l.total, 0)""",
    ),
    (
        "refund {0}: its lines sum to {1}, the ledger moved {2}, its amount is {3}",
        """SELECT r.number, coalesce(l.total, 0), coalesce(e.total, 0), r.amount
           FROM billing_refund r
           LEFT JOIN (SELECT refund_id, sum(amount) AS total FROM billing_refundline
                      GROUP BY refund_id) l ON l.refund_id = r.id
           LEFT JOIN (SELECT t.refund_id, -sum(e.amount) AS total
                      FROM billing_ledgertransaction t
                      JOIN billing_ledgerentry e ON e.transaction_id = t.id
                      WHERE e.book = 'sales' GROUP BY t.refund_id) e ON e.refund_id = r.id
           WHERE CASE WHEN r.status = 'done'
                 THEN coalesce(l.total, 0) <> r.amount OR coalesce(e.total, 0) <> r.amount
                 ELSE coalesce(l.total, 0) <> 0 OR coalesce(e.total, 0) <> 0 END""",
    ),
    (
        "entity {0}: it used {1} full refunds of {2}",
        """SELECT entity_id, count(*), product FROM billing_refund
           WHERE status IN ('pending', 'done') GROUP BY entity_id, product HAVING count(*) > 1""",
    ),
    (
        "package {0}: it is {1}, but its refund {2} is {3}",
        """SELECT p.id, p.state, r.number, r.status
           FROM billing_package p JOIN billing_refund r ON r.package_id = p.id
           WHERE (r.status = 'done') AND p.state <> 'refunded'""",
    ),
    (
        "coupon {0}: {1} of its {2} were used, and {3} remain",
        """SELECT c.code, coalesce(sum(p.amount), 0), c.amount, c.remaining
           FROM billing_coupon c LEFT JOIN billing_payment p ON p.coupon_id = c.id
           WHERE c.kind = 'voucher' GROUP BY c.id
           HAVING coalesce(sum(p.amount), 0) + c.remaining <> c.amount""",
    ),
    (
        "credit {0}: it is booked as {1}, the ledger moved {2}",
        """SELECT c.reference, c.amount, sum(e.amount)
           FROM billing_credit c JOIN billing_ledgerentry e ON e.transaction_id = c.transaction_id
           WHERE e.fund_id IS NOT NULL GROUP BY c.id
           HAVING abs(sum(e.amount)) <> c.amount""",
    ),
    (
        "order line {0}: it bought {1} licences, and {2} stand",
        """SELECT l.id, l.quantity, count(s.id)
           FROM billing_orderline l JOIN billing_order o ON o.id = l.order_id
           LEFT JOIN billing_licence s ON s.order_line_id = l.id
           WHERE l.item <> 'package' AND o.kind IN ('new', 'additional')
                 AND o.status IN ('paid', 'refunding', 'refunded') AND NOT l.is_on_trial
           GROUP BY l.id HAVING count(s.id) <> l.quantity""",
    ),
)


@dataclass(frozen=True)
class Breach:
    """A promise that does not hold, with the ids of the row."""

    message: str


def find_breaches() -> Iterator[Breach]:
    """Run every check; yield what is wrong, one by one. Reads only."""
    for message, statement in _CHECKS:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            for row in cursor:
                yield Breach(message.format(*row))


def count_checks() -> int:
    """Return how many checks there are."""
    return len(_CHECKS)
