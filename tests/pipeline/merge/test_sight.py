"""Which constants the vectors of a model are judged by."""

from pipeline.extract.embedding.files import PUBLISHED
from pipeline.merge.rules.grouping.sight import E5, HOLD, STRICT_HOLD, USUAL, sight_of


def test_each_published_model_is_judged_by_what_was_measured_for_it() -> None:
    """By the name its vectors are stored under: another name, and the constants would silently be others."""
    assert {name: sight_of(model.name) for name, model in PUBLISHED.items()} == {"better": USUAL, "multilingual": E5}


def test_an_unknown_model_is_judged_the_usual_way() -> None:
    assert sight_of("somebody-elses-model") == USUAL


def test_how_strict_a_profile_is_changes_nothing_else_of_how_a_model_is_judged() -> None:
    strict = sight_of("multilingual-e5-small", STRICT_HOLD)
    assert (strict.hold, strict.together, strict.first_resolution) == (STRICT_HOLD, E5.together, E5.first_resolution)
    assert sight_of("multilingual-e5-small").hold == HOLD
