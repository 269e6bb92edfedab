"""Which documents help readers and what is missing in them, and how many themes answer a facet."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from pipeline.extract.profiles import Profile, get_profile
from pipeline.ledger.current import current_themes
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import ContextDocument, ContextUsage, Theme


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that readers looked for in the documents and did not find, as one of them put it."""

    what: str
    count: int
    signatures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GapsReport:
    """What documents were good for; the unit of the counts is themes of the newest readings."""

    themes: int
    with_use: int
    with_gap: int
    gaps: tuple[Gap, ...]
    used: dict[str, int]
    unused: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def gaps_report(profile: str) -> GapsReport:
    """Count what was used and what was missing, the commonest gaps first; those alike but for spelling are one."""
    rows = ContextUsage.objects.filter(theme__in=current_themes(profile)).order_by("id")
    used: Counter[str] = Counter()
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    signatures: dict[str, Counter[str]] = {}
    themes = with_use = 0
    for taken, missing, signature in rows.values_list("used", "missing", "theme__raw_signature"):
        themes += 1
        with_use += bool(taken)
        used.update(taken)
        if missing:
            form = normal_form(missing) or missing
            names.setdefault(form, missing)
            counts[form] += 1
            signatures.setdefault(form, Counter())[signature] += 1
    gaps = tuple(
        Gap(names[form], count, tuple(name for name, _ in signatures[form].most_common(5)))
        for form, count in sorted(counts.items(), key=lambda each: (-each[1], names[each[0]]))
    )
    known = ContextDocument.objects.filter(profile=profile).order_by("name").values_list("name", flat=True)
    unused = tuple(name for name in known if name not in used)
    return GapsReport(themes, with_use, counts.total(), gaps, dict(used.most_common()), unused)


@dataclass(frozen=True, slots=True)
class FacetCoverage:
    """How many of the current themes answer a facet, and with which words."""

    name: str
    answered: int
    themes: int
    values: dict[str, int]

    @property
    def share(self) -> float:
        return self.answered / self.themes if self.themes else 0.0


# What a reader left out is null, or not there; of a facet in free words only the number is wanted.
_COVERAGE = """
SELECT said.key, CASE WHEN said.key = ANY(%s) THEN said.value ELSE '' END, count(*)
FROM ({themes}) theme,
     jsonb_each_text(CASE WHEN jsonb_typeof(theme.details) = 'object' THEN theme.details ELSE '{{}}' END) said
WHERE said.key = ANY(%s) AND said.value <> '' GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""


def facet_coverage(profile_name: str, run: int | None = None) -> list[FacetCoverage]:
    """Return the coverage of each facet of a profile: of all current themes, or of those of a run."""
    profile: Profile = get_profile(profile_name)
    if not profile.facets:
        return []
    themes = current_themes(profile_name) if run is None else Theme.objects.filter(run=run)
    count = themes.count()
    inner, values = themes.order_by().values("details").query.sql_with_params()
    of_words = [facet.name for facet in profile.facets if facet.values]
    with connection.cursor() as cursor:
        every = [facet.name for facet in profile.facets]
        cursor.execute(_COVERAGE.format(themes=inner), [of_words, *values, every])
        rows = cursor.fetchall()
    return [
        FacetCoverage(
            facet.name,
            sum(number for name, _, number in rows if name == facet.name),
            count,
            {value: number for name, value, number in rows if name == facet.name and facet.values},
        )
        for facet in profile.facets
    ]
