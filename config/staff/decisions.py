"""Work that someone of the staff has to do: the tables' rows that wait for a decision.

What a person brought about is left out of that person's list: someone else decides it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.enums import ProposalState
from accounts.models import Proposal, Restriction, User
from accounts.services.proposals import KINDS, kinds_of
from accounts.templatetags.console import money
from billing.enums import CreditStatus
from billing.models import Credit, Refund
from compliance.enums import CaseState
from compliance.models import Appeal, ConnectionRequest, Violation
from config.staff.work import Work, WorklistLine, change_url


def waiting(label: str, obj: Any, text: str, *, since: datetime, now: datetime) -> WorklistLine:
    """Describe a row that has waited since an instant; it is late after the days of a setting."""
    is_late = now - since > timedelta(days=settings.STAFF_ANSWER_DAYS)
    words = _("overdue: waiting for %(time)s") if is_late else _("waiting for %(time)s")
    if now - since < timedelta(minutes=1):
        words = _("just received")
    return WorklistLine(
        label=label,
        url=change_url(obj),
        text=text,
        waits=words % {"time": timesince(since, now, depth=1)},
        is_late=is_late,
    )


# --- Refunds and credits ---------------------------------------------------------------------


def _refunds(user: User, now: datetime) -> QuerySet[Refund]:
    return (
        Refund.objects.pending().exclude(requested_by=user).select_related("account").order_by("pk")
    )


def _refund(refund: Refund, now: datetime) -> WorklistLine:
    text = f"{refund.account.name} · {money(refund.amount, refund.currency)}"
    return waiting(refund.number, refund, text, since=refund.requested_at, now=now)


def _credits(user: User, now: datetime) -> QuerySet[Credit]:
    return (
        Credit.objects.filter(status=CreditStatus.WAITING)
        .exclude(created_by=user)
        .select_related("account", "created_by")
        .order_by("pk")
    )


def _credit(credit: Credit, now: datetime) -> WorklistLine:
    amount = money(credit.amount, credit.currency)
    kind = _("undoes") if credit.reverses_id else credit.get_fund_kind_display()
    text = f"{credit.account.name} · {kind} · {amount}"
    return waiting(credit.reference, credit, text, since=credit.created_at, now=now)


# --- Violations and appeals --------------------------------------------------------------------


def _cases_in(state: CaseState) -> Any:
    def find(user: User, now: datetime) -> QuerySet[Violation]:
        return Violation.objects.filter(state=state).select_related("account").order_by("pk")

    return find


def _case(case: Violation, now: datetime) -> WorklistLine:
    text = f"{case.account.name} · {case.get_severity_display()}"
    return waiting(case.number, case, text, since=case.reported_at, now=now)


def _verified_case(case: Violation, now: datetime) -> WorklistLine:
    text = f"{case.account.name} · {case.get_severity_display()}"
    return waiting(case.number, case, text, since=case.verified_at or case.reported_at, now=now)


def _appeals(user: User, now: datetime) -> QuerySet[Appeal]:
    return (
        Appeal.objects.open()
        .exclude(violation__handler=user)
        .select_related("account", "violation")
        .order_by("pk")
    )


def _appeal(appeal: Appeal, now: datetime) -> WorklistLine:
    text = f"{appeal.account.name} · {appeal.violation.get_severity_display()}"
    return waiting(str(appeal), appeal, text, since=appeal.submitted_at, now=now)


# --- Connection requests -----------------------------------------------------------------------


def _requests(user: User, now: datetime) -> QuerySet[ConnectionRequest]:
    return (
        ConnectionRequest.objects.waiting()
        .exclude(submitted_by=user)
        .select_related("account")
        .order_by("pk")
    )


def _request(request: ConnectionRequest, now: datetime) -> WorklistLine:
    text = f"{request.account.name} · {request.scenario_name or request.description[:80]}"
    return waiting(request.number, request, text, since=request.submitted_at, now=now)


# --- Proposals ---------------------------------------------------------------------------------


def _proposals(user: User, now: datetime) -> QuerySet[Proposal]:
    return (
        Proposal.objects.filter(
            state=ProposalState.WAITING, expires_at__gt=now, kind__in=kinds_of(user)
        )
        .exclude(made_by=user)
        .select_related("account", "made_by")
        .order_by("pk")
    )


def _proposal(proposal: Proposal, now: datetime) -> WorklistLine:
    about = proposal.account.name if proposal.account else proposal.target
    parts = [str(part) for part in (about, proposal.made_by) if part]
    label = str(KINDS[proposal.kind].label)
    return waiting(label, proposal, " · ".join(parts), since=proposal.made_at, now=now)


# --- Measures ----------------------------------------------------------------------------------


def _measures(user: User, now: datetime) -> QuerySet[Restriction]:
    return (
        Restriction.objects.filter(ended_at=None)
        .select_related("account")
        .order_by("started_at", "pk")
    )


def _measure(restriction: Restriction, now: datetime) -> WorklistLine:
    return WorklistLine(
        label=restriction.account.name,
        url=change_url(restriction.account),
        text=f"{restriction.get_measure_display()} · {restriction.case_number}",
        waits=_("for %(time)s") % {"time": timesince(restriction.started_at, now, depth=1)},
    )


HANDLE = ("compliance.handle_violation", "compliance.view_violation")

DECISIONS = [
    Work(
        name="proposals",
        title=gettext_lazy("Awaiting your approval"),
        icon="user-group",
        permissions=("accounts.view_proposal",),
        find=_proposals,
        describe=_proposal,
        table="accounts_proposal",
        query={"state__exact": "waiting"},
        empty=gettext_lazy("Nothing is awaiting your approval."),
    ),
    Work(
        name="refunds",
        title=gettext_lazy("Refund requests to review"),
        icon="receipt-refund",
        permissions=("billing.decide_refund", "billing.view_refund"),
        find=_refunds,
        describe=_refund,
        table="billing_refund",
        query={"status__exact": "pending"},
        empty=gettext_lazy("No refund requests to review."),
    ),
    Work(
        name="credits",
        title=gettext_lazy("Credits awaiting approval"),
        icon="banknotes",
        permissions=("billing.decide_credit", "billing.view_credit"),
        find=_credits,
        describe=_credit,
        table="billing_credit",
        query={"status__exact": "waiting"},
        empty=gettext_lazy("No credits to approve."),
    ),
    Work(
        name="reported",
        title=gettext_lazy("Violations to investigate"),
        icon="flag",
        permissions=HANDLE,
        find=_cases_in(CaseState.REPORTED),
        describe=_case,
        table="compliance_violation",
        query={"state__exact": "reported"},
        empty=gettext_lazy("No new reports."),
    ),
    Work(
        name="investigating",
        title=gettext_lazy("Violations under investigation"),
        icon="magnifying-glass",
        permissions=HANDLE,
        find=_cases_in(CaseState.INVESTIGATING),
        describe=_case,
        table="compliance_violation",
        query={"state__exact": "investigating"},
        empty=gettext_lazy("No violation is under investigation."),
    ),
    Work(
        name="verified",
        title=gettext_lazy("Violations without a measure"),
        icon="scale",
        permissions=HANDLE,
        find=_cases_in(CaseState.VERIFIED),
        describe=_verified_case,
        table="compliance_violation",
        query={"state__exact": "verified"},
        empty=gettext_lazy("Every verified violation has a measure."),
    ),
    Work(
        name="appeals",
        title=gettext_lazy("Appeals to decide"),
        icon="chat-bubble-left-right",
        permissions=("compliance.decide_appeal", "compliance.view_appeal"),
        find=_appeals,
        describe=_appeal,
        table="compliance_appeal",
        query={"state__exact": "open"},
        empty=gettext_lazy("No appeals to decide."),
    ),
    Work(
        name="connections",
        title=gettext_lazy("Connection requests to review"),
        icon="phone-arrow-up-right",
        permissions=("compliance.decide_connection", "compliance.view_connectionrequest"),
        find=_requests,
        describe=_request,
        table="compliance_connectionrequest",
        query={"state__exact": "review"},
        empty=gettext_lazy("No connection requests to review."),
    ),
    Work(
        name="measures",
        title=gettext_lazy("Accounts under a measure"),
        icon="no-symbol",
        permissions=(
            "accounts.restrict_account",
            "accounts.view_account",
            "accounts.view_restriction",
        ),
        find=_measures,
        describe=_measure,
        table="accounts_restriction",
        query={"ended_at__isnull": "1"},
        empty=gettext_lazy("No measure is in effect."),
    ),
]
