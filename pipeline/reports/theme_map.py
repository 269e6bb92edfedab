"""The theme map: drawing it after a run, and what a page needs to show it.

Every current theme of a profile is a point. Points are laid out together once (`layout.lay_out`); those of later runs
are placed among them, and nothing that lies there moves, so that people find again what they saw. Only when as many
have come as there were is all laid out again, as near to the old picture as can be.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from pipeline.ledger.current import current_themes
from pipeline.models import MapPoint, Story, Theme, ThemeMap
from pipeline.reports import layout
from pipeline.reports.meaning import theme_vectors

AGAIN_FROM = 1.0
"""Share of new points, of those that were laid out together, from which on all are laid out again."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What drawing a map did, in points: on it now, come, gone, and whether all were laid out together."""

    points: int
    come: int
    gone: int
    is_laid_out: bool


# --- Drawing ------------------------------------------------------------------------------------------------------


def draw_map(*, profile: str, afresh: bool = False) -> Drawn | None:
    """Bring the map of a profile up to date and return what was done; None if somebody else stored points meanwhile.

    Computes without a lock, then opens one transaction in which the map must be as it was. `afresh`: lay out all
    together, whatever lies there.
    """
    wanted, model = _themes_to_show(profile)
    wanted, vectors_of = _with_vectors(wanted, model)
    known = ThemeMap.objects.filter(pk=profile).first()
    if not len(wanted) and known is None:
        return Drawn(0, 0, 0, False)
    ids, places = _points(profile) if known and known.vector_model == model else _no_points()
    stays = np.isin(ids, wanted)
    come = np.setdiff1d(wanted, ids)
    laid_out = known.laid_out_count if known else 0
    grown = len(come) + int(stays.sum()) - laid_out
    if not afresh and not len(come) and stays.all() and known is not None and known.vector_model == model:
        return Drawn(len(ids), 0, 0, False)
    again = afresh or not stays.any() or (grown > AGAIN_FROM * laid_out and len(come) > 0)
    if again:
        before = _before(wanted, ids[stays], places[stays])
        stored = (wanted, layout.lay_out(vectors_of(wanted), before))
    else:
        new = layout.place_among(vectors_of(come), vectors_of(ids[stays]), places[stays])
        stored = (come, new)
    gone = ids[~stays]
    if not _store(profile, model, known, stored, gone, len(wanted) if again else laid_out):
        return None
    return Drawn(len(wanted), len(come), len(gone), again)


def _themes_to_show(profile: str) -> tuple[Ids, str]:
    """Return the ids of the themes that count, rising, and the model most of them have a vector of.

    Those of another model cannot be compared, and are left out until `reembed` has given them one.
    """
    counts: Any = current_themes(profile).order_by().values_list("vector_model").annotate(number=Count("pk"))
    models = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    if not models:
        return np.empty(0, np.int64), ""
    ids = current_themes(profile).filter(vector_model=models[0][0]).order_by("pk").values_list("pk", flat=True)
    return np.fromiter(ids.iterator(chunk_size=20_000), np.int64), models[0][0]


def _points(profile: str) -> tuple[Ids, layout.Points]:
    rows = list(MapPoint.objects.filter(map=profile).order_by("theme_id").values_list("theme_id", "x", "y"))
    if not rows:
        return _no_points()
    return np.array([row[0] for row in rows], np.int64), np.array([row[1:] for row in rows], np.float64)


def _no_points() -> tuple[Ids, layout.Points]:
    return np.empty(0, np.int64), np.empty((0, 2))


