"""What customers are told when staff decide, in the console and by e-mail (the outbox)."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.access import Permission
from accounts.services.notifications import notify
from compliance.models import ConnectionRequest, Violation


def _tell_owners(case: Violation, kind: str, params: dict[str, Any], *, now: datetime) -> None:
    """Write to those who can appeal; each act of a case is told once."""
    notify(
        account=case.account,
        kind=kind,
        params={"number": case.number, **params},
        to=Permission.APPEAL,
        path=reverse(
            "compliance:violation", kwargs={"uin": case.account.uin, "number": case.number}
        ),
        dedupe_key=f"{kind}:{case.number}:{now.isoformat()}",
        now=now,
    )


def tell_of_measure(case: Violation, *, appeal_until: datetime, now: datetime) -> None:
    """Tell which measure a case has led to, and until when it can be appealed."""
    params = {
        "measure": case.measure,
        "behaviour": case.judged_by["name"],
        "behaviour_zh": case.judged_by["name_zh"],
        "summary": case.summary,
        "appeal_until_at": appeal_until,
    }
    _tell_owners(case, "violation_measure", params, now=now)


def tell_of_lifting(case: Violation, *, reason: str, now: datetime) -> None:
    """Tell that a suspension has ended."""
    _tell_owners(case, "violation_lifted", {"reason": reason}, now=now)


def tell_of_appeal(case: Violation, *, is_overturned: bool, reason: str, now: datetime) -> None:
    """Tell how an appeal was decided."""
    params = {"is_overturned": is_overturned, "reason": reason}
    _tell_owners(case, "violation_appeal", params, now=now)


def tell_of_connection(request: ConnectionRequest, *, now: datetime) -> None:
    """Tell those who may make requests how one was decided."""
    notify(
        account=request.account,
        kind="connection_decided",
        params={
            "number": request.number,
            "application": str(request.application),
            "state": request.state,
            "reason": request.decision_reason,
        },
        to=Permission.REQUEST_CONNECTION,
        path=reverse(
            "compliance:connection_request",
            kwargs={"uin": request.account.uin, "number": request.number},
        ),
        dedupe_key=f"connection_decided:{request.number}:{request.state}",
        now=now,
    )
