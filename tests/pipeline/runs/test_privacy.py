"""The self-test of privacy finds nothing, would find something, and leaves nothing."""

import re
from collections.abc import Sequence

import pytest
from django.core.management import call_command

from pipeline.extract.redaction import Redactor
from pipeline.models import Call, Conversation, Endpoint, Run, Signature, Source, Story
from pipeline.runs.privacy import CANARIES, privacy_selftest

pytestmark = pytest.mark.django_db(transaction=True)

MADE = (Source, Conversation, Run, Call, Signature, Story, Endpoint)


def test_no_canary_reaches_a_provider_a_title_an_export_or_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("privacy_selftest")
    shown = capsys.readouterr().out
    assert f"{len(CANARIES)} canaries planted in {3 * len(CANARIES) + 1} conversations" in shown
    assert "No canary left this machine" in shown
    [(batched, judged)] = re.findall(r"and (\d+) questions in files.* (\d+) answers of a model that judged", shown)
    assert int(judged) > 0
    assert int(batched) > 0
    assert [model.__name__ for model in MADE if model.objects.exists()] == []


def test_the_local_reader_sends_nothing_and_titles_are_clean() -> None:
    report = privacy_selftest("local")
    assert (report.bytes_sent, report.missing) == (0, "")
    assert report.titles
    assert [leak for leak in report.leaks if leak.place in ("the provider", "a story's title", "the log")] == []


def test_it_would_see_what_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def hide_no_cards(self: Redactor, text: str) -> str:
        return text

    monkeypatch.setattr(Redactor, "hide", hide_no_cards)
    report = privacy_selftest(canaries=CANARIES[:1])
    assert not report.holds
    assert report.batched
    assert {"the provider", "a stored answer", "an export"} <= {leak.place for leak in report.leaks}


def test_a_run_in_which_nothing_was_read_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_nothing(**_words: object) -> int:
        return 0

    monkeypatch.setattr("pipeline.runs.privacy.read_chunk", read_nothing)
    report = privacy_selftest(canaries=_few(CANARIES))
    assert not report.holds
    assert report.missing.startswith("nothing was read")


def _few(canaries: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return canaries[:1]
