"""Which theme means which problem: a pure function of all current themes, the registry's names and people's decisions.

Recompute, then recognise: the themes are grouped without regard to names, by one of two passes; only then is it asked
which of these groups is which signature. The registry gives identity, not membership.

- A *join* (`joining.join`) leaves standing stories as they are: new themes join them or make groups of their own.
- A *consolidation* (`partition.partition`) forgets what stood. What it finds depends on the themes and on people's
  decisions, and not on the order in which runs brought the themes.

A centre is a signature that themes are counted in: those of its name and of the names that rules merged into it. People
may merge centres: then they share a root, and each keeps its themes. A target is a group found now: a centre that was
recognised, or a new one. Everything is named by normal form (`normalise.normal_form`), which is unique in a registry.
The same themes in any order give the same answer: rows are brought into one order first, sums are taken in it, and ties
are broken by name. What people decided (`Decisions`) stands above all rules.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.decisions import NO_DECISIONS, Decisions
from pipeline.merge.rules.grouping.neighbours import Floats, Ints
from pipeline.merge.rules.grouping.vectors import sums_by_label
from pipeline.merge.rules.meaning import Meaning
from pipeline.merge.rules.names import Names
from pipeline.merge.rules.records import (
    MEANING,
    OWN_NAME,
    PERSON,
    REGISTRY,
    Assigned,
    Assignment,
    Growth,
    Moved,
    NewMerge,
    NewSignature,
    Registered,
    ThemeRow,
    centre_of,
)

VERSION = "assign-7"

TAKEN = 4096
"""Vectors in one table while they come, 6 MB for a model of 384 numbers: what a merge holds twice for a moment."""


def assign(
    themes: Iterable[ThemeRow],
    registered: Registered = Registered(),  # noqa: B008  # frozen, and empty
    decisions: Decisions = NO_DECISIONS,
    *,
    consolidate: bool = False,
    strictness: float = 1.0,
) -> Assignment:
    """Return what becomes of the themes: those that are new, and those that stand.

    Without standing themes, and where grouping everything again fits clearly better, a join is a consolidation, too.
    `strictness` is a factor on how alike themes must be to mean the same; to see what others than 1 would give.

    Themes that come from an iterator are held once, so that many fit into memory.

    Raises ValueError if vectors differ in length or a theme was moved to what is no signature, and its kind
    Contradiction if the decisions cannot all be kept.
    """
    centres = {form: registered.centre_of(form) for form in registered.names}
    decisions.refuse_contradictions(centres)
    rows, vectors = in_order(themes)
    if not rows:
        return Assignment(root_of={form: decisions.root(centre) for form, centre in centres.items()})
    meaning = Meaning(rows, vectors, registered, decisions, consolidate=consolidate, strictness=strictness)
    names = Names(rows, meaning, registered, decisions)
    moved = np.array([name != old and bool(old) for name, old in _before_and_after(meaning, names)])
    # grown: only added to, so their stored sums can be added to as well. All others are counted again from the rows.
    got_or_lost, grown = _changed(meaning, names, moved)
    return Assignment(
        groups={row.id: names.of_target[target] for row, target in zip(rows, meaning.targets.tolist(), strict=True)},
        themes=tuple(_assigned(rows, meaning, names)),
        moved=tuple(_moved(rows, meaning, names, moved)),
        signatures=tuple(NewSignature(form, names.keys[form]) for form in names.new_forms),
        merges=tuple(_merges(meaning, names)),
        unmerged=tuple(names.unmerged),
        growths=tuple(_growths(meaning, names, grown)),
        changed=tuple(sorted(got_or_lost - grown)),
        root_of={form: decisions.root(centre_of(names.parents, form)) for form in names.keys},
        consolidated=meaning.consolidated,
    )


def in_order(themes: Iterable[ThemeRow]) -> tuple[list[ThemeRow], Floats]:
    """Return the themes, without their vectors, in the one order in which sums are taken; and the vectors, (n, d).

    By what they are and never by id: ids tell in which order runs brought them, and the same themes must give the same
    groups (tests/pipeline/merge/test_stream.py, test_the_order_of_imports_changes_nothing_after_a_consolidation).
    Raises ValueError if vectors differ in length.
    """
    rows, parts = _taken_apart(themes)
    if not rows:
        return [], np.zeros((0, 0), np.float32)
    forms = [normalise.normal_form(row.raw) for row in rows]
    rank = {form: place for place, form in enumerate(sorted(set(forms)))}
    ranks = np.array([rank[form] for form in forms], np.int64)
    # The first four bytes of a vector tell nearly all themes of a name apart, and as a number that begins with its
    # highest byte they sort as bytes do. So hardly any theme is compared with another by all that it is.
    beginnings = np.concatenate([part[:, 0].copy().view(">u4") for part in parts])[: len(rows)].astype(np.int64)
    order = np.lexsort((beginnings, ranks))
    equal = (np.diff(ranks[order]) == 0) & (np.diff(beginnings[order]) == 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], equal, [0]])))
    for start, end in zip(edges[::2].tolist(), (edges[1::2] + 1).tolist(), strict=True):
        order[start:end] = sorted(order[start:end].tolist(), key=lambda place: _all_of_it(rows[place], parts, place))
    return [rows[place] for place in order.tolist()], _in_one_table(parts, order)


def _taken_apart(themes: Iterable[ThemeRow]) -> tuple[list[ThemeRow], list[Floats]]:
    """Return the themes without their vectors, and these in tables of TAKEN rows each, the last one of fewer.

    As they come: the vectors twice would be the most that a merge of many themes ever holds.
    """
    rows: list[ThemeRow] = []
    parts: list[Floats] = []
    for row in themes:
        width, place = parts[0].shape[1] if parts else len(row.vector) // 4, len(rows) % TAKEN
        if len(row.vector) != 4 * width:
            raise ValueError(f"the vectors have different lengths; expected {width} numbers in each")
        if place == 0:
            parts.append(np.empty((TAKEN, width), np.float32))
        parts[-1][place] = np.frombuffer(row.vector, np.float32)
        rows.append(ThemeRow(row.id, row.raw, row.text, b"", row.signature))
    return rows, parts


def _all_of_it(row: ThemeRow, parts: list[Floats], place: int) -> tuple[bytes, str, str, str]:
    """Return what themes of one name are ordered by."""
    return parts[place // TAKEN][place % TAKEN].tobytes(), row.raw, row.text, row.signature


def _in_one_table(parts: list[Floats], order: Ints) -> Floats:
    """Return the rows of the tables in this order, (n, d). The list is empty then, so that each goes as it is used."""
    table, goal = np.empty((len(order), parts[0].shape[1]), np.float32), np.empty(len(order), np.int64)
    goal[order] = np.arange(len(order))
    for start in range(0, len(order), TAKEN):
        goals = goal[start : start + TAKEN]
        table[goals] = parts[0][: len(goals)]
        del parts[0]
    return table


def _before_and_after(meaning: Meaning, names: Names) -> Iterator[tuple[str, str]]:
    """Yield of each row the centre it has now and the one it had, empty for a new theme."""
    for target, stood in zip(meaning.targets.tolist(), meaning.stood.tolist(), strict=True):
        yield names.of_target[target], meaning.centres[stood] if stood >= 0 else ""


def _changed(meaning: Meaning, names: Names, moved: np.ndarray) -> tuple[set[str], set[str]]:
    """Return the centres that got or lost themes, and those of them that stood and only got new ones."""
    new = meaning.stood < 0
    gaining = {names.of_target[target] for target in np.unique(meaning.targets[new | moved]).tolist()}
    losing = {meaning.centres[centre] for centre in np.unique(meaning.stood[moved]).tolist()}
    reshaped = {names.of_target[target] for target in np.unique(meaning.targets[moved]).tolist()} | losing
    stood = {meaning.centres[centre] for centre in np.unique(meaning.stood[~new]).tolist()}
    rehomed = {form for form in names.keys if names.is_rehomed(form)}  # they take along what they held before
    reshaped |= {names.centre_of(form) for form in rehomed} | rehomed
    return gaining | losing | reshaped, (gaining & stood) - reshaped


def _assigned(rows: list[ThemeRow], meaning: Meaning, names: Names) -> Iterator[Assigned]:
    """Yield the themes that are new or that go elsewhere, and in a consolidation all others too but those that people
    put where they are: their cosines are taken from another middle now.
    """
    changed = np.array([n for n, row in enumerate(rows) if _is_seen_otherwise(n, row, meaning, names)], np.int64)
    for number, score in zip(changed.tolist(), meaning.scores(changed).tolist(), strict=True):
        row, form, target = rows[number], meaning.forms[number], int(meaning.targets[number])
        centre = names.of_target[target]
        if number in meaning.pinned:
            yield Assigned(row.id, centre, PERSON, score)
        elif names.centre_of(form) == centre:
            yield Assigned(row.id, form, OWN_NAME, score)
        else:
            yield Assigned(row.id, centre, _rule(meaning, target), score)


def _is_seen_otherwise(number: int, row: ThemeRow, meaning: Meaning, names: Names) -> bool:
    """Whether a theme's row is written: it goes elsewhere, or a consolidation took its cosine from another middle."""
    stays = bool(row.signature) and names.centre_of(row.signature) == names.of_target[meaning.targets[number]]
    return not stays or (meaning.consolidated and number not in meaning.pinned)


