"""The only thing an app has to do to contribute an action: have it in a module of this name."""

from __future__ import annotations

from typing import Any

from django import forms

from workflows.actions.base import Action
from workflows.engine.batch import Batch
from workflows.registries import actions
from workflows.step_forms.forms import TextField
from workflows.step_forms.params import ParamsForm


@actions.register
class Stamp(Action):
    slug = "stamp"
    label = "Stamp the book"
    group = "Library"
    object_types = ("book",)

    class Params(ParamsForm):
        text = TextField(label="Text of the stamp", widget=forms.TextInput)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        batch.records().update(title=params["text"])
        batch.done()
