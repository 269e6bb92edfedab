"""A source keeps the profile it was read under: a second one would make every story twice."""

from datetime import timedelta

import pytest

from pipeline.models import Run, Source
from pipeline.runs.create import OtherProfile
from pipeline.runs.start import chosen_profile
from pipeline.sources.formats.base import Options
from pipeline.sources.remembered import remember, with_remembered
from tests.support.seeding import finish, scripts, seed, start

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_source_that_was_never_read_takes_any_profile() -> None:
    source = seed(scripts(1, 1))
    assert chosen_profile(source, "sample") == "sample"
    assert chosen_profile(source, "") == chosen_profile(None, "") == "support"


def test_a_source_is_read_again_under_its_own_profile() -> None:
    source = seed(scripts(1, 1))
    finish(start(source))
    Run.objects.update(profile="sample")
    assert chosen_profile(source, "") == "sample"
    with pytest.raises(
        OtherProfile, match=r"read with the profile sample; reading it with support .* --another-profile"
    ):
        chosen_profile(source, "support")
    assert chosen_profile(source, "support", another=True) == "support"


def test_a_preview_decides_nothing() -> None:
    source = seed(scripts(1, 1))
    finish(start(source))
    Run.objects.update(profile="sample", is_preview=True)
    assert chosen_profile(source, "support") == "support"


def test_what_was_said_about_a_source_holds_for_its_next_file() -> None:
    source = Source.objects.create(kind="file", name="export")
    said = Options(mapping={"text": "Body"}, encoding="cp1252", date_format="DD/MM/YYYY", pause=timedelta(minutes=5))
    remember(source=source, options=said)
    source = Source.objects.get()
    assert with_remembered(source, Options()) == said
    now = with_remembered(source, Options(mapping={"id": "Nr"}, encoding="utf-8"))
    assert (now.mapping, now.encoding, now.date_format) == ({"text": "Body", "id": "Nr"}, "utf-8", "DD/MM/YYYY")
    assert with_remembered(None, Options()) == Options()


def test_saying_nothing_forgets_nothing() -> None:
    source = Source.objects.create(kind="file", name="export")
    remember(source=source, options=Options(encoding="cp1252"))
    remember(source=source, options=Options())
    assert Source.objects.get().reading == {"encoding": "cp1252"}
