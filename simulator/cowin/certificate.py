"""A certificate of one page, as the smallest PDF that readers open."""

from __future__ import annotations

from itertools import accumulate

from simulator.people import Person


def certificate(person: Person) -> bytes:
    """Return the certificate of *person*."""
    lines = [person.name, person.id, *(f"Dose {number}: {dose.vaccine} {dose.day}" for number, dose in sorted(person.doses.items()))]
    text = b"BT /F1 14 Tf 72 760 Td 20 TL " + b" ".join(b"(%s) Tj T*" % _escaped(line) for line in lines) + b" ET"
    return _pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )


def _pdf(*objects: bytes) -> bytes:
    """Return a file of *objects*, numbered from 1, with the table of their offsets that the format asks for."""
    parts = [b"%PDF-1.4\n", *(b"%d 0 obj\n%s\nendobj\n" % (number, body) for number, body in enumerate(objects, 1))]
    *offsets, end = accumulate(map(len, parts))
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, end)
    return b"".join(parts) + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer


def _escaped(line: str) -> bytes:
    return line.encode("latin-1", "replace").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
