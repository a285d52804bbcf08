"""Top-ups, gift grants and income transfers, recorded by staff.

A reference is unique, so the same transfer recorded twice credits once. A credit beyond what one
person may give an account in a day waits for a second person; a mistaken one is taken back by a
contra entry, again by a second person. No one decides on what they created.
"""

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_outsider, require_second_person
from accounts.services.tenants import lock_account
from billing.enums import CreditStatus, FundKind, LedgerBook, LedgerKind
from billing.grants.daily_limit import fits_daily_limit
from billing.grants.models import Credit
from billing.transitions import CREDIT_STARTS, CREDIT_TRANSITIONS, CreditMove, CreditStart
from billing.wallet.ledger import find_or_make_fund, move_between, post_transaction

#: Where the money of each kind of credit comes from.
_SOURCE = {
    FundKind.CASH: LedgerBook.TOP_UP,
    FundKind.GIFT: LedgerBook.GIFT_GRANT,
    FundKind.INCOME: LedgerBook.INCOME_TRANSFER,
}


def _book(credit: Credit, *, by: User | None, now: datetime) -> None:
    """Move the money of a credit, or of a reversal."""
    fund = find_or_make_fund(
        account=credit.account, kind=credit.fund_kind, currency=credit.currency
    )
    amount = -credit.amount if credit.reverses_id else credit.amount
    posted = post_transaction(
        kind=LedgerKind.REVERSAL if credit.reverses_id else LedgerKind.CREDIT,
        account=credit.account,
        legs=move_between(
            book=_SOURCE[FundKind(credit.fund_kind)],
            amounts={fund: amount},
            currency=credit.currency,
        ),
        by=by,
        now=now,
        note=credit.reference,
    )
    credit.transaction = posted


def _audit(credit: Credit, verb: str, was: str, *, by: User | None, now: datetime) -> None:
    event = Event(
        verb=verb,
        target=credit,
        from_state=was,
        to_state=credit.status,
        reason=credit.reason,
        data={"fund": credit.fund_kind, "amount": str(credit.amount), "ref": credit.reference},
    )
    record([event], account=credit.account, by=by, now=now)


@transaction.atomic
def record_credit(
    *,
    account: Account,
    fund_kind: str,
    amount: Decimal,
    currency: str,
    reference: str,
    by: User | None,
    now: datetime,
    note: str = "",
) -> Credit:
    """Record money for a fund: booked immediately up to the account's daily limit, else waiting.

    `by=None` is the system itself (an imported transfer). Raises Refused where the reference
    is known: the money was credited before.
    """
    locked = lock_account(account.pk)
    require_outsider(by=by, account=locked, now=now)
    credit = Credit(
        account=locked,
        fund_kind=fund_kind,
        currency=currency,
        amount=amount,
        reference=reference,
        note=note,
        status=CREDIT_STARTS[CreditStart.SUBMIT],
        created_at=now,
        created_by=by,
    )
    if by is None or fits_daily_limit(account=locked, value=amount, now=now):
        _book(credit, by=by, now=now)
        credit.status = CREDIT_STARTS[CreditStart.BOOK]
    try:
        with transaction.atomic():
            credit.save(force_insert=True)
    except IntegrityError as error:
        raise Refused(
            _("A credit with this reference was already recorded. Nothing was credited again."),
            code="reference_known",
            field="reference",
        ) from error
    _audit(credit, "credit.recorded", "", by=by, now=now)
    return credit


def _lock_undecided(credit: Credit, move: CreditMove, by: User, now: datetime) -> Credit:
    account = lock_account(credit.account_id)
    current = Credit.objects.select_related("account").get(pk=credit.pk)
    if current.status not in CREDIT_TRANSITIONS.sources(move):
        raise Refused(_("This credit has already been decided."), code="credit_decided")
    require_second_person(maker_ids=[current.created_by_id], by=by, account=account, now=now)
    return current


def _decide(
    credit: Credit, move: CreditMove, verb: str, reason: str, *, by: User, now: datetime
) -> Credit:
    was, credit.status = credit.status, CREDIT_TRANSITIONS.target(move)
    credit.decided_at, credit.decided_by, credit.reason = now, by, reason
    credit.save()
    _audit(credit, verb, was, by=by, now=now)
    return credit


@transaction.atomic
def approve_credit(*, credit: Credit, reason: str, by: User, now: datetime) -> Credit:
    """Book a waiting credit or reversal, as the second person.

    Raises Refused where it is decided, where `by` created it, or where a reversal is no longer
    covered by the fund.
    """
    current = _lock_undecided(credit, CreditMove.APPROVE, by, now)
    try:
        with transaction.atomic():
            _book(current, by=by, now=now)
    except IntegrityError as error:
        raise Refused(
            _("The fund no longer holds this amount, so the credit cannot be reversed."),
            code="fund_too_low",
        ) from error
    return _decide(current, CreditMove.APPROVE, "credit.approved", reason, by=by, now=now)


@transaction.atomic
def reject_credit(*, credit: Credit, reason: str, by: User, now: datetime) -> Credit:
    """Turn a waiting credit or reversal down, as the second person."""
    current = _lock_undecided(credit, CreditMove.REJECT, by, now)
    return _decide(current, CreditMove.REJECT, "credit.rejected", reason, by=by, now=now)


def _reference_of_reversal(credit: Credit, number: int) -> str:
    """Return a reference that no other credit has, however long the credit's own one is."""
    mark = f"reversal {credit.pk}-{number}"
    while Credit.objects.filter(reference__startswith=mark).exists():
        # A member of staff entered such a reference by hand.
        mark += "-R"
    return f"{mark} of {credit.reference}"[:64]


@transaction.atomic
def ask_for_reversal(*, credit: Credit, reason: str, by: User, now: datetime) -> Credit:
    """Propose to take a mistaken credit back; a second person approves it.

    Raises Refused where the credit is not booked, or is a reversal, or has one that waits or is
    booked.
    """
    account = lock_account(credit.account_id)
    require_outsider(by=by, account=account, now=now)
    current = Credit.objects.select_related("account").get(pk=credit.pk)
    reversible = CREDIT_TRANSITIONS.sources(CreditMove.ASK_FOR_REVERSAL)
    if current.status not in reversible or current.reverses_id:
        raise Refused(_("Only a booked credit can be reversed."), code="not_reversible")
    reversals = Credit.objects.filter(reverses=current)
    if reversals.exclude(status=CreditStatus.REJECTED).exists():
        raise Refused(_("This credit already has a reversal."), code="reversal_exists")
    reversal = Credit.objects.create(
        account=current.account,
        fund_kind=current.fund_kind,
        currency=current.currency,
        amount=current.amount,
        reference=_reference_of_reversal(current, reversals.count() + 1),
        note=reason[:200],
        status=CREDIT_STARTS[CreditStart.SUBMIT],
        created_at=now,
        created_by=by,
        reason=reason,
        reverses=current,
    )
    _audit(reversal, "credit.reversal_asked", "", by=by, now=now)
    return reversal
