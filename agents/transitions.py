"""Which move leads an act on many agents from which state to which.

This table is the only place that says so; `accounts.transitions` reads it. A state from which
nothing leads is final.
"""

from enum import StrEnum

from accounts.enums import WorkStatus
from accounts.transitions import Transitions


class ActStart(StrEnum):
    """How an act on many agents begins."""

    BEGIN = "begin"


class ActMove(StrEnum):
    """What happens to an act: its job changes agents, ends it or has to stop, or it is canceled."""

    CHANGE = "change"
    FINISH = "finish"
    STOP = "stop"
    # Only before the first agent was changed.
    CANCEL = "cancel"


ACT_STARTS: dict[ActStart, WorkStatus] = {ActStart.BEGIN: WorkStatus.WAITING}
ACT_TRANSITIONS = Transitions[WorkStatus, ActMove](
    {
        (WorkStatus.WAITING, ActMove.CHANGE): WorkStatus.WAITING,
        (WorkStatus.WAITING, ActMove.FINISH): WorkStatus.DONE,
        (WorkStatus.WAITING, ActMove.STOP): WorkStatus.STOPPED,
        (WorkStatus.WAITING, ActMove.CANCEL): WorkStatus.CANCELED,
    }
)
