"""Charts of bars, laid out on the server: what `{% chart %}` of the kit draws as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

#: How many bars a phone has room for: those at the end.
NARROW_BARS = 6
#: The room around the bars, in the drawing's own units: the axis's words, the months, the value.
_LEFT, _BOTTOM, _TOP = 64, 26, 22
#: The most that a bar takes with its gap.
_WIDEST = 120
#: How many lines cross the chart, about.
_LINES = 4
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True)
class Point:
    """One value, its short name beneath its bar, and its whole name in the table."""

    label: str
    name: str
    value: Decimal


@dataclass(frozen=True)
class Bar:
    """One bar in the drawing; `is_last` is the one that is looked at first."""

    point: Point
    x: int
    y: int
    width: int
    height: int
    is_last: bool

    @property
    def middle(self) -> int:
        """Where its words are centered."""
        return self.x + self.width // 2

    @property
    def above(self) -> int:
        """Where its value stands."""
        return self.y - 6


@dataclass(frozen=True)
class Tick:
    """A line across the chart, and the value that it stands for."""

    value: Decimal
    y: int

    @property
    def middle(self) -> int:
        """Where the value's letters stand."""
        return self.y + 4


@dataclass(frozen=True)
class Drawing:
    """The chart in one size."""

    width: int
    height: int
    left: int
    base: int
    below: int
    ticks: list[Tick]
    bars: list[Bar]


@dataclass(frozen=True)
class Chart:
    """A chart as a wide and as a narrow drawing, and the points for its table."""

    points: Sequence[Point]
    wide: Drawing
    narrow: Drawing

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see in it."""
        return not any(point.value for point in self.points)


def draw_bars(points: Sequence[Point]) -> Chart:
    """Draw one bar for each point; values below zero have none.

    The narrow drawing holds the last `NARROW_BARS`, since a phone has no room for more.
    """
    return Chart(
        points=points,
        wide=_draw(points, width=960, height=240),
        narrow=_draw(points[-NARROW_BARS:], width=340, height=200),
    )


def _draw(points: Sequence[Point], *, width: int, height: int) -> Drawing:
    base = height - _BOTTOM
    top, step = _scale(max((point.value for point in points), default=Decimal(0)))
    lines = int(top / step)
    room = base - _TOP
    place = min((width - _LEFT) // max(len(points), 1), _WIDEST)
    gap = max(place // 4, 4)
    return Drawing(
        width=width,
        height=height,
        left=_LEFT - 8,
        base=base,
        below=height - 6,
        ticks=[
            Tick(value=step * number, y=base - room * number // lines)
            for number in range(lines + 1)
        ],
        bars=[
            Bar(
                point=point,
                x=_LEFT + number * place + gap // 2,
                y=base - _height(point.value, top, room),
                width=place - gap,
                height=_height(point.value, top, room),
                is_last=number == len(points) - 1,
            )
            for number, point in enumerate(points)
        ],
    )


def _height(value: Decimal, top: Decimal, room: int) -> int:
    """Return a bar's height; any value above zero is visible."""
    return max(2, int(value / top * room)) if value > 0 else 0


def _scale(highest: Decimal) -> tuple[Decimal, Decimal]:
    """Return the end of the axis and the distance of its lines, both round numbers."""
    if highest <= 0:
        return Decimal(1), Decimal(1)
    rough = highest / _LINES
    power = Decimal(10) ** rough.adjusted()
    step = next(each * power for each in _STEPS if each * power >= rough)
    return step * math.ceil(highest / step), step
