"""Checks of money, orders, packages and refunds against each other and the audit trail.

Each is one statement that returns the rows in breach. Together they read what the orders say
about a package and compare it with the package itself: months, edition, licenses, state.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.services.verification import Check, Trail
from accounts.transitions import first_steps, steps
from billing.calendar import expiry
from billing.transitions import (
    CREDIT_STARTS,
    CREDIT_TRANSITIONS,
    ORDER_STARTS,
    ORDER_TRANSITIONS,
    PACKAGE_STARTS,
    PACKAGE_TRANSITIONS,
    REFUND_STARTS,
    REFUND_TRANSITIONS,
    CreditMove,
    CreditStart,
    OrderMove,
    OrderStart,
    PackageMove,
    PackageStart,
    RefundMove,
    RefundStart,
)

#: An order in one of these states was paid.
_PAID = "('paid', 'refunding', 'refunded')"

# --- Funds, ledger, payments ---------------------------------------------------------------

_MONEY: tuple[Check, ...] = (
    Check(
        "ledger transaction {0}: its entries sum to {1} {2}, not to zero",
        """SELECT transaction_id, sum(amount), currency FROM billing_ledgerentry
           GROUP BY transaction_id, currency HAVING sum(amount) <> 0""",
    ),
    Check(
        "ledger: all entries in {0} sum to {1}, not to zero",
        """SELECT currency, sum(amount) FROM billing_ledgerentry
           GROUP BY currency HAVING sum(amount) <> 0""",
    ),
    Check(
        "ledger transaction {0}: it has no entries",
        """SELECT t.id FROM billing_ledgertransaction t WHERE NOT EXISTS (
               SELECT FROM billing_ledgerentry e WHERE e.transaction_id = t.id)""",
    ),
    Check(
        "fund {0} (account {1}, {2}): its balance is {3}, its entries sum to {4}",
        """SELECT f.id, a.uin, f.kind, f.balance, coalesce(s.total, 0)
           FROM billing_fund f JOIN accounts_account a ON a.id = f.account_id
           LEFT JOIN (SELECT fund_id, sum(amount) AS total FROM billing_ledgerentry
                      GROUP BY fund_id) s ON s.fund_id = f.id
           WHERE f.balance <> coalesce(s.total, 0)""",
    ),
    Check(
        "fund {0} (account {1}, {2}): its balance {3} is below zero",
        """SELECT f.id, a.uin, f.kind, f.balance
           FROM billing_fund f JOIN accounts_account a ON a.id = f.account_id
           WHERE f.balance < 0""",
    ),
    Check(
        "ledger entry {0}: its fund {1} is kept in another currency",
        """SELECT e.id, f.id FROM billing_ledgerentry e JOIN billing_fund f ON f.id = e.fund_id
           WHERE e.currency <> f.currency""",
    ),
    Check(
        "payment {0} of order {1}: {2} were refunded of {3} paid",
        """SELECT p.id, o.number, sum(l.amount), p.amount
           FROM billing_refundline l JOIN billing_payment p ON p.id = l.payment_id
           JOIN billing_order o ON o.id = p.order_id
           GROUP BY p.id, o.number, p.amount, p.kind
           HAVING sum(l.amount) > CASE WHEN p.kind = 'coupon' THEN 0 ELSE p.amount END""",
    ),
    Check(
        "order {0}: {1} were paid toward a total of {2}",
        """SELECT o.number, coalesce(sum(p.amount), 0), o.total + o.coupon_amount
           FROM billing_order o LEFT JOIN billing_payment p ON p.order_id = o.id
           WHERE o.status IN ('paid', 'refunding', 'refunded')
           GROUP BY o.id HAVING coalesce(sum(p.amount), 0) <> o.total + o.coupon_amount""",
    ),
    Check(
        "order {0}: it is {1}, but {2} were paid toward it",
        """SELECT o.number, o.status, sum(p.amount)
           FROM billing_order o JOIN billing_payment p ON p.order_id = o.id
           WHERE o.status IN ('unpaid', 'closed', 'expired', 'refused') GROUP BY o.id""",
    ),
    Check(
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
    Check(
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
    Check(
        "entity {0}: it used {1} full refunds of {2}",
        """SELECT entity_id, count(*), product FROM billing_refund
           WHERE status IN ('pending', 'done') GROUP BY entity_id, product HAVING count(*) > 1""",
    ),
    Check(
        "package {0}: it is {1}, but its refund {2} is {3}",
        """SELECT p.id, p.state, r.number, r.status
           FROM billing_package p JOIN billing_refund r ON r.package_id = p.id
           WHERE (r.status = 'done') AND p.state <> 'refunded'""",
    ),
    Check(
        "coupon {0}: {1} of its {2} were used, and {3} remain",
        """SELECT c.code, coalesce(sum(p.amount), 0), c.amount, c.remaining
           FROM billing_coupon c LEFT JOIN billing_payment p ON p.coupon_id = c.id
           WHERE c.kind = 'voucher' GROUP BY c.id
           HAVING coalesce(sum(p.amount), 0) + c.remaining <> c.amount""",
    ),
    Check(
        "credit {0}: it is booked as {1}, the ledger moved {2}",
        """SELECT c.reference, c.amount, sum(e.amount)
           FROM billing_credit c JOIN billing_ledgerentry e ON e.transaction_id = c.transaction_id
           WHERE e.fund_id IS NOT NULL GROUP BY c.id
           HAVING abs(sum(e.amount)) <> c.amount""",
    ),
    Check(
        "order line {0}: it bought {1} licenses, and {2} stand",
        """SELECT l.id, l.quantity, count(s.id)
           FROM billing_orderline l JOIN billing_order o ON o.id = l.order_id
           LEFT JOIN billing_license s ON s.order_line_id = l.id
           WHERE l.item <> 'package' AND o.kind IN ('new', 'additional')
                 AND o.status IN ('paid', 'refunding', 'refunded') AND NOT l.is_on_trial
           GROUP BY l.id HAVING count(s.id) <> l.quantity""",
    ),
)

_SOURCES: tuple[Check, ...] = (
    Check(
        "payment {0} of order {1}: its fund is '{2}' of account {3}, not '{4}' of the payer {5}",
        """SELECT p.id, o.number, f.kind, fa.uin, p.kind, pa.uin
           FROM billing_payment p JOIN billing_order o ON o.id = p.order_id
           JOIN billing_fund f ON f.id = p.fund_id
           JOIN accounts_account fa ON fa.id = f.account_id
           JOIN accounts_account pa ON pa.id = o.payer_id
           WHERE f.account_id <> o.payer_id OR p.account_id <> o.payer_id OR f.kind <> p.kind
              OR p.currency <> o.currency OR f.currency <> p.currency OR p.at <> o.paid_at""",
    ),
    Check(
        "order {0}: fund {1} paid {2} toward it, and the ledger took {3}",
        """WITH paid AS (
               SELECT order_id, fund_id, sum(amount) AS amount FROM billing_payment
               WHERE fund_id IS NOT NULL GROUP BY order_id, fund_id
           ), moved AS (
               SELECT t.order_id, e.fund_id, -sum(e.amount) AS amount
               FROM billing_ledgertransaction t
               JOIN billing_ledgerentry e ON e.transaction_id = t.id
               WHERE t.kind = 'payment' AND e.fund_id IS NOT NULL GROUP BY t.order_id, e.fund_id
           )
           SELECT o.number, coalesce(paid.fund_id, moved.fund_id), coalesce(paid.amount, 0),
               coalesce(moved.amount, 0)
           FROM paid FULL JOIN moved
               ON moved.order_id = paid.order_id AND moved.fund_id = paid.fund_id
           LEFT JOIN billing_order o ON o.id = coalesce(paid.order_id, moved.order_id)
           WHERE coalesce(paid.amount, 0) <> coalesce(moved.amount, 0)""",
    ),
    Check(
        "refund {0}: {2} of its lines go to fund {1}, and the ledger gave it {3}",
        """WITH promised AS (
               SELECT l.refund_id, p.fund_id, sum(l.amount) AS amount FROM billing_refundline l
               JOIN billing_payment p ON p.id = l.payment_id
               WHERE p.fund_id IS NOT NULL GROUP BY l.refund_id, p.fund_id
           ), moved AS (
               SELECT t.refund_id, e.fund_id, sum(e.amount) AS amount
               FROM billing_ledgertransaction t
               JOIN billing_ledgerentry e ON e.transaction_id = t.id
               WHERE t.kind = 'refund' AND e.fund_id IS NOT NULL GROUP BY t.refund_id, e.fund_id
           )
           SELECT r.number, coalesce(promised.fund_id, moved.fund_id),
               coalesce(promised.amount, 0), coalesce(moved.amount, 0)
           FROM promised FULL JOIN moved
               ON moved.refund_id = promised.refund_id AND moved.fund_id = promised.fund_id
           LEFT JOIN billing_refund r ON r.id = coalesce(promised.refund_id, moved.refund_id)
           WHERE coalesce(promised.amount, 0) <> coalesce(moved.amount, 0)""",
    ),
    Check(
        "ledger transaction {0}: a '{1}' that no order, refund or credit stands behind",
        """SELECT t.id, t.kind FROM billing_ledgertransaction t
           LEFT JOIN billing_credit c ON c.transaction_id = t.id
           WHERE CASE t.kind
               WHEN 'payment' THEN t.order_id IS NULL OR t.refund_id IS NOT NULL
               WHEN 'refund' THEN t.refund_id IS NULL OR t.order_id IS NOT NULL
               WHEN 'credit' THEN c.id IS NULL OR c.reverses_id IS NOT NULL
               WHEN 'reversal' THEN c.reverses_id IS NULL
               ELSE TRUE END""",
    ),
    Check(
        "ledger transaction {0}: it belongs to account {1}, and moves fund {2} of account {3}",
        """SELECT t.id, ta.uin, f.id, fa.uin FROM billing_ledgertransaction t
           JOIN billing_ledgerentry e ON e.transaction_id = t.id
           JOIN billing_fund f ON f.id = e.fund_id
           JOIN accounts_account ta ON ta.id = t.account_id
           JOIN accounts_account fa ON fa.id = f.account_id
           WHERE f.account_id <> t.account_id""",
    ),
    Check(
        "credit {0}: it is for {1} of account {2}, the ledger moved {3} in fund {4}",
        """SELECT c.reference, c.fund_kind, a.uin, e.amount, f.id
           FROM billing_credit c JOIN accounts_account a ON a.id = c.account_id
           JOIN billing_ledgerentry e ON e.transaction_id = c.transaction_id
           JOIN billing_fund f ON f.id = e.fund_id
           WHERE f.account_id <> c.account_id OR f.kind <> c.fund_kind
              OR (e.amount < 0) <> (c.reverses_id IS NOT NULL)""",
    ),
    Check(
        "credit {0}: '{1}' decided on what they recorded themselves",
        """SELECT c.reference, u.email FROM billing_credit c
           JOIN accounts_user u ON u.id = c.decided_by_id WHERE c.decided_by_id = c.created_by_id
           AND c.status = 'booked'""",
    ),
    Check(
        "credit {0}: it takes back credit {1}, which is of another fund, amount or account",
        """SELECT c.reference, r.reference FROM billing_credit c
           JOIN billing_credit r ON r.id = c.reverses_id
           WHERE r.account_id <> c.account_id OR r.fund_kind <> c.fund_kind
              OR r.currency <> c.currency OR c.amount > r.amount""",
    ),
    Check(
        "coupon {0}: it works once, and {1} orders used it",
        """SELECT c.code, count(p.id) FROM billing_coupon c
           JOIN billing_payment p ON p.coupon_id = c.id WHERE c.kind <> 'voucher'
           GROUP BY c.id HAVING count(p.id) > 1""",
    ),
    Check(
        "coupon {0}: it is marked as used: {1}; payments: {2}",
        """SELECT c.code, c.used_at IS NOT NULL, count(p.id) FROM billing_coupon c
           LEFT JOIN billing_payment p ON p.coupon_id = c.id WHERE c.kind <> 'voucher'
           GROUP BY c.id HAVING (c.used_at IS NOT NULL) <> (count(p.id) > 0)""",
    ),
    Check(
        "payment {0}: coupon {1} belongs to another account than order {2}, or is not its coupon",
        """SELECT p.id, c.code, o.number FROM billing_payment p
           JOIN billing_coupon c ON c.id = p.coupon_id JOIN billing_order o ON o.id = p.order_id
           WHERE c.account_id <> o.account_id OR o.coupon_id IS DISTINCT FROM c.id
              OR p.amount <> o.coupon_amount""",
    ),
)

#: What holds between funds, ledger, payments, credits and coupons, wherever packages came from.
MONEY_CHECKS: tuple[Check, ...] = (*_MONEY, *_SOURCES)

# --- Orders --------------------------------------------------------------------------------

_ORDERS: tuple[Check, ...] = (
    Check(
        "order {0}: its lines sum to {1} list, {2} promotion, {3} coupon; it says {4}, {5}, {6}",
        """SELECT o.number, coalesce(sum(l.amount), 0), coalesce(sum(l.promotion_amount), 0),
               coalesce(sum(l.coupon_amount), 0), o.list_amount, o.promotion_amount,
               o.coupon_amount
           FROM billing_order o LEFT JOIN billing_orderline l ON l.order_id = o.id
           GROUP BY o.id
           HAVING coalesce(sum(l.amount), 0) <> o.list_amount
               OR coalesce(sum(l.promotion_amount), 0) <> o.promotion_amount
               OR coalesce(sum(l.coupon_amount), 0) <> o.coupon_amount""",
    ),
    Check(
        "order line {0} of order {1}: its amount, quantity or price is not that of its formula",
        """SELECT l.id, o.number FROM billing_orderline l JOIN billing_order o ON o.id = l.order_id
           WHERE l.amount <> l.quantity * l.unit_price
              OR (l.formula->>'quantity')::int IS DISTINCT FROM l.quantity
              OR CASE l.formula->>'kind'
                 WHEN 'list' THEN
                     (l.formula->>'price')::numeric * (l.formula->>'count')::int
                         IS DISTINCT FROM l.unit_price
                     OR (l.formula->>'count')::int <> l.term_count
                     OR l.formula->>'unit' <> l.term_unit
                 WHEN 'midterm' THEN
                     (l.formula->>'unit_price')::numeric IS DISTINCT FROM l.unit_price
                     OR l.term_unit <> '' OR l.from_edition <> ''
                 WHEN 'upgrade' THEN
                     (l.formula->>'unit_price')::numeric IS DISTINCT FROM l.unit_price
                     OR l.term_unit <> '' OR l.from_edition = ''
                 ELSE TRUE END""",
    ),
    Check(
        "order line {0} of order {1}: price book {2} lists {3}, the line was priced at {4}",
        """SELECT l.id, o.number, b.version,
               CASE l.term_unit WHEN 'year' THEN i.annual ELSE i.monthly END, l.formula->>'price'
           FROM billing_orderline l JOIN billing_order o ON o.id = l.order_id
           JOIN billing_pricebook b ON b.id = o.price_book_id
           LEFT JOIN billing_priceitem i ON i.book_id = b.id AND i.edition = l.edition
               AND i.item = l.item
           WHERE l.formula->>'kind' = 'list' AND (l.formula->>'price')::numeric
               IS DISTINCT FROM CASE l.term_unit WHEN 'year' THEN i.annual ELSE i.monthly END""",
    ),
    Check(
        "order line {0}: it, its order {1} and its application or package are of several accounts",
        """SELECT l.id, o.number FROM billing_orderline l
           JOIN billing_order o ON o.id = l.order_id
           JOIN accounts_application a ON a.id = l.application_id
           LEFT JOIN billing_package p ON p.id = l.package_id
           WHERE l.account_id <> o.account_id OR a.account_id <> o.account_id
              OR p.account_id <> o.account_id OR p.application_id <> l.application_id""",
    ),
    Check(
        "order {0}: it was paid, but a line names no package",
        f"""SELECT DISTINCT o.number FROM billing_order o
            JOIN billing_orderline l ON l.order_id = o.id
            WHERE o.status IN {_PAID} AND l.package_id IS NULL""",
    ),
    Check(
        "order {0}: it is '{1}', but {2} of its {3} packages were refunded, {4} are under review",
        f"""SELECT o.number, o.status, count(*) FILTER (WHERE r.status = 'done'), count(*),
                count(*) FILTER (WHERE r.status = 'pending')
            FROM billing_order o
            JOIN (SELECT DISTINCT order_id, package_id FROM billing_orderline
                  WHERE NOT is_on_trial) l ON l.order_id = o.id
            LEFT JOIN billing_refund r ON r.package_id = l.package_id
                AND r.status IN ('pending', 'done')
            WHERE o.status IN {_PAID} GROUP BY o.id
            HAVING o.status <> CASE
                WHEN count(*) FILTER (WHERE r.status = 'done') = count(*) THEN 'refunded'
                WHEN count(r.id) = count(*) THEN 'refunding'
                ELSE 'paid' END""",
    ),
    Check(
        "order {0}: audit event {1} ('{2}') tells of another amount, time, person or payer",
        """SELECT o.number, e.id, e.verb FROM accounts_auditevent e
           JOIN billing_order o ON o.id = e.target_id
           JOIN accounts_account payer ON payer.id = o.payer_id
           WHERE e.target_type = 'billing.order' AND (
               (e.verb = 'order.placed' AND (
                   (e.data->>'total')::numeric IS DISTINCT FROM o.total
                   OR e.data->>'kind' IS DISTINCT FROM o.kind
                   OR e.at <> o.created_at OR e.actor_id IS DISTINCT FROM o.created_by_id))
               OR (e.verb = 'order.paid' AND (
                   (e.data->>'total')::numeric IS DISTINCT FROM o.total
                   OR e.data->>'payer' IS DISTINCT FROM payer.uin
                   OR e.at <> o.paid_at OR e.actor_id IS DISTINCT FROM o.paid_by_id)))""",
    ),
    Check(
        "order {0}: {1} audit events say what it did to package {2}, instead of 1",
        f"""WITH bought AS (
                SELECT DISTINCT o.id, o.number, o.kind, l.package_id
                FROM billing_order o JOIN billing_orderline l ON l.order_id = o.id
                WHERE o.status IN {_PAID}
            ), told AS (
                SELECT data->>'order' AS number, target_id AS package_id, verb, count(*) AS times
                FROM accounts_auditevent
                WHERE target_type = 'billing.package' AND data ? 'order'
                GROUP BY 1, 2, 3
            )
            SELECT coalesce(bought.number, told.number), coalesce(told.times, 0),
                coalesce(bought.package_id, told.package_id)
            FROM bought FULL JOIN told
                ON told.number = bought.number AND told.package_id = bought.package_id
                AND told.verb = CASE bought.kind
                    WHEN 'new' THEN 'package.purchased' WHEN 'additional' THEN 'package.extended'
                    WHEN 'renewal' THEN 'package.renewed' ELSE 'package.upgraded' END
            WHERE coalesce(told.times, 0) <> 1 OR bought.id IS NULL""",
    ),
)

# --- Packages ------------------------------------------------------------------------------

#: What the paid orders say about each package: months, edition, term and the order it began with.
_BOUGHT = f"""
    bought AS (
        SELECT l.package_id,
            sum(l.term_count * CASE l.term_unit WHEN 'year' THEN 12 ELSE 1 END) AS months,
            (array_agg(l.edition ORDER BY o.paid_at DESC, o.id DESC))[1] AS edition,
            (array_agg(l.term_unit ORDER BY o.paid_at DESC, o.id DESC)
                FILTER (WHERE o.kind <> 'upgrade'))[1] AS term_unit,
            min(o.paid_at) FILTER (WHERE o.kind = 'new') AS purchased_at,
            count(*) FILTER (WHERE o.kind = 'new') AS purchases,
            min(o.id) FILTER (WHERE o.kind = 'new') AS first_order
        FROM billing_orderline l JOIN billing_order o ON o.id = l.order_id
        WHERE l.item = 'package' AND o.status IN {_PAID} GROUP BY l.package_id
    )
