"""Links between records: labelled rows of `Association`, and the foreign keys and many-to-manys a model declares.

Both answer the same questions, so criteria and actions need not know which they look at.
"""

from records.associations.asking import exists, ids_of, leading_to, links_of, rows_of
from records.associations.counting import counted, counts_of
from records.associations.known import AssociationType, Kind, Pairs, associations_of, between, type_of
from records.associations.linking import associate, associate_new, dissociate
from records.associations.native import holder, linked, relate, unrelate

__all__ = [
    "AssociationType", "Kind", "Pairs", "associate", "associate_new", "associations_of", "between",
    "counted", "counts_of", "dissociate", "exists", "holder", "ids_of", "leading_to", "linked", "links_of",
    "relate", "rows_of", "type_of", "unrelate",
]  # fmt: skip
