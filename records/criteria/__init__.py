"""Criteria: a tree of filters, compiled once into SQL, a sentence, its leaves and its dependencies.

    {"any": [{"all": [{"property": "stage", "operator": "is_any_of", "value": ["engaging"]}]}]}

`parse` reads and checks a document, `compile` makes it usable. There is no second evaluator in Python: explanations
annotate the same conditions that filter.
"""

from records.criteria.compiling import Compiled, compile
from records.criteria.dependencies import Crossing, Dependencies, Dependency
from records.criteria.explaining import LeafAnswer
from records.criteria.failing import Missing
from records.criteria.parsing import parse
from records.criteria.tree import Criteria, Leaf

__all__ = [
    "Compiled",
    "Criteria",
    "Crossing",
    "Dependencies",
    "Dependency",
    "Leaf",
    "LeafAnswer",
    "Missing",
    "compile",
    "parse",
]
