"""Every `./manage.py` call that the documentation shows is made, on rows and files as the page has them.

    pytest -m slow tests/flow/test_documented_commands.py -s      # says how each ended

That they can be parsed is tested in the suite (tests/test_docs.py). Here they do it: what needs nothing from outside
has to succeed, and what needs a model, a key or a network has to say so.
"""

import gzip
import json
import re
import shlex
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from pipeline.models import Source
from tests.pipeline.extract.test_profiles import HOWTO
from tests.support.factories import UserFactory
from tests.support.seeding import finish, seed, start
from tests.support.shelves import watched_company
from tests.test_docs import EXAMPLES, ROOT, shown

FETCHES = "get_model"
"""Not called: it fetches hundreds of megabytes."""

NEEDS = {
    "doctor": "exit code 1",
    "keywords": "no extractor",  # what the reader has written by then
    "desk:north": "no source",
    "chats:default": "no conversations",
    "reembed": "nothing was changed",
    "backup FILE": "is no backup",  # that name is a table's here
    "restore FILE": "does not appear|failed|not found",
    "api_token make NAME": "already a token",
    "chapters RUN": "did not read a book",
    "books --path FILE": "no readable book",
    "evaluate --reviewed": "nobody has merged",
    "evaluate FILE": "no labels|label|not in a known format",
    "companies evaluate": "label|not in a known format",
    "companies sync FILE": "no column|url|URL",
    "companies clear": "was set by hand",
    "vocabulary PROFILE FILE": "key|column|name",
    "erase_customer": "nothing is stored",
    "make_stories": "makes stories by itself",
    "websites": "signatures of profile company",
    "--judge": "LLM_",
    "--airtable": "AIRTABLE",
    "--extractor llm": "LLM_",
    "judge": "LLM_|language model",
    "sql:tickets": "SQL|tickets",
    "run_pipeline": "no worker is consuming",  # all but the worker is there: tests/flow has runs by real workers
    "stop_run": "only a run that is running",
    "--resume": "completed",
    "salvage RUN": "nothing|completed",
}
"""What calls need that is not here, by a part of the call, and what they say then."""

TEXTS = [
    f"{problem} {end}"
    for problem in (
        "The invoice has the wrong VAT number",
        "The app crashes when I open it",
        "I cannot reset my password",
    )
    for end in ("since Monday.", "again.", "for two days now, please help.", "on my phone.", "and nobody answers.")
]

ENDS = {0, 3}
"""Exit codes that are no refusal: done, and done with something to look at."""


@pytest.fixture
def scene(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> dict[str, str]:
    """Rows and files by the names that the pages give them; what stands for the words that a reader replaces."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda *_: "n")
    settings.UPLOADS_DIR, settings.HEARTBEAT_PATIENCE = str(tmp_path / "uploads"), 0
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    museum = ModuleType("museum")  # the profile that the how-to writes, and the setting that it then makes
    exec(re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)[0], museum.__dict__)
    monkeypatch.setitem(sys.modules, "museum", museum)
    settings.PROFILES = {**settings.PROFILES, "visits": "museum.VISITS"}
    rows = "id,customer,created_at,text,label\n" + "".join(
        f'{n},ann@example.org,2026-10-0{1 + n % 9},"{text}",label{n % 3}\n' for n, text in enumerate(TEXTS)
    )
    for name in ("x.csv", "letters.csv"):
        Path(name).write_text(rows)
    lines = [{"id": str(n), "text": text, "label": f"label{n % 3}"} for n, text in enumerate(TEXTS)]
    Path("labelled.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with zipfile.ZipFile("next-week.zip", "w") as archive:
        archive.writestr("week.csv", rows)
    Path("companies.csv").write_text("id,name,url\nc1,Acme Ltd,https://acme.example\n")
    Path("list.csv").write_text("key,meaning\nqueue_too_long,waiting at the entrance\n")
    for name in ("opening-hours.md", "tickets.md"):
        Path(name).write_text(f"# {name}\n\nOpen from nine to five.\n")
    verses = [{"chapter": 1, "verse": n, "text": f"And the wheels were like beryl, verse {n}."} for n in range(1, 12)]
    for name in ("ezekiel", "ezekiel_he"):
        with gzip.open(f"{name}.jsonl.gz", "wt") as file:
            file.write("\n".join(map(json.dumps, verses)))
    UserFactory(username="alice")
    first, second = (finish(start(seed(TEXTS, name=name), "local")) for name in ("export", "support"))
    seed(TEXTS, name="gone")
    watched_company("Acme Ltd")
    for kind, name in (("books", "ezekiel"), ("chats", "default")):
        Source.objects.get_or_create(kind=kind, name=name)
    conversation = first.items.select_related("conversation")[0].conversation.external_id
    return {**EXAMPLES, "RUN": str(first.pk), "12": str(first.pk), "A": str(first.pk), "B": str(second.pk),
            "ID": conversation, "NAME": "export", "file:NAME": "file:gone", "SOURCE": "file:export"}  # fmt: skip


def outcomes(words_for: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each call, its page and how it ended: empty where it was done, else what it said."""
    for page, call in shown():
        if FETCHES in call:
            continue
        _, *words = shlex.split(call)
        try:
            call_command(*[words_for.get(word, word) for word in words])
            yield page, call, ""
        except SystemExit as end:
            yield page, call, "" if end.code in ENDS or end.code is None else f"exit code {end.code}"
        except CommandError as refusal:
            yield page, call, f"{type(refusal).__name__}: {refusal}"
        except Exception as error:
            yield page, call, f"CRASH {type(error).__name__}: {error}"


@pytest.mark.slow
def test_each_command_that_is_shown_does_what_it_says_or_says_what_it_needs(scene: dict[str, str]) -> None:
    wrong = []
    for page, call, said in outcomes(scene):
        print(f"{page:30} {call:80} {said[:120]}")
        needs = [words for part, words in NEEDS.items() if part in call]
        if said and not any(re.search(words, said) for words in needs):
            wrong.append(f"{page}: {call}: {said}")
    assert wrong == []
