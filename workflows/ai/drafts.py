"""Drafts of workflows by AI: a wish in words becomes a definition that a person reviews (CRE-03 to CRE-05).

What the model writes is read and checked like any other definition. What of it cannot be read, or the person may not
use, is left out and said; nothing is published, and nothing is even stored before the person opens the draft.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from records.api import strict_json
from records.object_types import ObjectType, enrolled_types, object_types
from records.problems import DocumentError, Problem
from workflows import doorbell, drafting
from workflows.ai import asking, parts, providers, quota
from workflows.ai.vocabulary import FORMAT, vocabulary
from workflows.ai.wires import Question
from workflows.definitions import permitted
from workflows.definitions.parsing import parse
from workflows.models import AIDraft, Delivery, Workflow
from workflows.outbox.ordering import KIND
from workflows.outside.targets import NotAllowed
from workflows.rights.writing import refuse_beyond_rights

#: What the quota counts it as.
ACTION = "draft_workflow"
WISH_LIMIT = 4_000
LEFT_OUT = 50
TASK = """You write workflows for a CRM as JSON. The user says in words what should happen; a person reviews what you \
write before it is used. Follow the format and the vocabulary exactly, and the wish as far as they allow. Name in \
not_understood, in the language of the wish, each part of it that you could not carry out or had to guess.

{format}

