"""Checks of refunds against what was paid for their package, and the audit trail."""

from accounts.services.verification import Check, Trail
from accounts.transitions import first_changes
from billing.packages.verification import PAID
from billing.transitions import REFUND_STARTS, REFUND_TRANSITIONS, RefundMove, RefundStart

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
            JOIN billing_order o ON o.id = l.order_id AND o.status IN {PAID}
            JOIN billing_payment p ON p.order_id = o.id AND p.kind <> 'coupon'
            WHERE r.status = 'done' AND l.net > 0 AND NOT EXISTS (
                SELECT FROM billing_refundline x WHERE x.refund_id = r.id
                AND x.payment_id = p.id)""",
    ),
    Check(
        "refund {0}: it gives back {1}, what was spent on the package is {2}",
        f"""SELECT r.number, r.amount, coalesce(sum(l.net), 0) FROM billing_refund r
            LEFT JOIN (billing_orderline l
                JOIN billing_order o ON o.id = l.order_id AND o.status IN {PAID})
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
)

_TRAIL = Trail(
    noun="refund",
    label="billing.refund",
    table="billing_refund",
    state="status",
    number="number",
    verbs={
        "refund.requested": first_changes([REFUND_STARTS[RefundStart.REQUEST]]),
        "refund.done": first_changes([REFUND_STARTS[RefundStart.CARRY_OUT]])
        | REFUND_TRANSITIONS.changes(RefundMove.APPROVE),
        "refund.rejected": REFUND_TRANSITIONS.changes(RefundMove.REJECT),
        "refund.withdrawn": REFUND_TRANSITIONS.changes(RefundMove.WITHDRAW),
    },
)

CHECKS: tuple[Check, ...] = (*_REFUNDS, *_TRAIL.checks())
