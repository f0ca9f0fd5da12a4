"""What search is made of, before any database: words, documents and questions."""

from opencrm.core.search.documents import HEAD, Document, documents, looked_into
from opencrm.core.search.questions import Question, Term, question
from opencrm.core.search.words import words

__all__ = ["HEAD", "Document", "Question", "Term", "documents", "looked_into", "question", "words"]
