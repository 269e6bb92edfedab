"""What a person said about a source's files is kept with it, so that the next file is read as the last one was."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from pipeline.models import Source
from pipeline.sources.formats.base import Options


def with_remembered(source: Source | None, options: Options) -> Options:
    """Return the options, with what was said at earlier imports of the source where nothing is said now."""
    if source is None:
        return options
    known = _from_json(source.reading)
    said = {each.name: getattr(known, each.name) for each in fields(Options) if not getattr(options, each.name)}
    mapping = {**known.mapping, **options.mapping}
    return replace(options, **{**said, "mapping": mapping})


def remember(*, source: Source, options: Options) -> None:
    """Keep what was said with the source; one update, and none where nothing was said that is new."""
    reading = {**source.reading, **_as_json(options)}
    if reading != source.reading:
        Source.objects.filter(pk=source.pk).update(reading=reading)
        source.reading = reading


def _as_json(options: Options) -> dict[str, Any]:
    """Return what was said; fields that say nothing are left out."""
    said: dict[str, Any] = {}
    for each in fields(options):
        value = getattr(options, each.name)
        if value:
            said[each.name] = value.total_seconds() if isinstance(value, timedelta) else _plain(value)
    return said


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "items") else value


def _from_json(said: dict[str, Any]) -> Options:
    """Return the options that were kept; what this version does not know is passed over."""
    known = {each.name: said[each.name] for each in fields(Options) if each.name in said}
    if "pause" in known:
        known["pause"] = timedelta(seconds=known["pause"])
    return Options(**known)
