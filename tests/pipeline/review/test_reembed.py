"""Moving a profile to another model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from pipeline.extract import reading
from pipeline.extract.base import get_extractor
from pipeline.ledger.errors import RunError
from pipeline.models import MergePass, NewVector, Orphan, Signature, Story, Theme
from pipeline.review import reembed as module
from pipeline.review.reembed import reembed
from tests.fakes import scripted
from tests.support.seeding import NOW, finish, first_run, partition, scripts, seed, start


@pytest.fixture
def other_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripted extractor have another model: twice as many numbers, in another order."""
    known = scripted.vector_of

    def doubled(problem: int, text: str, noise: float = 0.2) -> Any:
        vector = known(problem, text, noise)
        return (np.concatenate([vector[::-1], vector]) / np.sqrt(2)).astype(np.float32)

    reader = get_extractor("scripted")
    monkeypatch.setattr(scripted, "vector_of", doubled)
    monkeypatch.setattr(reader, "model", "scripted-wide")
    monkeypatch.setattr(reader, "dimension", 2 * scripted.DIMENSION)


def brought() -> tuple[dict[str, str], set[tuple[int, str]]]:
    run = first_run(scripts(problems=4, each=5))
    return partition(run), set(Story.objects.values_list("pk", "title"))


def models() -> set[str]:
    themes = set(Theme.objects.values_list("vector_model", flat=True))
    return themes | set(Signature.objects.filter(size__gt=0).values_list("vector_model", flat=True))


@pytest.mark.django_db(transaction=True)
def test_everything_keeps_its_identity_and_no_vector_of_the_old_model_is_left(
    request: pytest.FixtureRequest,
) -> None:
    run = finish(start(seed(scripts(problems=4, each=5))))
    before, stories = partition(run), set(Story.objects.values_list("pk", "title"))
    request.getfixturevalue("other_model")
    done = reembed(profile="support", extractor="scripted")
    assert (done.model, done.themes, done.by_quotes) == ("scripted-wide", 20, 0)
    assert models() == {"scripted-wide"}
    assert {len(bytes(vector)) for vector in Theme.objects.values_list("vector", flat=True)} == {8 * scripted.DIMENSION}
    assert (partition(run), set(Story.objects.values_list("pk", "title"))) == (before, stories)
    for signature in Signature.objects.filter(size__gt=0):
        total = np.frombuffer(bytes(signature.vector_sum or b""), np.float32)
        assert np.linalg.norm(total) / signature.size == pytest.approx(1, abs=0.3)
    assert not NewVector.objects.exists()
    again = finish(start(seed(scripts(problems=4, each=1), name="more")))
    assert again.state == "completed"
    assert Story.objects.count() == len(stories)


@pytest.mark.django_db(transaction=True)
def test_it_is_taken_up_where_it_was_stopped_and_mixes_nothing_meanwhile(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought()
    request.getfixturevalue("other_model")
    monkeypatch.setattr(module, "BATCH", 3)
    asked: list[int] = []
    known = reading.ask

    def counted_ask(questions: Sequence[Any], *words: Any) -> Any:
        asked.extend(question.key for question in questions)
        if len(asked) > 10:
            raise KeyboardInterrupt
        return known(questions, *words)

    with monkeypatch.context() as patch:
        patch.setattr(module, "ask", counted_ask)
        with pytest.raises(KeyboardInterrupt):
            reembed(profile="support", extractor="scripted")
    assert models() == {"scripted"}
    assert 0 < NewVector.objects.count() < 20
    kept = NewVector.objects.count()
    asked.clear()

    def noted_ask(questions: Sequence[Any], *words: Any) -> Any:
        asked.extend(question.key for question in questions)
        return known(questions, *words)

    monkeypatch.setattr(module, "ask", noted_ask)
    reembed(profile="support", extractor="scripted")
    assert len(asked) == 20 - kept
    assert models() == {"scripted-wide"}


@pytest.mark.django_db(transaction=True)
def test_while_a_run_is_live_or_nothing_changed_it_refuses() -> None:
    brought()
    with pytest.raises(RunError, match="are already from scripted"):
        reembed(profile="support", extractor="scripted")
    start(seed(scripts(problems=1, each=1), name="live"))
    with pytest.raises(RunError, match=r"is live and writes vectors of its own model.*what was done so far is kept"):
        reembed(profile="support", extractor="scripted")


@pytest.mark.django_db(transaction=True)
def test_what_a_better_model_reads_is_an_orphan_for_its_language_no_more(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    brought()
    Theme.objects.filter(raw_signature="problem_001_fails").update(unread_language="he")
    Story.objects.filter(signature__key="problem_001_fails").delete()
    root = Signature.objects.get(key="problem_001_fails")
    Orphan.objects.create(signature=root, reason="language", detail="", created_at=NOW, updated_at=NOW)
    request.getfixturevalue("other_model")
    call_command("reembed", "support", "--extractor", "scripted")
    told = capsys.readouterr().out
    assert "20 themes of profile support now have vectors of scripted-wide" in told
    assert "Regrouped: 0 themes moved to another signature; stories: 4 before, 4 after." in told
    assert MergePass.objects.latest("id").reason == "vectors of scripted-wide"
    assert not Theme.objects.exclude(unread_language="").exists()
    assert not Orphan.objects.filter(reason="language", graduated_at__isnull=True).exists()
    assert Story.objects.filter(signature=root).exists()


@pytest.mark.django_db(transaction=True)
def test_an_unknown_profile_is_a_sentence() -> None:
    with pytest.raises(CommandError, match="profile"):
        call_command("reembed", "nowhere", "--extractor", "scripted")
