"""A text file line by line, in whatever encoding, with bounded memory."""

import re
from collections.abc import Iterable, Iterator

from pipeline.sources.formats.base import Options
from pipeline.sources.parsing import encodings
from pipeline.sources.parsing.parts import Part

MAX_LINE = 1_000_000
"""Characters; a longer line is given in pieces of this length."""

_END = re.compile(r"\r\n|\n|\r")


def text_lines(part: Part, options: Options) -> Iterator[str]:
    """Yield the lines of a file without their ends. UnknownEncoding if it is no text, or one of DAMAGE."""
    encoding = encodings.choose(part.pieces, options.encoding)
    return _lines(encodings.decoded(part.pieces(), encoding))


def _lines(texts: Iterable[str]) -> Iterator[str]:
    rest = ""
    for text in texts:
        rest += text
        if rest.endswith("\r"):  # its line feed may come with the next piece
            continue
        *whole, rest = _END.split(rest)
        yield from whole
        while len(rest) > MAX_LINE:
            yield rest[:MAX_LINE]
            rest = rest[MAX_LINE:]
    whole = _END.split(rest)
    yield from whole if whole[-1] else whole[:-1]
