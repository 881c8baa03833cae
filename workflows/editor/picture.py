"""A still picture of a definition with the names of its steps: the way a record took is lit, the rest is pale."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from workflows.editor.canvas import rounded
from workflows.editor.layout import PLUS
from workflows.editor.placed import Box, Layout
from workflows.registries import actions

NAME_LENGTH, BRANCH_LENGTH = 24, 30


def picture(found: Layout, outcomes: Mapping[str, str], editor: str, title: str) -> SafeString:
    """`outcomes` by step id: those steps are lit, in the colour of their outcome. Each leads to its settings."""
    edges = "".join(f'<path d="{rounded(edge.points)}"/>' for edge in found.edges)
    edges += "".join(f'<path d="M{plus.x} {plus.y - PLUS // 2}v{PLUS}"/>' for plus in found.pluses)
    lanes = "".join(f'<path class="path-lane" d="{rounded(lane.points)}"/>' for lane in found.lanes)
    labels = "".join(
        f'<text class="path-branch" x="{label.x}" y="{label.y + 16}">{escape(short(label.text, BRANCH_LENGTH))}</text>'
        for label in found.labels
    )
    boxes = "".join(drawn(box, outcomes.get(box.id, ""), editor) for box in found.boxes)
    return mark_safe(
        f'<svg class="path-picture" role="group" aria-label="{escape(title)}" width="{found.width}" '
        f'height="{found.height}" viewBox="0 0 {found.width} {found.height}">{edges}{lanes}{labels}{boxes}</svg>'
    )


def drawn(box: Box, outcome: str, editor: str) -> str:
    """One box with its name; the trigger is lit whatever happens."""
    if box.step is None:
        name, outcome = _("Trigger"), outcome or "success"
    else:
        name = f"{box.number}. {actions[box.step.action].label}"
    state = f" lit {outcome}" if outcome else ""
    middle, full = box.x + box.width // 2, f"<title>{escape(name)}</title>"
    return (
        f'<a href="{escape(editor)}?step={escape(box.id)}"><rect class="path-box{state}" '
        f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="10">{full}</rect>'
        f'<text class="path-name{state}" x="{middle}" y="{box.y + box.height // 2 + 6}">'
        f"{escape(short(name, NAME_LENGTH))}</text></a>"
    )


def short(text: str, length: int) -> str:
    return str(Truncator(text).chars(length))
