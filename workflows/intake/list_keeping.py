"""What lists and segments need of the clock and the workers, and what workflows have to say when lists change."""

from __future__ import annotations

from records import crossings
from records.lists import telling, using, working
from workflows.chores import Chore
from workflows.dependencies.using import users_of_list
from workflows.enrollment import suppressing
from workflows.intake import index_building

CHORES = (Chore(working.waiting_since, working.work), Chore(crossings.unindexed_since, index_building.work))

telling.ears.append(suppressing.wants_to_know)
using.finders.append(users_of_list)
