"""Row triggers without the library's question whether they are to be ignored.

pgtrigger's own functions ask it by catching an error, which is a subtransaction for every row: 100,000 rows of one
statement become 100,000 of them, and the server slows down more than in proportion. Nothing here is ever ignored.
"""

from __future__ import annotations

import re

import pgtrigger
from django.db import models
from pgtrigger import compiler

QUESTION = re.compile(r"IF \(\{ignore_func_name\}.*?END IF;\s*END IF;", re.DOTALL)


class UnaskedSql(compiler.UpsertTriggerSql):
    """The library's SQL with the question left out."""

    def get_template(self) -> str:
        template, count = QUESTION.subn("", super().get_template())
        assert count == 1, "pgtrigger writes its functions in another way than the one known here"
        return template


class PlainRowTrigger(pgtrigger.Trigger):
    """A row trigger that costs what its body costs; `pgtrigger.ignore` does not reach it."""

    level = pgtrigger.Row

    def compile(self, model: models.Model) -> compiler.Trigger:
        compiled = super().compile(model)
        compiled.sql = UnaskedSql(**compiled.sql.kwargs)
        return compiled
