"""A CSV file as a table: its encoding, its separator, its header and its rows, whatever wrote it."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem

DELIMITERS = (",", ";", "\t", "|")
LARGEST_FILE = 50 * 1024 * 1024
LARGEST_CELL = 1024 * 1024
SAMPLE_ROWS = 200
MOST_COLUMNS = 1_000


@dataclass(frozen=True)
class Line:
    """One row of the file: the number of the line it ends on, and its cells by header."""

    number: int
    cells: dict[str, str]
    surplus: int = 0


@dataclass(frozen=True)
class Table:
    """A file that was read. `lines` leaves empty rows out."""

    headers: list[str]
    lines: list[Line]
    encoding: str
    delimiter: str

    def values(self, header: str) -> Iterator[str]:
        """The cells of a column that hold something."""
        return (cell for line in self.lines if (cell := line.cells.get(header, "")))


def read(content: bytes) -> Table:
    """Read a file. Raises DocumentError when it is empty, too large or no table."""
    if len(content) > LARGEST_FILE:
        message = _("The file has %(size)d MB, %(limit)d MB at most. Split it.")
        size = len(content) // 1024 // 1024
        raise DocumentError([Problem("file", message % {"size": size, "limit": LARGEST_FILE // 1024 // 1024})])
    text, encoding = decode(content)
    if not text.strip():
        raise DocumentError([Problem("file", _("The file is empty. Choose one with a header and rows."))])
    if text.count("\x00"):
        raise DocumentError([Problem("file", _("This is not a text file. Save the table as CSV and try again."))])
    delimiter = delimiter_of(text)
    rows = parse(text, delimiter)
    names = next((cells for _number, cells in rows if any(cell.strip() for cell in cells)), None)
    if names is None:
        raise DocumentError([Problem("file", _("The file has separators, but no text. Choose one with a header."))])
    headers = headers_of(names)
    lines = []
    for number, cells in rows:
        cleaned = [cell.strip() for cell in cells]
        if any(cleaned):
            padded = cleaned + [""] * (len(headers) - len(cleaned))
            surplus = max(0, len(cleaned) - len(headers))
            lines.append(Line(number, dict(zip(headers, padded, strict=False)), surplus))
    return Table(headers, lines, encoding, delimiter)


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file and the encoding it is in: by its mark, else UTF-8, else what old Windows programs wrote."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif content[1:200:2].count(0) > len(content[1:200:2]) // 2:
        candidates = ["utf-16-le"]
    elif content[0:200:2].count(0) > len(content[0:200:2]) // 2:
        candidates = ["utf-16-be"]
    else:
        candidates = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in candidates:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise DocumentError([Problem("file", _("The file cannot be read as text. Save it as CSV in UTF-8."))])


def parse(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line; a quoted cell may hold line breaks and separators."""
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        message = _("Line %(line)d cannot be read (%(error)s). Check its quotation marks.")
        facts = {"line": reader.line_num, "error": error}
        raise DocumentError([Problem("file", message % facts)]) from error


def delimiter_of(text: str) -> str:
    """The separator that gives the most even rows, and among those the most columns."""

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = []
        for _number, row in parse(text, delimiter):
            if any(row):
                widths.append(len(row))
            if len(widths) == SAMPLE_ROWS:
                break
        if not widths:
            return 0.0, 0
        width, count = Counter(widths).most_common(1)[0]
        return (0.0, 0) if width < 2 else (round(count / len(widths), 1), width)

    return max(DELIMITERS, key=evenness)


def headers_of(names: list[str]) -> list[str]:
    """Names of the columns, made unique and never empty. Raises DocumentError when there are too many."""
    if len(names) > MOST_COLUMNS:
        message = _("The first row has %(count)d columns, %(limit)d at most. Is it the header of a table?")
        raise DocumentError([Problem("file", message % {"count": len(names), "limit": MOST_COLUMNS})])
    headers: list[str] = []
    for i, name in enumerate(names, start=1):
        base = name.strip() or _("Column %(number)d") % {"number": i}
        header, again = base, 2
        while header in headers:
            header, again = f"{base} ({again})", again + 1
        headers.append(header)
    return headers
