"""Deals and tickets."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from crm.models import Deal, Pipeline, Stage, Ticket
from crm.object_types.columns import MONEY, columns
from crm.object_types.links import links, sources
from records.object_types import register
from records.properties import Option
from records.vocabulary import ListedIn


def pipelines(object_type: str) -> ListedIn:
    def fetch() -> Iterable[Option]:
        found = Pipeline.objects.filter(object_type=object_type)
        return [Option(slug, label) for slug, label in found.values_list("slug", "label")]

    return ListedIn(fetch, Pipeline)


def stages(object_type: str) -> ListedIn:
    """The stages of every pipeline of the type; a slug used in several pipelines is one option."""

    def fetch() -> Iterable[Option]:
        found = Stage.objects.filter(pipeline__object_type=object_type).order_by("pipeline__position", "position")
        return [Option(slug, label) for slug, label in dict(found.values_list("slug", "label")).items()]

    return ListedIn(fetch, Stage, Pipeline)


def register_pipeline_records() -> None:
    register(
        Deal, plural="deals", icon="handshake", associates_with=links("deal"), mergeable=True,
        one_primary=("company",), data_sources=sources("deal"),
        declared=columns(
            Deal,
            amount=MONEY,
            pipeline={"type": "select", "options_source": pipelines("deal")},
            stage={"type": "select", "options_source": stages("deal")},
        ),
    )  # fmt: skip
    register(
        Ticket, plural="tickets", icon="ticket", name_property="subject", associates_with=links("ticket"),
        mergeable=True, one_primary=("company",), data_sources=sources("ticket"),
        declared=columns(
            Ticket,
            pipeline={"type": "select", "options_source": pipelines("ticket")},
            status={"type": "select", "options_source": stages("ticket"), "label": _("status")},
        ),
    )  # fmt: skip
