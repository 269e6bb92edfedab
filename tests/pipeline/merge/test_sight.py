"""Which constants the vectors of a model are judged by."""

from pipeline.extract.embedding.files import PUBLISHED
from pipeline.merge.rules.grouping.sight import E5, USUAL, sight_of


def test_each_published_model_is_judged_by_what_was_measured_for_it() -> None:
    """By the name its vectors are stored under: another name, and the constants would silently be others."""
    assert {name: sight_of(model.name) for name, model in PUBLISHED.items()} == {"better": USUAL, "multilingual": E5}


def test_an_unknown_model_is_judged_the_usual_way() -> None:
    assert sight_of("somebody-elses-model") == USUAL
