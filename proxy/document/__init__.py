"""Documents that people write (`config.yaml`, profiles): read with their lines, held against a model, every mistake reported at once."""

from proxy.document.checking import Section, validated
from proxy.document.problems import DocumentError, Place, Problem
from proxy.document.reading import Document, parse_document, read_document

__all__ = ["Document", "DocumentError", "Place", "Problem", "Section", "parse_document", "read_document", "validated"]