def _with_vectors(wanted: Ids, model: str) -> tuple[Ids, Callable[[Ids], layout.Floats]]:
    """Return which of these themes have a vector that can be compared, and a way to those of some: (n, d), by id.

    They stay in the file that the search by meaning keeps; only what is asked for is read.
    """
    if not len(wanted):
        return wanted, lambda ids: np.empty((0, 1), np.float32)
    first = Theme.objects.values_list("vector", flat=True).get(pk=int(wanted[0]))
    known, vectors = theme_vectors(model, len(bytes(first)) // 4)

    def those_of(ids: Ids) -> layout.Floats:
        return np.asarray(vectors[np.searchsorted(known, ids)], np.float32)

    return np.intersect1d(wanted, known), those_of


def _before(wanted: Ids, ids: Ids, places: layout.Points) -> layout.Points | None:
    """Return where each theme lay until now, NaN for those that are new; None if none lay anywhere."""
    if not len(ids):
        return None
    before = np.full((len(wanted), 2), np.nan)
    before[np.searchsorted(wanted, ids)] = places
    return before


def _store(
    profile: str, model: str, known: ThemeMap | None, stored: tuple[Ids, layout.Points], gone: Ids, laid_out: int
) -> bool:
    """Store the points in one transaction; False if the map is not what it was computed on, and nothing was stored."""
    now = timezone.now()
    with transaction.atomic():
        ThemeMap.objects.get_or_create(pk=profile, defaults={"vector_model": model, "drawn_at": now})
        row = ThemeMap.objects.select_for_update().get(pk=profile)
        if row.version != (known.version if known else 0):
            return False
        if row.vector_model != model:
            row.points.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM pipeline_mappoint WHERE theme_id = ANY(%s)", [gone.tolist()])
            _upsert(cursor, profile, *stored)
        row.version, row.vector_model, row.laid_out_count, row.drawn_at = row.version + 1, model, laid_out, now
        row.save()
    return True


def _upsert(cursor: Any, profile: str, ids: Ids, places: layout.Points) -> None:
    """Write points; a theme that was deleted meanwhile gets none."""
    for start in range(0, len(ids), 10_000):
        part = slice(start, start + 10_000)
        cursor.execute(
            "INSERT INTO pipeline_mappoint (theme_id, map_id, x, y) "
            "SELECT new.theme_id, %s, new.x, new.y FROM unnest(%s::bigint[], %s::float8[], %s::float8[]) "
            "AS new (theme_id, x, y) JOIN pipeline_theme theme ON theme.id = new.theme_id "
            "ON CONFLICT (theme_id) DO UPDATE SET map_id = excluded.map_id, x = excluded.x, y = excluded.y",
            [profile, ids[part].tolist(), places[part, 0].tolist(), places[part, 1].tolist()],
        )


# --- Showing ------------------------------------------------------------------------------------------------------

_HOMES = """
homes AS (
    SELECT DISTINCT ON (signature_id) signature_id, id FROM pipeline_story
    WHERE absorbed_by_id IS NULL AND status <> 'emptied'
    ORDER BY signature_id, (status IN ('candidate', 'approved', 'in_progress')) DESC, id DESC
)
"""

# Packed by PostgreSQL, all numbers with the high byte first: a hundred thousand rows need no Python object each.
_POINTS = f"""
WITH {_HOMES}, shown AS (
    SELECT point.theme_id, point.x, point.y, coalesce(homes.id, 0) AS story,
           greatest(0, least(65535, (conversation.occurred_at AT TIME ZONE 'UTC')::date - %(first)s::date)) AS day
    FROM pipeline_mappoint point
    JOIN pipeline_theme theme ON theme.id = point.theme_id
    JOIN pipeline_conversation conversation ON conversation.id = theme.conversation_id
    LEFT JOIN pipeline_signature_root link ON link.signature_id = theme.signature_id
    LEFT JOIN homes ON homes.signature_id = link.root_id
    WHERE point.map_id = %(profile)s
)
SELECT count(*), string_agg(
    float4send(x::real) || float4send(y::real) || int8send(story) || int8send(theme_id) || int4send(day), ''
    ORDER BY theme_id)
FROM shown
"""

POINT_BYTES = 28
"""Of a point as it is sent: x, y as float32, story and theme as int64, day as int32."""

FIRST_DAY = date(1970, 1, 1)


def packed_points(profile: str) -> tuple[int, bytes]:
    """Return how many points a map has, and all of them, POINT_BYTES each, by rising theme; one question.

    The story is 0 where there is none; the day counts from FIRST_DAY in UTC.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POINTS, {"profile": profile, "first": FIRST_DAY})
        count, packed = cursor.fetchone()
    return count, bytes(packed or b"")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A story on the map: how many points it has, and where the middle of them is."""

    pk: int
    title: str
    status: str
    points: int
    x: float
    y: float


_MIDDLES = f"""
WITH {_HOMES}
SELECT story.id, count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY point.x), percentile_cont(0.5) WITHIN GROUP (ORDER BY point.y)
FROM pipeline_mappoint point
JOIN pipeline_theme theme ON theme.id = point.theme_id
JOIN pipeline_signature_root link ON link.signature_id = theme.signature_id
JOIN homes ON homes.signature_id = link.root_id
JOIN pipeline_story story ON story.id = homes.id
WHERE point.map_id = %s
GROUP BY story.id ORDER BY count(*) DESC, story.id LIMIT %s
"""


MIDDLES_KEPT = 24 * 3600
"""Seconds for which the middles of a map's stories are kept: they change only when the token does."""


def mapped_stories(profile: str, most: int, token: str = "") -> list[Mapped]:
    """Return the stories with most points on a map, and the middle of each: the median, which strays do not move.

    `token` changes whenever the points or the stories they belong to do. Where they lie is computed once for each token
    (a tenth of a second for 20,000 points, for two requests of each visit), and each time without one; titles and
    statuses are those of now.
    """
    key = f"map-middles:{profile}:{most}:{token}"
    middles: list[tuple[int, int, float, float]] | None = cache.get(key) if token else None
    if middles is None:
        with connection.cursor() as cursor:
            cursor.execute(_MIDDLES, [profile, most])
            middles = cursor.fetchall()
        cache.set(key, middles, MIDDLES_KEPT)
    named = Story.objects.filter(pk__in=[pk for pk, *_ in middles]).values_list("pk", "title", "status")
    told = {pk: (title, status) for pk, title, status in named}
    return [Mapped(pk, *told[pk], points, x, y) for pk, points, x, y in middles if pk in told]


@dataclass(frozen=True, slots=True)
class Colouring:
    """What colours the points by something they have: the commonest values with their number of points, the others
    together at the end, and for each point, by rising theme, the place of its value as a byte.
    """

    values: list[tuple[str, int]]
    places: bytes


MOST_COLOURS = 9
OTHER = "other"

_BY = {
    "source": "source.kind || ':' || source.name",
    "category": "replace(theme.category, '_', ' ')",
    "status": "coalesce(replace(story.status, '_', ' '), 'no story')",
    "meta": "coalesce(nullif(conversation.metadata ->> %(key)s, ''), 'unknown')",
}

_VALUES = """
WITH {homes}, shown AS (
    SELECT point.theme_id, left({value}, 60) AS value
    FROM pipeline_mappoint point
    JOIN pipeline_theme theme ON theme.id = point.theme_id
    JOIN pipeline_conversation conversation ON conversation.id = theme.conversation_id
    JOIN pipeline_source source ON source.id = conversation.source_id
    LEFT JOIN pipeline_signature_root link ON link.signature_id = theme.signature_id
    LEFT JOIN homes ON homes.signature_id = link.root_id
    LEFT JOIN pipeline_story story ON story.id = homes.id
    WHERE point.map_id = %(profile)s
), counted AS (
    SELECT value, count(*) AS number, row_number() OVER (ORDER BY count(*) DESC, value) - 1 AS place
    FROM shown GROUP BY value
)
SELECT
    (SELECT json_agg(json_build_array(value, number) ORDER BY place) FROM counted WHERE place < %(most)s)::text,
    (SELECT coalesce(sum(number), 0) FROM counted WHERE place >= %(most)s),
    (SELECT string_agg(substring(int2send(least(place, %(most)s)::smallint) FROM 2), '' ORDER BY theme_id)
     FROM shown JOIN counted USING (value))
"""


def colouring(profile: str, by: str, key: str = "") -> Colouring:
    """Return what colours a map by source, category, status of the story, or a key of the metadata; one question.

    KeyError if it cannot be coloured by that.
    """
    question = _VALUES.format(homes=_HOMES, value=_BY[by])
    with connection.cursor() as cursor:
        cursor.execute(question, {"profile": profile, "key": key, "most": MOST_COLOURS})
        values, others, places = cursor.fetchone()
    named = [(str(value), int(number)) for value, number in json.loads(values or "[]")]
    if others:
        named.append((OTHER, int(others)))
    return Colouring(named, bytes(places or b""))


def metadata_keys_on(profile: str, most: int = 12) -> list[str]:
    """Return the metadata keys that the conversations of a map's first few hundred points have, commonest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key FROM (SELECT conversation.metadata FROM pipeline_mappoint point "
            "JOIN pipeline_theme theme ON theme.id = point.theme_id "
            "JOIN pipeline_conversation conversation ON conversation.id = theme.conversation_id "
            "WHERE point.map_id = %s AND jsonb_typeof(conversation.metadata) = 'object' LIMIT 500) sample, "
            "LATERAL jsonb_each(sample.metadata) AS each (key, value) "
            "WHERE jsonb_typeof(value) IN ('string', 'number', 'boolean') AND length(value #>> '{}') <= 60 "
            "GROUP BY key HAVING count(DISTINCT value) BETWEEN 2 AND 60 ORDER BY count(*) DESC, key LIMIT %s",
            [profile, most],
        )
        return [key for (key,) in cursor.fetchall()]


def maps() -> Sequence[ThemeMap]:
    """Return the maps there are, by profile."""
    return list(ThemeMap.objects.order_by("profile"))
