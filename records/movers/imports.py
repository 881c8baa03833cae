"""What imports have added or changed as the loser, they have added or changed as the winner."""

from __future__ import annotations

from django.db import connection

from records.merging.movers import Merge, Mover, movers
from records.models import ImportedRecord

# Of one import that knew both, one row is enough.
MOVE = """
    UPDATE records_importedrecord i SET record_id = %(winner)s FROM records_importrun r
    WHERE r.id = i.run_id AND r.object_type = %(type)s AND i.record_id = %(loser)s AND NOT EXISTS (
        SELECT FROM records_importedrecord other WHERE other.run_id = i.run_id AND other.record_id = %(winner)s
    )
"""


@movers.register
class Imports(Mover):
    slug = "imports"
    tables = (ImportedRecord._meta.db_table,)

    def move(self, merge: Merge) -> None:
        facts = {"type": merge.object_type.slug, "winner": merge.winner, "loser": merge.loser}
        with connection.cursor() as cursor:
            cursor.execute(MOVE, facts)
