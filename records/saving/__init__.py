"""Writing records of any object type, a batch at a time: validated, journaled, nothing where nothing changes."""

from records.saving.batch import Row, Saved, save_batch
from records.saving.deleting import delete_records, restore_records

__all__ = ["Row", "Saved", "delete_records", "restore_records", "save_batch"]
