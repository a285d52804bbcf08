"""Spans of time, and how much of them was lost. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True)
class Span:
    """The time from `start` up to `end`, the end itself not included."""

    start: datetime
    end: datetime


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans that neither touch nor overlap, in order; empty ones go."""
    merged: list[Span] = []
    for span in sorted(spans):
        if span.end <= span.start:
            continue
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def total(spans: Iterable[Span]) -> timedelta:
    """Return how long the spans are together; time that several of them hold counts once."""
    return sum((span.end - span.start for span in merge(spans)), timedelta())


def lost_time(
    *, annulled: Iterable[Span], valid: Iterable[Span], since: datetime, until: datetime
) -> timedelta:
    """Return the time between `since` and `until` that annulled measures alone took away.

    Time in which a valid measure held as well was not lost by the annulled one (ADR 0047).
    """

    def clip(spans: Iterable[Span]) -> list[Span]:
        return [Span(max(span.start, since), min(span.end, until)) for span in spans]

    right = clip(valid)
    return total([*clip(annulled), *right]) - total(right)
