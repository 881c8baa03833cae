"""What a record is: object types, properties, associations, criteria, segments, the change journal."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "records"
    verbose_name = _("Records")

    def ready(self) -> None:
        from records import capture, checks, signals
        from records.models import Association

        capture.track_associations(Association)
        checks.connect()
        signals.announce_changes_of(Association)
