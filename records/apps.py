"""What a record is: object types, properties, associations, criteria, segments, the change journal."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "records"
    verbose_name = _("Records")

    def ready(self) -> None:
        from records import capture_links, checks, signals
        from records.associations import counts_of
        from records.event_types import event_types
        from records.merging import movers
        from records.merging.journaling import track_merges
        from records.models import Association, MergedRecord
        from records.object_types import calculators

        calculators.append(counts_of)
        capture_links.track_associations(Association)
        track_merges(MergedRecord)
        checks.connect()
        signals.announce_changes_of(Association)
        event_types.load("records.event_types")
        autodiscover_modules("event_types")
        movers.load("records.movers")
        autodiscover_modules("movers")
