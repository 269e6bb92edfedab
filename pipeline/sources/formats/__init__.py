"""The formats that are known: which one a file is in is found by its content, never by its name."""

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.sources.formats.base import Format, Head, Options, Recognised, Stream

__all__ = ["Format", "Head", "Options", "Recognised", "Stream", "known_formats", "recognise"]

SURE_ENOUGH = 0.1
"""A format that is less sure than this is not asked to read."""


def known_formats() -> list[Format]:
    """Return one of each registered format, in the order in which they are asked."""
    return [import_string(path)() for path in settings.FORMATS]


def recognise(head: Head) -> tuple[Format | None, float]:
    """Return the format that is surest, and how sure; of two alike the one that is registered first."""
    best, most = None, 0.0
    for form in known_formats():
        sure = form.sniff(head)
        if sure > most:
            best, most = form, sure
    return (best, most) if most >= SURE_ENOUGH else (None, most)
