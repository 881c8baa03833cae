"""Lines of go-to steps: through free lanes that cross no card."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from workflows.editor.placed import Box, Lane, Layout

STEP = 8
#: How far lines keep away from cards and from each other.
AIR = 10
#: As long as this may a detour be that saves a bend.
BEND = 80
Span = tuple[int, int]
#: Beyond everything.
FAR = 1_000_000


def route(found: Layout) -> tuple[list[Lane], int]:
    """A lane for every go-to whose target is drawn, and the leftmost x used (which may be negative)."""
    by_id = {box.id: box for box in found.boxes}
    verticals = [
        (a[0], min(a[1], b[1]), max(a[1], b[1]))
        for edge in found.edges
        for a, b in zip(edge.points, edge.points[1:], strict=False)
        if a[0] == b[0]
    ]
    lanes: list[Lane] = []
    leftmost = 0
    boxes, streets = found.boxes, None
    for box in boxes:
        step = box.step
        target = by_id.get(str(step.params.get("step", ""))) if step and step.action == "go_to" else None
        if target is None or target.step is None or target is box:
            continue
        lane = lane_between(box, target, boxes, verticals)
        if lane is None:
            streets = streets or Streets(boxes)
            lane = two_bends(box, target, streets) or searched(box, target, streets)
        if not lane.points:
            continue
        lanes.append(lane)
        x = lane.points[1][0]
        verticals.append((x, min(lane.points[0][1], lane.points[-1][1]), max(lane.points[0][1], lane.points[-1][1])))
        leftmost = min([leftmost, *(x - AIR for x, _y in lane.points)])
    return lanes, leftmost


def lane_between(source: Box, target: Box, boxes: list[Box], verticals: list[tuple[int, int, int]]) -> Lane | None:
    """Out of the side of the go-to, along one free vertical, into the side of the target; None where none is free."""
    y1, y2 = source.y + source.height // 2, target.y + target.height // 2
    # Two lanes into one card do not share their last piece.
    y2 += (sum(1 for x, a, b in verticals if y2 in (a, b)) * 6) % 24
    low, high = min(y1, y2), max(y1, y2)
    near = range(0, 40 * STEP, STEP)
    between = [box for box in boxes if box.y - AIR < high and box.y + box.height + AIR > low]
    columns = {(box.x - AIR, box.x + box.width + AIR) for box in between}
    lines = sorted(x for x, top, bottom in verticals if bottom >= low and top <= high)
    middle = target.x + target.width + STEP * 2
    for offset in near:
        for x in (middle + offset, target.x - STEP * 2 - offset):
            if not free(x, columns, lines):
                continue
            start = source.x + source.width if x > source.x + source.width else source.x
            finish = target.x + target.width if x > target.x + target.width else target.x
            if (start == source.x and x > source.x) or (finish == target.x and x > target.x):
                continue
            first = clear(y1, start, x, [box for box in between if box is not source])
            if first and clear(y2, x, finish, [box for box in between if box is not target]):
                return Lane(source.id, target.id, ((start, y1), (x, y1), (x, y2), (finish, y2)))
    return None


@dataclass(frozen=True, eq=False)
class Street:
    """A free straight piece: `at` is its x (upright) or y, `low` and `high` how far it goes."""

    upright: bool
    at: int
    low: int
    high: int


class Streets:
    """Every free straight piece between the cards, and which cross which; made once for all lanes of a picture."""

    def __init__(self, boxes: list[Box]) -> None:
        columns = {x for box in boxes for x in (box.x - STEP * 2, box.x + box.width + STEP * 2)}
        rows = {y for box in boxes for y in (box.y - 16, box.y + box.height + 16)}
        sides = [((box.x - 4, box.x + box.width + 4), (box.y - 4, box.y + box.height + 4)) for box in boxes]
        across, along = Cards(sides), Cards((along, across) for across, along in sides)
        self.upright = [piece for x in sorted(columns) for piece in pieces(True, x, across)]
        self.level = [piece for y in sorted(rows) for piece in pieces(False, y, along)]
        self.places = {True: [piece.at for piece in self.upright], False: [piece.at for piece in self.level]}
        self.lines = {True: Lines(self.upright), False: Lines(self.level)}
        self.known: dict[Street, list[Street]] = {}

    def crossing(self, street: Street) -> list[Street]:
        if street not in self.known:
            self.known[street] = self.lines[not street.upright].across(street)
        return self.known[street]

    def beside(self, box: Box, y: int) -> list[Street]:
        """The upright pieces to the right and to the left of a card, at a height."""
        found = []
        for x in (box.x + box.width + STEP * 2, box.x - STEP * 2):
            first = bisect_left(self.places[True], x)
            last = bisect_right(self.places[True], x)
            found += [street for street in self.upright[first:last] if street.low <= y <= street.high]
        return found


class Lines:
    """Pieces by the line they lie on: those of one line follow each other, so a place is in one of them at most."""

    def __init__(self, streets: list[Street]) -> None:
        found: dict[int, list[Street]] = {}
        for street in streets:
            found.setdefault(street.at, []).append(street)
        self.places = list(found)
        self.lines = [([street.low for street in line], line) for line in found.values()]

    def across(self, street: Street) -> list[Street]:
        """The pieces a street of the other direction crosses, in order."""
        found, at = [], street.at
        for lows, line in self.lines[bisect_left(self.places, street.low) : bisect_right(self.places, street.high)]:
            other = line[bisect_right(lows, at) - 1]
            if other.low <= at <= other.high:
                found.append(other)
        return found


class Cards:
    """By the span of cards in one direction their spans in the other: cards in a column share theirs."""

    def __init__(self, sides: Iterable[tuple[Span, Span]]) -> None:
        found: dict[Span, list[Span]] = {}
        for one, other in sides:
            found.setdefault(one, []).append(other)
        self.groups = sorted(found.items())
        self.starts = [low for (low, _high), _spans in self.groups]
        self.widest = max((high - low for low, high in found), default=0)

    def on(self, line: int) -> list[Span]:
        """The spans of the cards that lie on a line, in order."""
        near = self.groups[bisect_left(self.starts, line - self.widest) : bisect_right(self.starts, line)]
        return sorted(span for (_low, high), spans in near if line <= high for span in spans)


def pieces(upright: bool, at: int, cards: Cards) -> list[Street]:
    """What is free of a whole line, between the cards that lie on it."""
    found, low = [], -FAR
    for top, bottom in cards.on(at):
        if top > low:
            found.append(Street(upright, at, low, top - 1))
        low = max(low, bottom + 1)
    return [*found, Street(upright, at, low, FAR)]


def two_bends(source: Box, target: Box, streets: Streets) -> Lane | None:
    """The shortest way along one free level piece between two upright ones; None where there is none."""
    y1, y2 = source.y + source.height // 2, target.y + target.height // 2
    ways = [
        (abs(y1 - level.at) + abs(one.at - other.at) + abs(level.at - y2), level.at, one.at, other.at)
        for one in streets.beside(source, y1)
        for other in streets.beside(target, y2)
        for level in {*streets.crossing(one)} & {*streets.crossing(other)}
    ]
    if not ways:
        return None
    _length, y, begin, end = min(ways)
    return traced(source, target, [(begin, y1), (begin, y), (end, y), (end, y2)])


def searched(source: Box, target: Box, streets: Streets) -> Lane:
    """A short way with few bends along the free pieces, for where no single vertical is free."""
    y1, y2 = source.y + source.height // 2, target.y + target.height // 2
    goals = set(streets.beside(target, y2))
    if not goals:
        return Lane(source.id, target.id, ())
    low, high = min(goal.at for goal in goals), max(goal.at for goal in goals)
    came: dict[Street, tuple[Street | None, tuple[int, int]]] = {}
    waiting: list[tuple[int, int, int, Street, Street | None, tuple[int, int]]] = [
        (0, 0, count, street, None, (street.at, y1)) for count, street in enumerate(streets.beside(source, y1))
    ]
    count, best = len(waiting), dict[Street, int]()
    while waiting:
        _guess, cost, _count, street, parent, (x, y) = heappop(waiting)
        if street in came:
            continue
        came[street] = parent, (x, y)
        if street in goals:
            way = [(street.at, y2)]
            at: Street | None = street
            while at is not None:
                at, corner = came[at]
                way.append(corner)
            return traced(source, target, way[::-1])
        along = y if street.upright else x
        for other in streets.crossing(street):
            spent = cost + abs(other.at - along) + BEND
            if other in came or spent >= best.get(other, FAR):
                continue
            corner = (street.at, other.at) if street.upright else (other.at, street.at)
            best[other] = spent
            count += 1
            # From a level piece one more bend leads to the goal, from an upright one that is no goal two.
            bends = 0 if other in goals else 2 if other.upright else 1
            aside = min(abs(corner[0] - low), abs(corner[0] - high))
            guess = spent + aside + abs(corner[1] - y2) + bends * BEND
            heappush(waiting, (guess, spent, count, other, street, corner))
    return Lane(source.id, target.id, ())


def traced(source: Box, target: Box, way: list[tuple[int, int]]) -> Lane:
    """The corners of a way, from card to card."""
    start = source.x + source.width if way[0][0] > source.x else source.x
    finish = target.x + target.width if way[-1][0] > target.x else target.x
    points = [(start, way[0][1]), *way, (finish, way[-1][1])]
    corners = [
        point
        for before, point, after in zip(points, points[1:], points[2:], strict=False)
        if not (before[0] == point[0] == after[0] or before[1] == point[1] == after[1])
    ]
    return Lane(source.id, target.id, (points[0], *corners, points[-1]))


def free(x: int, columns: set[Span], lines: list[int]) -> bool:
    """Whether an upright line at `x` keeps away from columns of cards and from upright lines, which are sorted."""
    next_one = bisect_right(lines, x - STEP)
    if next_one < len(lines) and lines[next_one] < x + STEP:
        return False
    return not any(left < x < right for left, right in columns)


def clear(y: int, a: int, b: int, boxes: list[Box]) -> bool:
    left, right = min(a, b), max(a, b)
    return not any(
        box.x < right and box.x + box.width > left and box.y - 4 < y < box.y + box.height + 4 for box in boxes
    )
