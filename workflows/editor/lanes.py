"""Lines of go-to steps: through free lanes that cross no card."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflows.editor.layout import Box, Layout

STEP = 8
#: How far lines keep away from cards and from each other.
AIR = 10
#: What comes before the first place of a way.
START = ((-1, -1), 0)


@dataclass(frozen=True)
class Lane:
    """The line from a go-to step to the one it leads to."""

    source: str
    target: str
    points: tuple[tuple[int, int], ...]


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
    for box in found.boxes:
        step = box.step
        target = by_id.get(str(step.params.get("step", ""))) if step and step.action == "go_to" else None
        if target is None or target.step is None or target is box:
            continue
        lane = lane_between(box, target, found.boxes, verticals)
        if not lane.points:
            continue
        lanes.append(lane)
        x = lane.points[1][0]
        verticals.append((x, min(lane.points[0][1], lane.points[-1][1]), max(lane.points[0][1], lane.points[-1][1])))
        leftmost = min(leftmost, x - AIR)
    return lanes, leftmost


def lane_between(source: Box, target: Box, boxes: list[Box], verticals: list[tuple[int, int, int]]) -> Lane:
    """Out of the side of the go-to, along a free vertical, into the side of the target."""
    y1, y2 = source.y + source.height // 2, target.y + target.height // 2
    # Two lanes into one card do not share their last piece.
    y2 += (sum(1 for x, a, b in verticals if y2 in (a, b)) * 6) % 24
    low, high = min(y1, y2), max(y1, y2)
    near = range(0, 40 * STEP, STEP)
    middle = target.x + target.width + STEP * 2
    for offset in near:
        for x in (middle + offset, target.x - STEP * 2 - offset):
            if not free(x, low, high, boxes, verticals):
                continue
            start = source.x + source.width if x > source.x + source.width else source.x
            finish = target.x + target.width if x > target.x + target.width else target.x
            if (start == source.x and x > source.x) or (finish == target.x and x > target.x):
                continue
            first = clear(y1, start, x, [box for box in boxes if box is not source])
            if first and clear(y2, x, finish, [box for box in boxes if box is not target]):
                return Lane(source.id, target.id, ((start, y1), (x, y1), (x, y2), (finish, y2)))
    return searched(source, target, boxes)


def searched(source: Box, target: Box, boxes: list[Box]) -> Lane:
    """The way with the fewest bends through the grid of all gaps, for where no single vertical is free."""
    y1, y2 = source.y + source.height // 2, target.y + target.height // 2
    xs = sorted({x for box in boxes for x in (box.x - STEP * 2, box.x + box.width // 2, box.x + box.width + STEP * 2)})
    ys = sorted({y for box in boxes for y in (box.y - 16, box.y + box.height // 2, box.y + box.height + 16)})
    blocked: set[tuple[int, int]] = set()
    for box in boxes:
        columns = range(bisect_left(xs, box.x - 4), bisect_right(xs, box.x + box.width + 4))
        rows = range(bisect_left(ys, box.y - 4), bisect_right(ys, box.y + box.height + 4))
        blocked.update((i, j) for i in columns for j in rows)
    column = {x: i for i, x in enumerate(xs)}
    row = {y: j for j, y in enumerate(ys)}

    def beside(box: Box, y: int) -> list[tuple[int, int]]:
        return [(column[x], row[y]) for x in (box.x + box.width + STEP * 2, box.x - STEP * 2)]

    goals = [place for place in beside(target, y2) if place not in blocked]
    if not goals:
        return Lane(source.id, target.id, ())
    aim = goals[0]
    came: dict[tuple[tuple[int, int], int], tuple[tuple[int, int], int]] = {}
    waiting: list[tuple[int, int, tuple[int, int], int, tuple[tuple[int, int], int]]] = [
        (0, 0, place, 0, START) for place in beside(source, y1) if place not in blocked
    ]
    while waiting:
        _guess, cost, place, direction, parent = heappop(waiting)
        if (place, direction) in came:
            continue
        came[place, direction] = parent
        if place in goals:
            way, at = [], (place, direction)
            while at != START:
                way.append((xs[at[0][0]], ys[at[0][1]]))
                at = came[at]
            return traced(source, target, way[::-1])
        for turn, (di, dj) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
            i, j = place[0] + di, place[1] + dj
            if 0 <= i < len(xs) and 0 <= j < len(ys) and (i, j) not in blocked and ((i, j), turn // 2) not in came:
                length = abs(xs[i] - xs[place[0]]) + abs(ys[j] - ys[place[1]])
                spent = cost + length + (0 if turn // 2 == direction else 80)
                guess = spent + abs(xs[i] - xs[aim[0]]) + abs(ys[j] - ys[aim[1]])
                heappush(waiting, (guess, spent, (i, j), turn // 2, (place, direction)))
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


def free(x: int, low: int, high: int, boxes: list[Box], verticals: list[tuple[int, int, int]]) -> bool:
    for box in boxes:
        if box.x - AIR < x < box.x + box.width + AIR and box.y - AIR < high and box.y + box.height + AIR > low:
            return False
    return all(abs(other - x) >= STEP or bottom < low or top > high for other, top, bottom in verticals)


def clear(y: int, a: int, b: int, boxes: list[Box]) -> bool:
    left, right = min(a, b), max(a, b)
    return not any(
        box.x < right and box.x + box.width > left and box.y - 4 < y < box.y + box.height + 4 for box in boxes
    )
