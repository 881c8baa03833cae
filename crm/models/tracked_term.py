"""Tracked terms: words that are looked for in the transcripts of calls (FLT-11, FLT-12)."""

from __future__ import annotations

import re
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

#: Letters, digits and the underscore go on a word; a term begins and ends where one does.
BEFORE, AFTER = r"(?<!\w)", r"(?!\w)"


class TrackedTerm(models.Model):
    """One term with the ways it is said. `pattern` is a regular expression of PostgreSQL, made from them.

    `searched_to` is the id of the call up to which earlier transcripts were looked through for it as it is now;
    None when all were.
    """

    slug = models.SlugField(
        _("internal name"), unique=True, help_text=_("Stays as it is: workflows and programs use it.")
    )
    name = models.CharField(_("name"), max_length=120, unique=True)
    phrases = models.TextField(
        _("words to look for"),
        max_length=10_000,
        help_text=_("One word or phrase per line. Capital letters make no difference; only whole words are found."),
    )
    pattern = models.TextField(editable=False)
    searched_to = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("tracked term")
        verbose_name_plural = _("tracked terms")
        ordering = ("name",)
        indexes = (models.Index(fields=("id",), condition=models.Q(searched_to__isnull=False), name="term_to_search"),)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pattern = pattern_of(self.phrases)
        super().save(*args, **kwargs)


def pattern_of(phrases: str) -> str:
    """The regular expression that finds one of the phrases, a line each; it fits nothing when there is none."""
    lines = [line.split() for line in phrases.splitlines() if line.split()]
    if not lines:
        return "(?!)"
    said = "|".join(r"\s+".join(re.escape(word) for word in words) for words in lines)
    return f"{BEFORE}(?:{said}){AFTER}"