The vocabulary: {vocabulary}"""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "A short name of the workflow, in the language of the wish"},
        "description": {"type": "string", "description": "What it does and why, in one or two sentences"},
        "definition": {"type": "string", "description": "The definition, a JSON object as text: trigger and steps"},
        "not_understood": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "description", "definition", "not_understood"],
    "additionalProperties": False,
}
STEP = re.compile(r"steps\.\d+(?:\.branches\.\d+\.steps\.\d+)*")


@dataclass
class Outcome:
    """What became of a wish: still `waiting`, failed with a sentence in `why`, or a readable `document`.

    `left_out` says what of the wish is not in it, in whole sentences.
    """

    waiting: bool = False
    why: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def ask(wish: str, kind: str, *, by: Any, now: dt.datetime, into: Workflow | None = None, part: str = "") -> AIDraft:
    """Order a draft for records of a type, or a part `into` a workflow (workflows.ai.parts).

    Raises DocumentError when it cannot be asked for, with what to do.
    """
    wish = wish.replace("\x00", "").strip()
    problems = []
    if not 1 <= len(wish) <= WISH_LIMIT:
        message = _("Write in 1 to %(limit)d characters what should happen: when …, then ….")
        problems.append(Problem("wish", message % {"limit": WISH_LIMIT}))
    if kind not in enrolled_types():
        problems.append(Problem("object_type", _("Choose which records the workflow is about."), kind))
    provider = providers.find("")
    if provider is None:
        problems.append(Problem("", providers.missing(), code="no_ai_provider"))
    if problems or provider is None:
        raise DocumentError(problems)
    try:
        request = asking.request(provider, question(wish, object_types[kind], by, parts.task_of(part, into)), ACTION)
    except NotAllowed as error:
        raise DocumentError([Problem("", str(error))]) from None
    with transaction.atomic():
        if not quota.take(ACTION, 1, now):
            message = _("This month's %(limit)d drafts by AI are used up. Begin from scratch, or from a goal.")
            raise DocumentError([Problem("", message % {"limit": quota.limit()}, code="ai_quota")])
        draft = AIDraft.objects.create(wish=wish, object_type=kind, created_by=by, into=into, part=part)
        Delivery.objects.create(
            key=key_of(draft), kind=KIND, lane=f"connection:{provider.connection.slug}"[:300], request=request,
            due_at=now, created_at=now,
        )  # fmt: skip
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return draft


def question(wish: str, object_type: ObjectType, by: Any, besides: str = "") -> Question:
    system = TASK.format(format=FORMAT, vocabulary=vocabulary(object_type, by)) + besides
    return Question(system, wish, SCHEMA)


def key_of(draft: AIDraft) -> str:
    return f"draft:{draft.pk}"


def outcome(draft: AIDraft, *, by: Any) -> Outcome:
    """What became of a wish, for the person who looks at it."""
    delivery = Delivery.objects.filter(key=key_of(draft)).first()
    if delivery is None or delivery.state == Delivery.State.SKIPPED:
        return Outcome(why=_("The wish was not sent. Write it once more."))
    if delivery.state == Delivery.State.DEAD:
        return Outcome(why=delivery.last_error)
    values = (delivery.answer or {}).get("values")
    if delivery.state != Delivery.State.DONE:
        return Outcome(waiting=True, why=delivery.last_error)
    return read(values if isinstance(values, dict) else {}, draft, by)


def read(values: dict[str, Any], draft: AIDraft, by: Any) -> Outcome:
    """The answer of a model as a document that can be kept, with what had to be left out of it."""
    name = " ".join(str(values.get("name") or "").split())[:200]
    description = str(values.get("description") or "").strip()[:2_000]
    if draft.part == AIDraft.Part.WORDS:
        if not name or not description:
            return Outcome(why=_("The model wrote no name and description. Ask it once more."))
        return Outcome(document={"name": name, "description": description})
    written = values.get("definition")
    try:
        text = written if isinstance(written, str) else json.dumps(written)
        written = strict_json.parse(text.encode())
    except (DocumentError, ValueError, RecursionError):
        written = None
    if not isinstance(written, dict):
        return Outcome(why=_("The model wrote no definition that can be read. Say it in other words, or in parts."))
    listed = values.get("not_understood")
    told = [str(one)[:500] for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    document = {
        "format": 1, "name": name or _("Draft by AI"), "description": description, "object": draft.object_type,
        "steps": written.get("steps") or [],
    }  # fmt: skip
    if isinstance(written.get("trigger"), dict):
        document["trigger"] = written["trigger"]
    found = Outcome(document=parts.only(draft.part, document), left_out=told[:LEFT_OUT])
    trimmed(found, by)
    if found.document and (why := parts.missing(draft.part, found.document)):
        found.document, found.why = {}, why
    return found


def trimmed(found: Outcome, by: Any) -> None:
    """Take out of a document what cannot be read or may not be used, one part after the other, saying so."""
    while True:
        try:
            parse(found.document)
            permitted.refuse_new({}, found.document, by)
            refuse_beyond_rights(None, found.document, by)
        except DocumentError as error:
            problem = error.problems[0]
            taken = take_out(found.document, problem.path) if len(found.left_out) < LEFT_OUT else ""
            if not taken:
                found.document, found.why = {}, str(problem.message)
                return
            # The remedies after the first sentence are for who writes definitions by hand.
            why = f"{str(problem.message).partition('. ')[0].rstrip('.')}."
            found.left_out.append(_("Left out: %(part)s. %(why)s") % {"part": taken, "why": why})
        else:
            return


def take_out(document: dict[str, Any], path: str) -> str:
    """Remove the step or the trigger that a path leads into: what it was, as people call it; "" for neither."""
    if path.startswith("trigger"):
        return _("what enrolls records") if document.pop("trigger", None) is not None else ""
    place = STEP.match(path)
    if place is None:
        if path != "steps" or not document["steps"]:
            return ""
        document["steps"] = []
        return _("all steps")
    *way, last = place[0].split(".")
    holder: Any = document
    for part in way:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    taken = holder.pop(int(last))
    name = taken.get("id") if isinstance(taken, dict) else taken
    return _("the step “%(name)s”") % {"name": str(name)[:60]}


def open_draft(draft: AIDraft, *, by: Any) -> Workflow:
    """The workflow of a wish, made when it is first opened: off, with a draft. Raises DocumentError."""
    with transaction.atomic():
        draft = AIDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        if draft.workflow is not None and draft.workflow.deleted_at is None:
            return draft.workflow
        found = outcome(draft, by=by)
        if not found.document:
            raise DocumentError([Problem("", found.why or _("The answer is not there yet. Wait a moment."))])
        draft.workflow = drafting.create(found.document["name"], draft.object_type, by, found.document)
        draft.save(update_fields=["workflow"])
    return draft.workflow
