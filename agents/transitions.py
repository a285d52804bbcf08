"""Which move leads an act on many agents from which state to which.

This table is the only place that says so; `accounts.transitions` reads it. A state from which
nothing leads is final.
"""

from enum import StrEnum

from accounts.transitions import Transitions
from agents.enums import ActStatus


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


ACT_STARTS: dict[ActStart, ActStatus] = {ActStart.BEGIN: ActStatus.WAITING}
ACT_TRANSITIONS = Transitions[ActStatus, ActMove](
    {
        (ActStatus.WAITING, ActMove.CHANGE): ActStatus.WAITING,
        (ActStatus.WAITING, ActMove.FINISH): ActStatus.DONE,
        (ActStatus.WAITING, ActMove.STOP): ActStatus.STOPPED,
        (ActStatus.WAITING, ActMove.CANCEL): ActStatus.CANCELED,
    }
)