"""


def _expires_otherwise(row: tuple[Any, ...]) -> bool:
    """Return whether a package's expiry is not the boundary after its months."""
    expires_at: datetime = row[1]
    anchor_at, months, extension = row[3], row[4], row[5]
    zone = ZoneInfo(settings.BILLING_TIME_ZONE)
    return expiry(anchor_at, months, zone, extension or timedelta()) != expires_at


_PACKAGES: tuple[Check, ...] = (
    Check(
        "package {0}: it has {1} months, its orders bought {2}",
        f"""WITH {_BOUGHT} SELECT p.id, p.months, coalesce(b.months, 0) FROM billing_package p
            LEFT JOIN bought b ON b.package_id = p.id
            WHERE p.months <> coalesce(b.months, 0)""",
    ),
    Check(
        "package {0}: its edition is '{1}', its orders bought '{2}'",
        f"""WITH {_BOUGHT} SELECT p.id, p.edition, b.edition FROM billing_package p
            JOIN bought b ON b.package_id = p.id WHERE p.edition <> b.edition""",
    ),
    Check(
        "package {0}: its term is '{1}', its orders bought '{2}'",
        f"""WITH {_BOUGHT} SELECT p.id, p.term_unit, b.term_unit FROM billing_package p
            JOIN bought b ON b.package_id = p.id
            WHERE p.term_unit <> b.term_unit""",
    ),
    Check(
        "package {0}: it is '{1}', purchased {2} and counted from {3}; its {4} purchases say {5}",
        f"""WITH {_BOUGHT}
            SELECT p.id, p.kind, p.purchased_at, p.anchor_at, coalesce(b.purchases, 0),
                b.purchased_at
            FROM billing_package p LEFT JOIN bought b ON b.package_id = p.id
            WHERE CASE p.kind WHEN 'paid'
                THEN coalesce(b.purchases, 0) <> 1 OR p.purchased_at <> b.purchased_at
                    OR p.anchor_at <> b.purchased_at
                ELSE b.package_id IS NOT NULL END""",
    ),
    Check(
        "package {0}: it expires {1}; {4} months from {3} end {2}",
        # The boundary in SQL differs from ours only where clocks change: Python confirms it.
        """SELECT id, expires_at, boundary, anchor_at, months, extension FROM (
               SELECT id, expires_at, anchor_at, months, extension,
                   (anchor_at AT TIME ZONE %(zone)s + make_interval(months => months))
                       AT TIME ZONE %(zone)s + extension AS boundary
               FROM billing_package WHERE kind = 'paid') p
           WHERE boundary <> expires_at""",
        {"zone": settings.BILLING_TIME_ZONE},
        _expires_otherwise,
    ),
    Check(
        "package {0}: {1} were given back, its audit events say {2}",
        """SELECT p.id, p.extension, coalesce(e.given, interval '0') FROM billing_package p
           LEFT JOIN (
               SELECT target_id, sum((data->>'seconds')::bigint) * interval '1 second' AS given
               FROM accounts_auditevent WHERE target_type = 'billing.package'
               AND verb = 'package.time_returned' GROUP BY target_id
           ) e ON e.target_id = p.id
           WHERE p.extension <> coalesce(e.given, interval '0')""",
    ),
    Check(
        "package {0}: it expires {1}, its last audit event about that says {2}",
        """SELECT p.id, p.expires_at, e.expires_at FROM billing_package p
           JOIN LATERAL (
               SELECT CASE verb
                   WHEN 'package.time_returned' THEN (data->>'to')::timestamptz
                   WHEN 'package.trial_granted'
                       THEN at + (data->>'days')::int * interval '24 hours'
                   ELSE (data->>'expires_at')::timestamptz END AS expires_at
               FROM accounts_auditevent
               WHERE target_type = 'billing.package' AND target_id = p.id
               AND verb IN ('package.time_returned', 'package.trial_granted', 'package.purchased',
                   'package.extended', 'package.renewed', 'package.upgraded')
               ORDER BY id DESC LIMIT 1
           ) e ON TRUE
           WHERE e.expires_at IS DISTINCT FROM p.expires_at""",
    ),
    Check(
        "package {0}: it is '{1}' since {2}, before it expired ({3})",
        """SELECT p.id, p.state, e.at, p.expires_at - p.extension FROM billing_package p
           JOIN LATERAL (
               SELECT at FROM accounts_auditevent
               WHERE target_type = 'billing.package' AND target_id = p.id
               AND verb IN ('package.isolated', 'package.released') ORDER BY id DESC LIMIT 1
           ) e ON TRUE
           WHERE p.state IN ('isolated', 'released') AND e.at < p.expires_at - p.extension""",
    ),
    Check(
        "package {0}: it is '{1}', and {2} completed refunds stand behind that",
        """SELECT p.id, p.state, count(r.id) FROM billing_package p
           LEFT JOIN billing_refund r ON r.package_id = p.id AND r.status = 'done'
           GROUP BY p.id HAVING (p.state = 'refunded')::int <> count(r.id)""",
    ),
    Check(
        "package {0}: it and its application are of different accounts",
        """SELECT p.id FROM billing_package p JOIN accounts_application a
           ON a.id = p.application_id WHERE a.account_id <> p.account_id""",
    ),
    Check(
        "account {0}: it was granted {1} trials, and {2} grants are recorded",
        """SELECT a.uin, e.times, coalesce(g.times, 0) FROM accounts_account a
           JOIN (SELECT account_id, count(*) AS times FROM accounts_auditevent
                 WHERE verb = 'package.trial_granted' GROUP BY account_id) e
               ON e.account_id = a.id
           LEFT JOIN (SELECT account_id, count(*) AS times FROM billing_trialgrant
                      GROUP BY account_id) g ON g.account_id = a.id
           WHERE e.times <> 1 OR coalesce(g.times, 0) <> 1""",
    ),
    Check(
        "package {0}: it is a trial that account {1} was not granted",
        """SELECT p.id, a.uin FROM billing_package p JOIN accounts_account a ON a.id = p.account_id
           WHERE p.kind = 'trial' AND NOT EXISTS (SELECT FROM billing_trialgrant g
               WHERE g.package_id = p.id AND g.account_id = p.account_id)""",
    ),
    Check(
        "trial grant of account {0}: its package {1} was not granted as a trial then",
        """SELECT a.uin, g.package_id FROM billing_trialgrant g
           JOIN accounts_account a ON a.id = g.account_id
           WHERE NOT EXISTS (SELECT FROM accounts_auditevent e
               WHERE e.target_type = 'billing.package' AND e.target_id = g.package_id
               AND e.verb = 'package.trial_granted' AND e.at = g.granted_at)""",
    ),
)

