"""What is older than the settings allow goes, nothing else does, and what was counted stays counted."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import Settings

from pipeline.ledger.counts import item_counts
from pipeline.models import (
    Batch,
    Call,
    Conversation,
    ConversationVersion,
    ErasedMark,
    Item,
    MergePass,
    Reassignment,
    Run,
    SearchText,
    Source,
    Story,
    Theme,
    Upload,
)
from pipeline.reports.summary import with_sizes
from pipeline.reports.verify import verify
from pipeline.review.regroup import plan_regroup, regroup
from pipeline.runs.retention import apply_retention
from pipeline.runs.uploads import keep_upload
from tests.support.commands import Captured, command
from tests.support.factories import (
    CallFactory,
    ConversationFactory,
    ItemFactory,
    RunFactory,
    SignatureFactory,
    ThemeFactory,
    UserFactory,
)
from tests.support.seeding import change, finish, scripts, seed, start

NOW = timezone.now()
DAY = timedelta(days=1)
OLD, YOUNG = NOW - 40 * DAY, NOW - 20 * DAY
MONTH = 30 * DAY


@pytest.mark.django_db
def test_raw_answers_go_by_their_age_and_those_of_live_runs_stay() -> None:
    old, young = CallFactory(answered_at=OLD), CallFactory(answered_at=YOUNG)
    live = CallFactory(answered_at=OLD, item__run__state="running")
    assert apply_retention(at=NOW, dry_run=True, keep={"answers": MONTH})["raw answers"] == 1
    assert Call.objects.filter(erased_at=None).count() == 3
    assert apply_retention(at=NOW, keep={"answers": MONTH})["raw answers"] == 1
    assert apply_retention(at=NOW, keep={"answers": MONTH})["raw answers"] == 0
    found = {call.pk: call for call in Call.objects.all()}
    assert (found[old.pk].answer, found[old.pk].request_hash, found[old.pk].erased_at) == ("", "", NOW)
    assert found[young.pk].answer
    assert found[live.pk].answer


@pytest.mark.django_db
def test_texts_go_when_they_were_said_and_stored_long_ago() -> None:
    texts = {
        name: ConversationFactory(text=f"The {name} boiler drips", occurred_at=at)
        for name, at in (("old", OLD), ("imported late", OLD), ("young", YOUNG))
    }
    ConversationVersion.objects.filter(conversation=texts["imported late"]).update(stored_at=YOUNG)
    ConversationVersion.objects.exclude(conversation=texts["imported late"]).update(stored_at=OLD)
    SearchText.objects.create(
        conversation=texts["old"], version=texts["old"].current_version, config="simple", words="boiler"
    )
    assert apply_retention(at=NOW, keep={"messages": MONTH})["texts"] == 1
    left = {row.pk: row.current_version for row in Conversation.objects.select_related("current_version")}
    gone = left[texts["old"].pk]
    assert gone is not None
    assert (gone.text, gone.erased_at, gone.messages[0]["role"]) == ("", NOW, "customer")
    assert gone.content_hash == texts["old"].current_version.content_hash  # the same text again is known
    assert all((version := left[texts[name].pk]) and version.text for name in ("imported late", "young"))
    assert SearchText.objects.get().words == ""
    assert not ErasedMark.objects.exists()


@pytest.mark.django_db
def test_old_vectors_become_the_middle_of_their_signature() -> None:
    signature = SignatureFactory()
    run = RunFactory(first_finished_at=OLD)
    themes = [ThemeFactory(signature=signature, run=run) for _ in range(3)]
    young = ThemeFactory(signature=signature, run=RunFactory(first_finished_at=YOUNG))
    before = {theme.pk: bytes(theme.vector) for theme in themes}
    assert apply_retention(at=NOW, keep={"vectors": MONTH})["vectors"] == 3
    after = {theme.pk: theme for theme in Theme.objects.all()}
    middle = np.frombuffer(bytes(young.vector), np.float32)  # of the others
    assert all(np.allclose(np.frombuffer(bytes(after[pk].vector), np.float32), middle, atol=1e-6) for pk in before)
    assert all(after[pk].erased_at == NOW and after[pk].signature_id == signature.pk for pk in before)
    assert after[young.pk].erased_at is None
    signature.refresh_from_db()
    assert signature.size == 4


@pytest.mark.django_db
def test_what_a_run_skipped_goes_and_stays_counted() -> None:
    source = Source.objects.create(kind="file", name="nightly")
    runs = [RunFactory(source=source, finished_at=at, planned_count=3) for at in (OLD, YOUNG)]
    for run in runs:
        ItemFactory(run=run, state="extracted")
        for _ in range(2):
            ItemFactory(run=run, state="skipped", reason="unchanged")
    before = [item_counts(run) for run in runs]
    assert apply_retention(at=NOW, keep={"ledger": MONTH})["skipped items"] == 2
    assert [Item.objects.filter(run=run).count() for run in runs] == [1, 3]
    assert [item_counts(Run.objects.get(pk=run.pk)) for run in runs] == before
    assert [item_counts(run.pk) for run in runs] == before


@pytest.mark.django_db
def test_dry_runs_settled_batches_rejects_and_files_go(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOADS_DIR = str(tmp_path)
    for at in (OLD, YOUNG):
        dry, run = RunFactory(is_preview=True), RunFactory()
        Run.objects.filter(pk=dry.pk).update(created_at=at)
        Batch.objects.create(run=run, chunk=0, remote_id="b", requests={}, faults=[], made_at=at, settled_at=at)
        upload = keep_upload(name="x.csv", chunks=[b"a"], by=UserFactory(), at=NOW - 3 * DAY)
        Upload.objects.filter(pk=upload.pk).update(rejects=[{"line": 1, "raw": "x"}], created_at=at)
    done = apply_retention(at=NOW, keep={"ledger": MONTH, "rejects": MONTH})
    assert (done["dry runs"], done["settled batches"], done["lists of rejected rows"], done["uploaded files"]) == (
        1, 1, 1, 1,  # the file of the older one went when the younger was uploaded
    )  # fmt: skip
    assert [bool(upload.rejects) for upload in Upload.objects.order_by("id")] == [False, True]
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def _sizes() -> list[tuple[Any, ...]]:
    stories = with_sizes(Story.objects.order_by("pk"))
    return list(stories.values_list("pk", "conversations", "customers"))  # type: ignore[misc]  # annotated


@pytest.mark.django_db(transaction=True)
def test_a_run_holds_when_everything_old_is_gone() -> None:
    """All at once, with nothing young enough: texts, answers, vectors, moves."""
    source = seed(scripts(3, 4))
    run = finish(start(source))
    change(source, [f"nr {n} name=problem_000_fails problem=0 more" for n in range(12)])
    again = finish(start(source))
    regroup(plan=plan_regroup(profile="support"), reason="test")
    sizes = _sizes()
    ConversationVersion.objects.update(stored_at=OLD)
    Conversation.objects.update(occurred_at=OLD)
    keep = dict.fromkeys(("answers", "messages", "vectors", "ledger", "moves"), timedelta(0))
    done = apply_retention(at=NOW + DAY, keep=keep)
    assert (done["raw answers"], done["texts"], done["vectors"]) == (24, 24, 24)
    newest = MergePass.objects.filter(profile="support").latest("pk")
    assert not Reassignment.objects.exclude(merge_pass=newest).exists()
    assert _sizes() == sizes
    for each in (run, again):
        found = verify(run_id=each.pk)
        assert found.faults == ()
        assert "erased" in str(found)


@pytest.mark.django_db
def test_the_command_counts_before_it_forgets(capsys: Captured, settings: Settings) -> None:
    settings.KEEP = {"answers": MONTH}
    CallFactory(answered_at=OLD)
    command("apply_retention", "--dry-run")
    assert "Would delete: raw answers (1)" in capsys.readouterr().out
    command("apply_retention")
    assert "Deleted: raw answers (1)" in capsys.readouterr().out
