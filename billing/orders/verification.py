"""Checks of orders against their lines, payments and packages, and the audit trail."""

from accounts.services.verification import Check, Trail
from accounts.transitions import first_changes
from billing.packages.verification import PAID
from billing.transitions import (
    ORDER_STARTS,
    ORDER_TRANSITIONS,
    OrderMove,
    OrderStart,
)

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
            WHERE o.status IN {PAID} AND l.package_id IS NULL""",
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
            WHERE o.status IN {PAID} GROUP BY o.id
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
                WHERE o.status IN {PAID}
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

_TRAIL = Trail(
    noun="order",
    label="billing.order",
    table="billing_order",
    state="status",
    number="number",
    verbs={
        "order.placed": first_changes([ORDER_STARTS[OrderStart.PLACE]]),
        "order.paid": ORDER_TRANSITIONS.changes(OrderMove.PAY),
        "order.cancelled": ORDER_TRANSITIONS.changes(OrderMove.CANCEL),
        "order.payment_refused": ORDER_TRANSITIONS.changes(OrderMove.REFUSE),
        "order.expired": ORDER_TRANSITIONS.changes(OrderMove.EXPIRE),
        "order.refunding": ORDER_TRANSITIONS.changes(OrderMove.REVIEW_REFUND),
        "order.refund_ended": ORDER_TRANSITIONS.changes(OrderMove.END_REVIEW),
        "order.refunded": ORDER_TRANSITIONS.changes(OrderMove.REFUND),
    },
)

CHECKS: tuple[Check, ...] = (*_ORDERS, *_TRAIL.checks())
