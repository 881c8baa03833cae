"""Two records become one: the winner keeps its id and gets what the loser had; the loser is deleted for good.

What moves with a record is known by whoever keeps it: a file per subject in a `movers` package of any app.
"""

from records.merging.movers import Merge, Mover, movers

__all__ = ["Merge", "Mover", "movers"]
