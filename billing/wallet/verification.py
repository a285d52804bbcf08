"""Checks of funds, ledger, payments, credits and coupons against each other and the audit trail.

Each is one statement that returns the rows in breach.
"""

from accounts.services.verification import Check, Trail
from accounts.transitions import first_changes
from billing.transitions import CREDIT_STARTS, CREDIT_TRANSITIONS, CreditMove, CreditStart

_LEDGER: tuple[Check, ...] = (
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

#: What holds wherever packages came from, and without an audit trail.
MONEY_CHECKS: tuple[Check, ...] = (*_LEDGER, *_SOURCES)

_EVENTS: tuple[Check, ...] = (
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

_TRAIL = Trail(
    noun="credit",
    label="billing.credit",
    table="billing_credit",
    state="status",
    number="reference",
    verbs={
        "credit.recorded": first_changes(CREDIT_STARTS.values()),
        "credit.reversal_asked": first_changes([CREDIT_STARTS[CreditStart.SUBMIT]]),
        "credit.approved": CREDIT_TRANSITIONS.changes(CreditMove.APPROVE),
        "credit.rejected": CREDIT_TRANSITIONS.changes(CreditMove.REJECT),
    },
)

CHECKS: tuple[Check, ...] = (*MONEY_CHECKS, *_EVENTS, *_TRAIL.checks())
