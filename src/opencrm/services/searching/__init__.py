"""Search: records of all entities, by the beginnings of words, within what a reader may read."""

from opencrm.services.searching.hits import Hit
from opencrm.services.searching.reindexing import Batch, Opening, due, enter, judge, reindex, wrong
from opencrm.services.searching.search import search

__all__ = ["Batch", "Hit", "Opening", "due", "enter", "judge", "reindex", "search", "wrong"]
