"""Which act leads a violation case, an appeal or a connection request from which state to which.

These tables are the only place that says so; another says how each begins, and
`accounts.transitions` reads them. A state from which nothing leads is final.
"""

from enum import StrEnum

from accounts.transitions import Transitions
from compliance.enums import AppealState, CaseState, ConnectionState


class CaseStart(StrEnum):
    """How a violation case begins."""

    REPORT = "report"


class CaseAct(StrEnum):
    """What can be done with a violation case."""

    INVESTIGATE = "investigate"
    VERIFY = "verify"
    DISMISS = "dismiss"
    ACT = "act"
    APPEAL = "appeal"
    UPHOLD = "uphold"
    OVERTURN = "overturn"


CASE_STARTS: dict[CaseStart, CaseState] = {CaseStart.REPORT: CaseState.REPORTED}
CASE_TRANSITIONS = Transitions[CaseState, CaseAct](
    {
        (CaseState.REPORTED, CaseAct.INVESTIGATE): CaseState.INVESTIGATING,
        (CaseState.INVESTIGATING, CaseAct.VERIFY): CaseState.VERIFIED,
        (CaseState.INVESTIGATING, CaseAct.DISMISS): CaseState.DISMISSED,
        (CaseState.VERIFIED, CaseAct.ACT): CaseState.ACTIONED,
        (CaseState.ACTIONED, CaseAct.APPEAL): CaseState.APPEALED,
        (CaseState.UPHELD, CaseAct.APPEAL): CaseState.APPEALED,
        (CaseState.APPEALED, CaseAct.UPHOLD): CaseState.UPHELD,
        (CaseState.APPEALED, CaseAct.OVERTURN): CaseState.OVERTURNED,
    }
)


class AppealStart(StrEnum):
    """How an appeal begins."""

    SUBMIT = "submit"


class AppealAct(StrEnum):
    """How an appeal is decided."""

    UPHOLD = "uphold"
    OVERTURN = "overturn"


APPEAL_STARTS: dict[AppealStart, AppealState] = {AppealStart.SUBMIT: AppealState.OPEN}
APPEAL_TRANSITIONS = Transitions[AppealState, AppealAct](
    {
        (AppealState.OPEN, AppealAct.UPHOLD): AppealState.UPHELD,
        (AppealState.OPEN, AppealAct.OVERTURN): AppealState.OVERTURNED,
    }
)


class ConnectionStart(StrEnum):
    """How a connection request begins: staff review it, or the screening refuses it."""

    SEND = "send"
    SCREEN_OUT = "screen_out"


class ConnectionAct(StrEnum):
    """What can be done with a connection request once it has been made."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"


CONNECTION_STARTS: dict[ConnectionStart, ConnectionState] = {
    ConnectionStart.SEND: ConnectionState.REVIEW,
    ConnectionStart.SCREEN_OUT: ConnectionState.REFUSED,
}
CONNECTION_TRANSITIONS = Transitions[ConnectionState, ConnectionAct](
    {
        (ConnectionState.REVIEW, ConnectionAct.APPROVE): ConnectionState.APPROVED,
        (ConnectionState.REVIEW, ConnectionAct.REFUSE): ConnectionState.REFUSED,
        (ConnectionState.REVIEW, ConnectionAct.WITHDRAW): ConnectionState.WITHDRAWN,
        (ConnectionState.APPROVED, ConnectionAct.REVOKE): ConnectionState.REVOKED,
    }
)
