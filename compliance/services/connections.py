"""Connection requests: declaring a business, screening it, and the staff's decision."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import EntityKind
from accounts.errors import Refused
from accounts.generics import Upload
from accounts.models import Account, Application, Proposal, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_approval, require_second_person
from accounts.services.tenants import lock_account, require_good_standing
from compliance.enums import ConnectionState, Direction, NumberSource
from compliance.models import ConnectionRequest, ScreeningEntry
from compliance.screening import Declaration, Screening, judge_declaration, screen
from compliance.services import notices
from compliance.services.cases import refuse_for, require_text
from compliance.services.evidence import check_files, keep_file, require_room
from compliance.services.numbers import next_connection_number
from compliance.services.screening import read_entry, read_flag_words
from compliance.transitions import (
    CONNECTION_STARTS,
    CONNECTION_TRANSITIONS,
    ConnectionAct,
    ConnectionStart,
)


@dataclass(frozen=True)
class Business:
    """What a customer declares of a business. `expected_volume` is in calls a day."""

    description: str
    direction: Direction
    is_cold_calling: bool
    number_source: NumberSource
    number_source_detail: str = ""
    consent_proof: str = ""
    expected_volume: int = 0


def _declaration(
    account: Account, entry: ScreeningEntry | None, business: Business, *, has_files: bool
) -> Declaration:
    return Declaration(
        entity_kind=EntityKind(account.entity.kind),
        entry=read_entry(entry) if entry else None,
        direction=business.direction,
        is_cold_calling=business.is_cold_calling,
        number_source=business.number_source,
        has_consent_proof=bool(business.consent_proof.strip()) or has_files,
        free_texts=(business.description, business.number_source_detail, business.consent_proof),
    )


def screen_business(
    account: Account, entry: ScreeningEntry | None, business: Business, *, has_files: bool = False
) -> Screening:
    """Screen a declared business by the table and the words in use now; reads only."""
    declaration = _declaration(account, entry, business, has_files=has_files)
    return screen(declaration, read_flag_words())


def _check(
    account: Account, application: Application, entry: ScreeningEntry | None, business: Business
) -> None:
    require_text(business.description, field="description")
    refuse_for(judge_declaration(_declaration(account, entry, business, has_files=False)))
    if application.account_id != account.pk:
        raise Refused(
            _("Choose one of this account's applications."),
            code="no_application",
            field="application",
        )
    if entry is not None and not entry.is_active:
        raise Refused(
            _("This scenario is no longer on the list. Choose again."),
            code="entry_out_of_use",
            field="entry",
        )
    if ConnectionRequest.objects.waiting().filter(application=application).exists():
        raise Refused(
            _(
                "A request for this application is already under review. Withdraw "
                "it before you send another one."
            ),
            code="already_waiting",
            field="application",
        )


def _require_quiet(account: Account, now: datetime) -> None:
    """Refuse requests in a row, also where each was withdrawn: staff and screening see them all."""
    sent = ConnectionRequest.objects.filter(
        account=account, submitted_at__gt=now - timedelta(days=1)
    )
    if sent.count() >= settings.CONNECTION_REQUEST_DAILY_LIMIT:
        raise Refused(
            _(
                "An account can send %(count)d connection requests in 24 hours, withdrawn ones "
                "included. Send this one tomorrow."
            )
            % {"count": settings.CONNECTION_REQUEST_DAILY_LIMIT},
            code="too_many_requests",
            field="application",
        )


@transaction.atomic
def request_connection(
    *,
    account: Account,
    application: Application,
    entry: ScreeningEntry | None,
    business: Business,
    files: Iterable[Upload] = (),
    request_key: UUID,
    by: User,
    now: datetime,
) -> ConnectionRequest:
    """Declare the business that an application's numbers will serve; it is screened immediately.

    What the screening refuses is stored as refused, with all findings; everything else waits
    for staff. The same `request_key` sent again gives the same request. Raises Refused for a
    restricted account, while another request for the application waits, for answers that
    contradict each other, and for files that are not accepted.
    """
    # Before the account is locked: a hundred megabytes take a while.
    checked = check_files(files)
    locked = lock_account(account.pk)
    known = ConnectionRequest.objects.filter(account=locked, request_key=request_key).first()
    if known is not None:
        return known
    require_good_standing(locked)
    _check(locked, application, entry, business)
    _require_quiet(locked, now)
    require_room(account=locked, files=checked, now=now)
    screening = screen_business(locked, entry, business, has_files=bool(checked))
    start = ConnectionStart.SCREEN_OUT if screening.is_refused else ConnectionStart.SEND
    state = CONNECTION_STARTS[start]
    request = ConnectionRequest.objects.create(
        account=locked,
        application=application,
        number=next_connection_number(),
        request_key=request_key,
        entry=entry,
        industry_name=entry.industry.name if entry and entry.industry else "",
        scenario_name=entry.name if entry else "",
        screening=[finding.to_json() for finding in screening.findings],
        state=state,
        submitted_by=by,
        submitted_at=now,
        decided_at=now if screening.is_refused else None,
        **asdict(business),
    )
    for file in checked:
        keep_file(file, owner=request, is_disclosed=True, by=by, now=now)
    event = Event(
        verb="connection.requested",
        target=request,
        to_state=state,
        data={"findings": [finding.code for finding in screening.findings]},
    )
    record([event], account=locked, by=by, now=now)
    return request


def _wrong_state(request: ConnectionRequest) -> Refused:
    return Refused(
        _("The request is now “%(state)s”, so this is not possible.")
        % {"state": ConnectionState(request.state).label},
        code="wrong_state",
    )


def require_connection_transition(
    request: ConnectionRequest, act: ConnectionAct
) -> ConnectionState:
    """Return the state after an act. Raises Refused where the request is in no state for it."""
    after = CONNECTION_TRANSITIONS.after(request.state, act)
    if after is None:
        raise _wrong_state(request)
    return after


def _move(
    request: ConnectionRequest, act: ConnectionAct, *, reason: str, by: User, now: datetime
) -> Event:
    """Carry out one transition of a request whose account is locked; return its event."""
    before = request.state
    after = require_connection_transition(request, act)
    changes = {"decided_by": by, "decided_at": now, "decision_reason": reason}
    rows = ConnectionRequest.objects.filter(pk=request.pk, state=before)
    if rows.update(state=after, **changes) != 1:
        raise _wrong_state(request)
    for name, value in {"state": after, **changes}.items():
        setattr(request, name, value)
    return Event(
        verb=f"connection.{after}", target=request, from_state=before, to_state=after, reason=reason
    )


def _lock(request: ConnectionRequest) -> ConnectionRequest:
    account = lock_account(request.account_id)
    current = ConnectionRequest.objects.select_related("application", "entry__industry").get(
        pk=request.pk
    )
    current.account = account
    return current


def _screen_again(request: ConnectionRequest) -> Screening:
    """Screen a waiting request by the table as it is now."""
    business = Business(
        description=request.description,
        direction=Direction(request.direction),
        is_cold_calling=request.is_cold_calling,
        number_source=NumberSource(request.number_source),
        number_source_detail=request.number_source_detail,
        consent_proof=request.consent_proof,
        expected_volume=request.expected_volume,
    )
    return screen_business(
        request.account, request.entry, business, has_files=request.evidence.exists()
    )


@transaction.atomic
def decide_connection(
    *,
    request: ConnectionRequest,
    act: ConnectionAct,
    reason: str,
    approval: Proposal | None = None,
    by: User,
    now: datetime,
) -> ConnectionRequest:
    """Approve or refuse a request under review, or revoke an approval, and tell the customer.

    The customer's request is the first act of approving and refusing; revoking takes two of
    staff.

    Approving screens the request again: an entry that staff added meanwhile holds for it too.
    Raises Refused for the person who made the request, and where the state does not allow it.
    """
    current = _lock(request)
    reason = require_text(reason, field="reason")
    if act == ConnectionAct.WITHDRAW:
        raise Refused(_("Only the customer can withdraw a request."), code="not_staff_act")
    require_second_person(
        maker_ids=[current.submitted_by_id], by=by, account=current.account, now=now
    )
    if act == ConnectionAct.REVOKE:
        require_approval(approval, "connection.revoke", by=by, now=now)
    if act == ConnectionAct.APPROVE:
        _refuse_prohibited(_screen_again(current))
    moved = _move(current, act, reason=reason, by=by, now=now)
    event = replace(moved, news=[notices.connection_news(current)])
    record([event], account=current.account, by=by, now=now)
    return current


def _refuse_prohibited(screening: Screening) -> None:
    if screening.is_refused:
        reasons = " ".join(finding.text for finding in screening.refusing)
        raise Refused(
            _("The screening table refuses this business now: %(reasons)s") % {"reasons": reasons},
            code="screened_out",
        )


@transaction.atomic
def withdraw_connection(
    *, request: ConnectionRequest, by: User, now: datetime
) -> ConnectionRequest:
    """Take back a request that is still under review."""
    current = _lock(request)
    moved = _move(current, ConnectionAct.WITHDRAW, reason="", by=by, now=now)
    record([moved], account=current.account, by=by, now=now)
    return current
