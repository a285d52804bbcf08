"""What customers are told when staff decide, in the console and by email."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.access import Permission
from accounts.services.notifications import News
from compliance.models import ConnectionRequest, Violation


def _news_for_owners(case: Violation, kind: str, params: dict[str, Any], *, now: datetime) -> News:
    """Return news for those who can appeal; each act of a case is told once."""
    return News(
        account=case.account,
        kind=kind,
        params={"number": case.number, **params},
        to=Permission.APPEAL,
        path=reverse(
            "compliance:violation", kwargs={"uin": case.account.uin, "number": case.number}
        ),
        dedupe_key=f"{kind}:{case.number}:{now.isoformat()}",
    )


def measure_news(case: Violation, *, appeal_until: datetime, now: datetime) -> News:
    """Return which measure a case has led to, and until when it can be appealed."""
    params = {
        "measure": case.measure,
        "behaviour": case.judged_by["name"],
        "behaviour_zh": case.judged_by["name_zh"],
        "summary": case.summary,
        "appeal_until_at": appeal_until,
    }
    return _news_for_owners(case, "violation_measure", params, now=now)


def lifting_news(case: Violation, *, reason: str, now: datetime) -> News:
    """Return that a suspension has ended."""
    return _news_for_owners(case, "violation_lifted", {"reason": reason}, now=now)


def appeal_news(case: Violation, *, is_overturned: bool, reason: str, now: datetime) -> News:
    """Return how an appeal was decided."""
    params = {"is_overturned": is_overturned, "reason": reason}
    return _news_for_owners(case, "violation_appeal", params, now=now)


def connection_news(request: ConnectionRequest) -> News:
    """Return how a request was decided, for those who may make requests."""
    return News(
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
    )