# --- Licenses ------------------------------------------------------------------------------

_LICENSES: tuple[Check, ...] = (
    Check(
        "package {0}: it includes {1} licenses of kind '{2}', it should include {3}",
        f"""WITH {_BOUGHT}, granted AS (
                SELECT target_id AS package_id, (data->>'licenses')::int AS agents
                FROM accounts_auditevent WHERE verb = 'package.trial_granted'
            ), stand AS (
                SELECT package_id, kind, count(*) AS number FROM billing_license
                WHERE source = 'included' GROUP BY package_id, kind
            )
            SELECT p.id, coalesce(stand.number, 0), k.kind, due.number
            FROM billing_package p CROSS JOIN (VALUES ('agent'), ('sip')) AS k (kind)
            LEFT JOIN bought b ON b.package_id = p.id
            LEFT JOIN billing_order o ON o.id = b.first_order
            LEFT JOIN granted g ON g.package_id = p.id
            LEFT JOIN stand ON stand.package_id = p.id AND stand.kind = k.kind
            CROSS JOIN LATERAL (SELECT greatest(
                coalesce((o.request->'included'->>k.kind)::int, 0),
                CASE k.kind WHEN 'agent' THEN coalesce(g.agents, 0) ELSE 0 END) AS number) due
            WHERE coalesce(stand.number, 0) <> due.number""",
    ),
    Check(
        "license {0}: it is of kind '{1}', and the order line {2} that bought it is for '{3}'",
        """SELECT s.id, s.kind, l.id, l.item FROM billing_license s
           JOIN billing_orderline l ON l.id = s.order_line_id WHERE l.item <> s.kind""",
    ),
    Check(
        "license {0}: it belongs to package {1}, and order line {2} bought it for package {3}",
        """SELECT s.id, s.package_id, l.id, l.package_id FROM billing_license s
           JOIN billing_orderline l ON l.id = s.order_line_id
           WHERE l.package_id IS DISTINCT FROM s.package_id""",
    ),
    Check(
        "license {0}: it is account {1}'s, and its package {2} is not",
        """SELECT s.id, a.uin, p.id FROM billing_license s
           JOIN billing_package p ON p.id = s.package_id
           JOIN accounts_account a ON a.id = s.account_id WHERE p.account_id <> s.account_id""",
    ),
    Check(
        "license {0}: order {1} that bought it was never paid",
        f"""SELECT s.id, o.number FROM billing_license s
            JOIN billing_orderline l ON l.id = s.order_line_id
            JOIN billing_order o ON o.id = l.order_id
            WHERE o.status NOT IN {_PAID}""",
    ),
    Check(
        "order line {0}: it bought {1} licenses on a trial, and {2} stand",
        """SELECT l.id, l.quantity, count(s.id) FROM billing_orderline l
           JOIN billing_order o ON o.id = l.order_id
           JOIN billing_package p ON p.id = l.package_id
           LEFT JOIN billing_license s ON s.order_line_id = l.id
           WHERE l.is_on_trial AND o.status = 'paid' AND p.kind = 'trial'
           GROUP BY l.id HAVING count(s.id) <> l.quantity""",
    ),
    Check(
        "license {0}: it goes on although the trial that it was bought on became a paid package",
        """SELECT s.id FROM billing_license s JOIN billing_orderline l ON l.id = s.order_line_id
           JOIN billing_package p ON p.id = s.package_id
           WHERE l.is_on_trial AND p.kind = 'paid' AND s.ends_at IS NULL""",
    ),
    Check(
        "license {0}: it ends {1}; that a paid order left it out: {2}",
        f"""WITH left_out AS (
                SELECT DISTINCT license::bigint AS id
                FROM billing_order o, jsonb_array_elements(o.request->'changes') change,
                    jsonb_array_elements_text(change->'ending') license
                WHERE o.status IN {_PAID}
            )
            SELECT s.id, s.ends_at, left_out.id IS NOT NULL
            FROM billing_license s LEFT JOIN left_out ON left_out.id = s.id
            WHERE (s.ends_at IS NULL) = (left_out.id IS NOT NULL)""",
    ),
    Check(
        "license {0}: it ends {1}, after its package ({2})",
        """SELECT s.id, s.ends_at, p.expires_at FROM billing_license s
           JOIN billing_package p ON p.id = s.package_id WHERE s.ends_at > p.expires_at""",
    ),
)

