"""The counts of records as the canvas shows them: short texts, their meaning in full, and where they lead."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.history.traffic import Passing
from workflows.models import Workflow

Count = dict[str, str]


@dataclass(frozen=True)
class Shown:
    """The counts of a workflow; `passing` is None where nobody asked for a period."""

    workflow: Workflow
    period: str
    here: Counter[str]
    passing: Passing | None

    def steps(self) -> dict[str, list[Count]]:
        """By step id: who is here, who passed, who failed; what is zero is left out."""
        passing = self.passing or Passing()
        found = {}
        for step in {*self.here, *passing.passed, *passing.failed}:
            counts = [self.waiting(step, self.here[step])] if self.here[step] else []
            counts += [self.passed(step, passing.passed[step])] if passing.passed[step] else []
            counts += [self.failed(step, passing.failed[step])] if passing.failed[step] else []
            found[step] = counts
        return found

    def branches(self) -> dict[str, Count]:
        """By "step-branch": the share of the records that took the branch."""
        found = {}
        for step, ways in (self.passing or Passing()).ways.items():
            total = sum(ways.values())
            for way, count in ways.items():
                if way >= 0:
                    found[f"{step}-{way}"] = self.share(step, way, count, total)
        return found

    def waiting(self, step: str, count: int) -> Count:
        facts = {"count": number_format(count, force_grouping=True)}
        label = ngettext("%(count)s record stands here", "%(count)s records stand here", count) % facts
        text = ngettext("%(count)s waiting", "%(count)s waiting", count) % facts
        return {"kind": "here", "text": text, "label": label, "url": self.url(status__exact="active", step=step)}

    def passed(self, step: str, count: int) -> Count:
        facts = {"count": number_format(count, force_grouping=True)}
        label = ngettext("%(count)s record got through", "%(count)s records got through", count) % facts
        url = self.log(step=step, ended="passed", during=self.period)
        return {"kind": "passed", "text": short(count), "label": label, "url": url}

    def failed(self, step: str, count: int) -> Count:
        facts = {"count": number_format(count, force_grouping=True)}
        label = ngettext("%(count)s record failed", "%(count)s records failed", count) % facts
        url = self.log(step=step, ended="failed", during=self.period)
        return {"kind": "failed", "text": short(count), "label": label, "url": url}

    def share(self, step: str, way: int, count: int, total: int) -> Count:
        facts = {
            "count": number_format(count, force_grouping=True),
            "total": number_format(total, force_grouping=True),
        }
        label = _("%(count)s of %(total)s records took this branch") % facts
        text = _("%(share)s %%") % {"share": percent(count, total)}
        url = self.log(step=step, ended="passed", way=way, during=self.period)
        return {"kind": "share", "text": text, "label": label, "url": url}

    def url(self, **query: Any) -> str:
        asked = {"workflow__id__exact": self.workflow.pk, **query}
        return f"{reverse('admin:workflows_enrollment_changelist')}?{urlencode(asked)}"

    def log(self, **query: Any) -> str:
        return f"{reverse('admin:workflow_log', args=[self.workflow.pk])}?{urlencode(query)}"


def percent(count: int, total: int) -> str:
    """A share without decimal places, but never 0 or 100 for some that are not none or all."""
    share = round(100 * count / total)
    if share == 0 and count:
        return "<1"
    return ">99" if share == 100 and count < total else str(share)


def short(count: int) -> str:
    """A number in at most four characters and a letter: 999, 1.2k, 15k, 3.4M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            whole = count / size
            return f"{number_format(whole, 1 if whole < 10 else 0)}{letter}"
    return str(count)
