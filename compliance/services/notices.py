"""What customers are told by e-mail when staff decide; the console's pages show the same.

Each person is written to in their own language, once the decision is stored.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.enums import Role
from accounts.models import Account, Membership, User
from accounts.services.audit import record_event
from compliance.enums import ConnectionState, ViolationMeasure
from compliance.models import ConnectionRequest, Violation

#: A subject and a text, made when the reader's language is active.
Letter = Callable[[], tuple[str, str]]


def tell_of_measure(case: Violation, *, by: User | None, now: datetime) -> None:
    """Tell the owners which measure a case has led to, and how to answer."""
    _tell(case.account, [Role.OWNER], partial(_measure_letter, case), case, by=by, now=now)


def tell_of_lifting(case: Violation, *, by: User | None, now: datetime) -> None:
    """Tell the owners that a suspension has ended."""
    _tell(case.account, [Role.OWNER], partial(_lifting_letter, case), case, by=by, now=now)


def tell_of_appeal(case: Violation, *, is_overturned: bool, by: User | None, now: datetime) -> None:
    """Tell the owners how their appeal was decided."""
    letter = partial(_appeal_letter, case, is_overturned)
    _tell(case.account, [Role.OWNER], letter, case, by=by, now=now)


def tell_of_connection(request: ConnectionRequest, *, by: User | None, now: datetime) -> None:
    """Tell owners and agent managers how a connection request was decided."""
    roles = [Role.OWNER, Role.AGENT_MANAGER]
    _tell(request.account, roles, partial(_connection_letter, request), request, by=by, now=now)


def _measure_letter(case: Violation) -> tuple[str, str]:
    measure = ViolationMeasure(case.measure).label
    subject = _("Violation %(number)s: %(measure)s") % {"number": case.number, "measure": measure}
    text = _(
        "Our staff verified a violation of the connect guidelines in your account %(account)s.\n\n"
        "Behaviour: %(behaviour)s\n"
        "Measure: %(measure)s\n"
        "What happened: %(summary)s\n\n"
        "The violations page of the console says what this means and until when you can appeal."
    ) % {
        "account": case.account,
        "behaviour": case.behaviour_name,
        "measure": measure,
        "summary": case.summary,
    }
    return subject, text


def _lifting_letter(case: Violation) -> tuple[str, str]:
    subject = _("Violation %(number)s: suspension lifted") % {"number": case.number}
    text = _(
        "The suspension of your account %(account)s because of this violation has ended. "
        "The violation itself keeps standing."
    ) % {"account": case.account}
    return subject, text


def _appeal_letter(case: Violation, is_overturned: bool) -> tuple[str, str]:
    if is_overturned:
        subject = _("Violation %(number)s: overturned") % {"number": case.number}
        text = _(
            "Your appeal was right. The violation no longer counts, and everything that it took "
            "from your account %(account)s is given back."
        )
    else:
        subject = _("Violation %(number)s: upheld") % {"number": case.number}
        text = _(
            "Our staff looked at your appeal, and the violation of your account %(account)s "
            "stands. The violations page of the console gives the reason."
        )
    return subject, text % {"account": case.account}


def _connection_letter(request: ConnectionRequest) -> tuple[str, str]:
    subject = _("Connection request %(number)s: %(state)s") % {
        "number": request.number,
        "state": ConnectionState(request.state).label,
    }
    text = _("Application: %(application)s\nReason: %(reason)s") % {
        "application": request.application,
        "reason": request.decision_reason,
    }
    return subject, text


def _tell(
    account: Account,
    roles: Iterable[str],
    letter: Letter,
    target: Violation | ConnectionRequest,
    *,
    by: User | None,
    now: datetime,
) -> None:
    """Write to the account's active members of these roles when the transaction is through."""
    members = Membership.objects.filter(account=account, role__in=roles, user__is_active=True)
    letters = [_in_language_of(member.user, letter) for member in members.select_related("user")]
    noun = "violation" if isinstance(target, Violation) else "connection"
    record_event(
        account=account,
        verb=f"{noun}.notified",
        target=target,
        data={"recipients": len(letters)},
        by=by,
        now=now,
    )
    transaction.on_commit(partial(_send, letters), robust=True)


def _in_language_of(user: User, letter: Letter) -> EmailMessage:
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject, text = letter()
    return EmailMessage(subject=subject, body=text, to=[user.email])


def _send(letters: Iterable[EmailMessage]) -> None:
    for letter in letters:
        letter.send()