# --- Refunds -------------------------------------------------------------------------------

_REFUNDS: tuple[Check, ...] = (
    Check(
        "refund {0}: it is recorded for company {1}, its account {2} is company {3}'s",
        """SELECT r.number, r.entity_id, a.uin, a.entity_id FROM billing_refund r
           JOIN accounts_account a ON a.id = r.account_id WHERE a.entity_id <> r.entity_id""",
    ),
    Check(
        "refund {0}: its package {1} is another account's or application's",
        """SELECT r.number, p.id FROM billing_refund r JOIN billing_package p ON p.id = r.package_id
           WHERE p.account_id <> r.account_id OR p.application_id <> r.application_id""",
    ),
    Check(
        "refund {0}: payment {1} of order {2} is not in it, though it paid for the package",
        f"""SELECT DISTINCT r.number, p.id, o.number FROM billing_refund r
            JOIN billing_orderline l ON l.package_id = r.package_id AND NOT l.is_on_trial
            JOIN billing_order o ON o.id = l.order_id AND o.status IN {_PAID}
            JOIN billing_payment p ON p.order_id = o.id AND p.kind <> 'coupon'
            WHERE r.status = 'done' AND l.net > 0 AND NOT EXISTS (
                SELECT FROM billing_refundline x WHERE x.refund_id = r.id
                AND x.payment_id = p.id)""",
    ),
    Check(
        "refund {0}: it gives back {1}, what was spent on the package is {2}",
        f"""SELECT r.number, r.amount, coalesce(sum(l.net), 0) FROM billing_refund r
            LEFT JOIN (billing_orderline l
                JOIN billing_order o ON o.id = l.order_id AND o.status IN {_PAID})
                ON l.package_id = r.package_id AND NOT l.is_on_trial
            WHERE r.status = 'done' GROUP BY r.id
            HAVING r.amount <> coalesce(sum(l.net), 0)""",
    ),
    Check(
        "refund {0}: '{1}' asked for it and decided on it as staff",
        """SELECT r.number, u.email FROM billing_refund r
           JOIN accounts_user u ON u.id = r.decided_by_id
           WHERE r.decided_by_id = r.requested_by_id AND r.decided_at > r.requested_at
           AND r.status IN ('done', 'rejected')""",
    ),
    Check(
        "refund {0}: audit event {1} ('{2}') tells of another amount, time or person",
        """SELECT r.number, e.id, e.verb FROM accounts_auditevent e
           JOIN billing_refund r ON r.id = e.target_id
           WHERE e.target_type = 'billing.refund' AND (
               (e.data->>'amount')::numeric IS DISTINCT FROM r.amount
               OR CASE WHEN e.from_state = ''
                   THEN e.at <> r.requested_at OR e.actor_id IS DISTINCT FROM r.requested_by_id
                   ELSE e.at IS DISTINCT FROM r.decided_at
                       OR e.actor_id IS DISTINCT FROM r.decided_by_id END)""",
    ),
    Check(
        "package {0}: audit event {1} says that refund {2} gave back {3}, which is not so",
        """SELECT e.target_id, e.id, e.data->>'refund', e.data->>'amount'
           FROM accounts_auditevent e LEFT JOIN billing_refund r
               ON r.number = e.data->>'refund' AND r.package_id = e.target_id AND r.status = 'done'
           WHERE e.target_type = 'billing.package' AND e.verb = 'package.refunded'
           AND (e.data->>'amount')::numeric IS DISTINCT FROM r.amount""",
    ),
    Check(
        "credit {0}: audit event {1} ('{2}') tells of another fund, amount, time or person",
        """SELECT c.reference, e.id, e.verb FROM accounts_auditevent e
           JOIN billing_credit c ON c.id = e.target_id
           WHERE e.target_type = 'billing.credit' AND (
               (e.data->>'amount')::numeric IS DISTINCT FROM c.amount
               OR e.data->>'fund' IS DISTINCT FROM c.fund_kind
               OR e.data->>'ref' IS DISTINCT FROM c.reference
               OR CASE WHEN e.from_state = ''
                   THEN e.at <> c.created_at OR e.actor_id IS DISTINCT FROM c.created_by_id
                   ELSE e.at IS DISTINCT FROM c.decided_at
                       OR e.actor_id IS DISTINCT FROM c.decided_by_id END)""",
    ),
)

