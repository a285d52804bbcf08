"""What a sweep would do, row by row, without doing it or locking anything."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from billing.renewals.auto_renewal import Renewal, foresee_renewals
from billing.renewals.sweep import (
    ORDERS,
    RENEWED,
    STEPS,
    SweepStep,
    step_condition,
    step_parameters,
)
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove


@dataclass(frozen=True)
class PlannedChange:
    """One change that a sweep would make: to what, from which state to which, and its size.

    `licenses` is how many licenses stop or go on with it, `amount` the money of a renewal or
    of the order, `missing` what a renewal lacks.
    """

    step: str
    kind: str
    id: int
    account: str
    application: str
    from_state: str
    to_state: str
    licenses: int
    amount: str
    missing: str

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


_PACKAGE_ROWS = """
    SELECT t.id, a.uin, p.name, t.state,
        (SELECT count(*) FROM billing_license l WHERE l.package_id = t.id
            AND (l.ends_at IS NULL OR l.ends_at > %(now)s))
    FROM billing_package t
    JOIN accounts_account a ON a.id = t.account_id
    JOIN accounts_application p ON p.id = t.application_id
"""


_ORDER_ROWS = """
    SELECT t.id, a.uin, t.number, t.total, t.currency,
        (SELECT coalesce(sum(l.quantity), 0) FROM billing_orderline l
            WHERE l.order_id = t.id AND l.item <> 'package')
    FROM billing_order t JOIN accounts_account a ON a.id = t.account_id
"""


def _foresee_packages(
    step: SweepStep, now: datetime, states: Mapping[int, str], renewed: Collection[int]
) -> Iterator[PlannedChange]:
    """Say what a step on packages would change, after the steps before it.

    `states` holds what earlier steps would have made of rows.
    """
    # The sweep would isolate a package first that it then releases.
    is_release = step.move == PackageMove.RELEASE
    also = PACKAGE_TRANSITIONS.sources(PackageMove.ISOLATE) if is_release else ()
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_PACKAGE_ROWS} WHERE {step_condition(step, *also)} ORDER BY t.id",
            step_parameters(step, now),
        )
        for row_id, uin, application, state, licenses in cursor.fetchall():
            was = states.get(row_id, state)
            if row_id not in renewed and was == step.from_state:
                yield PlannedChange(
                    step=step.name,
                    kind="package",
                    id=row_id,
                    account=uin,
                    application=application,
                    from_state=was,
                    to_state=step.to_state,
                    licenses=licenses,
                    amount="",
                    missing="",
                )


def _foresee_renewals(now: datetime, renewals: list[Renewal]) -> Iterator[PlannedChange]:
    found = {renewal.package: renewal for renewal in renewals}
    renewed = PACKAGE_TRANSITIONS.target(PackageMove.RENEW).value
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_PACKAGE_ROWS} WHERE t.id = ANY(%(ids)s) ORDER BY t.expires_at, t.id",
            {"now": now, "ids": list(found)},
        )
        for row_id, uin, application, state, licenses in cursor.fetchall():
            renewal = found[row_id]
            yield PlannedChange(
                step=RENEWED if renewal.is_done else "short_of_money",
                kind="package",
                id=row_id,
                account=uin,
                application=application,
                from_state=state,
                to_state=renewed if renewal.is_done else state,
                licenses=licenses,
                amount=f"{renewal.currency} {renewal.amount}",
                missing=f"{renewal.currency} {renewal.missing}" if renewal.missing else "",
            )


def _foresee_orders(step: SweepStep, now: datetime) -> Iterator[PlannedChange]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_ORDER_ROWS} WHERE {step_condition(step)} ORDER BY t.id",
            step_parameters(step, now),
        )
        for row_id, uin, number, total, currency, licenses in cursor.fetchall():
            yield PlannedChange(
                step=step.name,
                kind="order",
                id=row_id,
                account=uin,
                application=number,
                from_state=step.from_state,
                to_state=step.to_state,
                licenses=licenses,
                amount=f"{currency} {total}",
                missing="",
            )


def foresee_sweep(now: datetime) -> list[PlannedChange]:
    """Say row by row what `run_sweep` would change at `now`; reads only."""
    renewals = foresee_renewals(now)
    renewed = {renewal.package for renewal in renewals if renewal.is_done}
    rows = list(_foresee_renewals(now, renewals))
    states: dict[int, str] = {}
    for step in STEPS:
        if step.of is ORDERS:
            rows += _foresee_orders(step, now)
            continue
        found = list(_foresee_packages(step, now, states, renewed))
        states.update({row.id: row.to_state for row in found})
        rows += found
    return rows
