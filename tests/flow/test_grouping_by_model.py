"""A run by a language model that names well and spells in four ways: its groups are those of the labels."""

from pathlib import Path

import pytest

import pipeline
from pipeline.models import Story, Theme
from pipeline.reports.evaluate import score
from pipeline.sources.ingest import Import, import_files
from tests.fakes.labelled import answers_from, labels_in, spelled
from tests.fakes.language_model import Model
from tests.pipeline.extract.llm.conftest import model as model  # the fixture
from tests.support.seeding import finish, seed, start

SAMPLE = Path(pipeline.__file__).parent / "sample" / "conversations.jsonl"


@pytest.mark.django_db
def test_spellings_of_one_name_are_one_signature(model: Model) -> None:
    texts = {f"Text {number} about problem {number % 3}": f"thing_{number % 3}_breaks" for number in range(24)}
    model.says = answers_from(texts)
    run = finish(start(seed(list(texts)), extractor="asked"))
    assert run.state == "completed"
    raw = set(Theme.objects.filter(run=run).values_list("raw_signature", flat=True))
    assert raw > {spelled("thing_0_breaks", way) for way in range(2)}  # it did spell in several ways
    assert Story.objects.count() == 3


@pytest.mark.slow
@pytest.mark.django_db
def test_the_sample_read_by_a_model_falls_into_its_labels(model: Model) -> None:
    """Pairwise F1 of the groups, all conversations judged: .985 was measured; the local reader alone has .53 to .60."""
    model.says = answers_from(labels_in([SAMPLE]))
    source = import_files(Import((str(SAMPLE),), "sample")).source
    assert source is not None
    run = finish(start(source, extractor="llm", concurrency=20))
    labels = dict(source.conversations.values_list("id", "label"))
    groups = dict(Theme.objects.filter(run=run).values_list("conversation_id", "signature__root_link__root"))
    told = score([labels[pk] for pk in groups], list(groups.values()))
    assert len(groups) == len(labels)
    print(told)  # seen with -s
    assert told.pairwise_f1 >= 0.98, told