# --- Audit trail ---------------------------------------------------------------------------

_TRAILS: Mapping[str, Trail] = {
    "order": Trail(
        noun="order",
        label="billing.order",
        table="billing_order",
        state="status",
        number="number",
        verbs={
            "order.placed": first_steps([ORDER_STARTS[OrderStart.PLACE]]),
            "order.paid": steps(ORDER_TRANSITIONS, OrderMove.PAY),
            "order.cancelled": steps(ORDER_TRANSITIONS, OrderMove.CANCEL),
            "order.payment_refused": steps(ORDER_TRANSITIONS, OrderMove.REFUSE),
            "order.expired": steps(ORDER_TRANSITIONS, OrderMove.EXPIRE),
            "order.refunding": steps(ORDER_TRANSITIONS, OrderMove.REVIEW_REFUND),
            "order.refund_ended": steps(ORDER_TRANSITIONS, OrderMove.END_REVIEW),
            "order.refunded": steps(ORDER_TRANSITIONS, OrderMove.REFUND),
        },
    ),
    "package": Trail(
        noun="package",
        label="billing.package",
        table="billing_package",
        state="state",
        number="id",
        verbs={
            "package.trial_granted": first_steps([PACKAGE_STARTS[PackageStart.GRANT_TRIAL]]),
            "package.purchased": first_steps([PACKAGE_STARTS[PackageStart.PURCHASE]])
            | steps(PACKAGE_TRANSITIONS, PackageMove.PURCHASE),
            "package.extended": steps(PACKAGE_TRANSITIONS, PackageMove.EXTEND),
            "package.upgraded": steps(PACKAGE_TRANSITIONS, PackageMove.UPGRADE),
            "package.renewed": steps(PACKAGE_TRANSITIONS, PackageMove.RENEW),
            "package.time_returned": steps(
                PACKAGE_TRANSITIONS, PackageMove.RETURN_TIME, PackageMove.RETURN_TOO_LITTLE
            ),
            "package.isolated": steps(PACKAGE_TRANSITIONS, PackageMove.ISOLATE),
            "package.released": steps(
                PACKAGE_TRANSITIONS, PackageMove.END_TRIAL, PackageMove.RELEASE
            ),
            "package.refunded": steps(PACKAGE_TRANSITIONS, PackageMove.REFUND),
        },
    ),
    "refund": Trail(
        noun="refund",
        label="billing.refund",
        table="billing_refund",
        state="status",
        number="number",
        verbs={
            "refund.requested": first_steps([REFUND_STARTS[RefundStart.REQUEST]]),
            "refund.done": first_steps([REFUND_STARTS[RefundStart.CARRY_OUT]])
            | steps(REFUND_TRANSITIONS, RefundMove.APPROVE),
            "refund.rejected": steps(REFUND_TRANSITIONS, RefundMove.REJECT),
            "refund.withdrawn": steps(REFUND_TRANSITIONS, RefundMove.WITHDRAW),
        },
    ),
    "credit": Trail(
        noun="credit",
        label="billing.credit",
        table="billing_credit",
        state="status",
        number="reference",
        verbs={
            "credit.recorded": first_steps(CREDIT_STARTS.values()),
            "credit.reversal_asked": first_steps([CREDIT_STARTS[CreditStart.SUBMIT]]),
            "credit.approved": steps(CREDIT_TRANSITIONS, CreditMove.APPROVE),
            "credit.rejected": steps(CREDIT_TRANSITIONS, CreditMove.REJECT),
        },
    ),
}

CHECKS: tuple[Check, ...] = (
    *MONEY_CHECKS,
    *_ORDERS,
    *_PACKAGES,
    *_LICENSES,
    *_REFUNDS,
    *(check for trail in _TRAILS.values() for check in trail.checks()),
)