def _rule(meaning: Meaning, target: int) -> str:
    """Return why a theme is where it is: it joined what the registry held, or all were grouped by meaning."""
    return REGISTRY if target in meaning.recognised and not meaning.consolidated else MEANING


def _moved(rows: list[ThemeRow], meaning: Meaning, names: Names, moved: np.ndarray) -> Iterator[Moved]:
    rows_moved = np.flatnonzero(moved)
    for row, near in zip(rows_moved.tolist(), meaning.scores(rows_moved).tolist(), strict=True):
        source, target = meaning.centres[meaning.stood[row]], names.of_target[meaning.targets[row]]
        was = meaning.cosine_to_what_stood(row)
        reason = f"cosine {near:.2f} to {names.keys[target]}, {was:.2f} to {names.keys[source]} before"
        if source not in names.found:
            reason += "; no group continues the latter any more"
        yield Moved(rows[row].id, source, target, reason)


def _merges(meaning: Meaning, names: Names) -> Iterator[NewMerge]:
    for form, parent in sorted(names.parents.items()):
        if names.is_new_parent(form):
            target, members = names.target_of[parent], names.rows_of[form]
            # themes of the name may be elsewhere as well; the score is that of those which the merge is about
            inside = [row for row in members if meaning.targets[row] == target]
            score = float(meaning.scores(np.array(inside)).mean())
            told = f"{len(inside)} theme{'s' if len(inside) > 1 else ''} named {names.keys[form]}"
            reason = f"{told}: mean cosine {score:.2f} to the centre of {names.keys[parent]}"
            yield NewMerge(form, parent, _rule(meaning, target), score, reason)


def _growths(meaning: Meaning, names: Names, grown: set[str]) -> Iterator[Growth]:
    new = np.flatnonzero(meaning.stood < 0)
    sums = sums_by_label(meaning.vectors[new], meaning.targets[new], len(names.of_target))
    sizes = np.bincount(meaning.targets[new], minlength=len(names.of_target))
    for form in sorted(grown):
        target = names.target_of[form]
        yield Growth(form, sums[target].tobytes(), int(sizes[target]))
