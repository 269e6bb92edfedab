"""Rows for tests, believable and consistent: quotes stand in their texts, items read conversations of their source.

    theme = ThemeFactory()                     a whole chain: source, run, conversation with a thread, item, one quote
    ConversationFactory(text="Sync is broken") a thread of one message; `messages=[...]` gives a thread of your own
    ItemFactory(run=run, state="failed")       the other columns follow the state
    StoryFactory(conversations=5)              a story with five conversations and their themes
    OrphanFactory(conversations=2)             a waiting orphan with two
    MergeFactory(child=..., parent=...)        a standing merge
    alice(), bob(), charlie()                  owner, reviewer, stranger: the same row each time

Nothing here reads the clock: everything happened around NOON.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User

from pipeline.merge.rules.normalise import normal_form
from pipeline.models import (
    Call,
    Conversation,
    ConversationVersion,
    Evidence,
    Item,
    Merge,
    Orphan,
    Registry,
    Run,
    Signature,
    Source,
    Story,
    StoryEvidence,
    Theme,
)

factory: Any = import_module("factory")  # imported plainly, its half-done annotations make every call a type error

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
DIMENSION = 384
MODEL = "all-minilm-l6-v2"
VERSIONS = {"profile": "support-1", "extractor": "local-1", "model": MODEL, "rules": "names-1 assign-1 cluster-1"}
REVIEWED = ("story", "orphan")


@dataclass(frozen=True, slots=True)
class Problem:
    """What customers write about, in two voices, with the names a reader may give it (spelling twins)."""

    names: tuple[str, ...]
    category: str
    summary: str
    opening: tuple[str, str]
    answer: str
    closing: str


PROBLEMS = (
    Problem(
        ("calendar_sync_duplicates", "calendar_sync_duplicate", "CalendarSyncDuplicates"),
        "product_issue",
        "Every appointment shows up twice in Google Calendar after syncing.",
        (
            "Hi, since Monday every appointment is in my Google Calendar twice. I delete the copies, they come back.",
            "my google calendar shows each booking two times?? clients think theyre booked twice. pls fix",
        ),
        "Sorry about that! Could you tell me whether two people of your team connected the same calendar?",
        "Yes, Jenny connected it as well. How do I take hers out?",
    ),
    Problem(
        ("sms_reminders_not_sent", "sms_reminder_not_sent", "sms-reminders-not-sent"),
        "product_issue",
        "Text reminders are no longer sent to clients.",
        (
            "texts havent gone out since tuesday. nobody got one. 3 no shows so far this week",
            "Good morning, our patients no longer get a text the day before. Nothing changed on our side.",
        ),
        "Your SMS balance reached 0 on Tuesday. You can buy a bundle under Reminders > Credits.",
        "and nobody thought of telling me??",
    ),
    Problem(
        ("deposit_charged_twice", "deposits_charged_twice", "double_deposit_charge"),
        "billing_question",
        "The card was charged two deposits for one booking.",
        (
            "A client sent me a screenshot: two deposits of 25.00 for one booking. The bank says both are real.",
            "customer paid deposit 2x for the same slot, wants money back TODAY",
        ),
        "I can see both payments. The second one is on its way back; it takes 5 to 10 working days.",
        "Thank you. Will it happen again with the next one?",
    ),
    Problem(
        ("staff_invite_link_expired", "staff_invite_links_expired"),
        "account_issue",
        "A new colleague cannot join because the invitation link says it was already used.",
        (
            'Our new locum starts tomorrow and her invitation says "already been used". She has not used it.',
            "apprentice gets link expired on invite, sent friday. what does he log in with",
        ),
        'A mail filter may open the link first. Choose "Copy join code" beside the name; it is typed in at sign-up.',
        "The join code worked at the first attempt.",
    ),
    Problem(
        ("csv_import_clients", "csv_client_import"),
        "how_to_question",
        "How to import clients from a spreadsheet.",
        (
            "How do I get 900 patients out of our old software and into yours? I have a CSV with names and numbers.",
            "where can i upload my client list, cant find it anywhere in settings",
        ),
        'Clients > Import takes a CSV. Tick "update existing" if some of them are there already.',
        "Found it, all green ticks.",
    ),
    Problem(
        ("waitlist_for_full_days", "wait_list_for_full_days"),
        "feature_request",
        "A waiting list for days that are fully booked.",
        (
            "It would be great if people could join a waiting list when Saturday is full. I keep one on paper now.",
            "any plans for a waitlist? we lose 5-6 clients a week on full days",
        ),
        "Not yet, I'm afraid, but you're not alone in asking. I've added your vote.",
        "OK, then paper it is for now.",
    ),
)
CUSTOMERS = (
    "copperleaf-hair",
    "bramble-vets",
    "lowtide-yoga",
    "crown-lane-dental",
    "pitstop-motors",
    "tallis-music-rooms",
)


def problem_of(position: int) -> Problem:
    """Return the position's problem, round and round."""
    return PROBLEMS[position % len(PROBLEMS)]


def thread(problem: Problem, at: datetime, position: int = 0) -> list[dict[str, str]]:
    """Return a short thread about the problem that begins at this time."""
    texts = (("customer", problem.opening[position % 2]), ("agent", problem.answer), ("customer", problem.closing))
    return [
        {"role": role, "author": "", "text": text, "created_at": (at + timedelta(minutes=20 * turn)).isoformat()}
        for turn, (role, text) in enumerate(texts)
    ]


def grown(messages: Sequence[dict[str, str]], position: int) -> list[dict[str, str]]:
    """Return the thread with one more message."""
    again = {"role": "customer", "author": "", "text": f"Any news? This is the {position + 2}. time I ask."}
    return [*messages, {**again, "created_at": NOON.isoformat()}]


def content_hash(messages: Sequence[dict[str, str]]) -> str:
    """Return a hash of the messages."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def unit_vector(seed: int) -> bytes:
    """Return the float32 bytes of a vector of unit length, the same for the same seed."""
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return bytes((vector / np.linalg.norm(vector)).astype(np.float32).tobytes())


class Rows(factory.django.DjangoModelFactory):  # type: ignore[misc]
    """The root of all factories here."""

    class Meta:
        abstract = True
        skip_postgeneration_save = True


# --- People -------------------------------------------------------------------------------------------------------


@cache
def _hashed_password() -> str:
    return make_password("password")


class UserFactory(Rows):
    """Anybody who may not enter the admin; password `password`."""

    class Meta:
        model = User
        django_get_or_create = ("username",)

    username = factory.Sequence(lambda n: f"visitor{n}")
    first_name = factory.LazyAttribute(lambda user: user.username.capitalize())
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.LazyFunction(_hashed_password)


def alice() -> User:
    """Return Alice, the owner: may do everything."""
    user: User = UserFactory(username="alice", is_staff=True, is_superuser=True)
    return user


def bob() -> User:
    """Return Bob, the reviewer: sees everything of the pipeline and changes stories and orphans."""
    user: User = UserFactory(username="bob", is_staff=True)
    ours = Permission.objects.filter(content_type__app_label__in=("pipeline", "chat"))
    user.user_permissions.set(
        ours.filter(codename__startswith="view_") | ours.filter(codename__in=[f"change_{noun}" for noun in REVIEWED])
    )
    return user


def charlie() -> User:
    """Return Charlie, a stranger: has an account and no rights."""
    user: User = UserFactory(username="charlie")
    return user


# --- Sources and conversations ------------------------------------------------------------------------------------


class SourceFactory(Rows):
    """A file of exported threads."""

    class Meta:
        model = Source
        django_get_or_create = ("kind", "name")

    kind = "file"
    name = factory.Sequence(lambda n: f"helpdesk-{n}")


class ConversationFactory(Rows):
    """A thread with its first version. `text` or `messages` say what was written; else it is about `problem`."""

    class Meta:
        model = Conversation

    class Params:
        position = factory.Sequence(int)
        problem = factory.LazyAttribute(lambda thread: problem_of(thread.position))
        text = ""

    source = factory.SubFactory(SourceFactory)
    external_id = factory.LazyAttribute(lambda thread: f"hg-{2001 + thread.position}")
    customer = factory.LazyAttribute(lambda thread: CUSTOMERS[thread.position % len(CUSTOMERS)])
    occurred_at = factory.LazyAttribute(lambda thread: NOON - timedelta(hours=thread.position % 240 + 1))
    messages = factory.LazyAttribute(
        lambda wanted: (
            [{"role": "customer", "text": wanted.text, "created_at": wanted.occurred_at.isoformat()}]
            if wanted.text
            else thread(wanted.problem, wanted.occurred_at, wanted.position)
        )
    )

    @classmethod
    def _create(cls, model_class: type[Conversation], *args: Any, **columns: Any) -> Conversation:
        messages = columns.pop("messages")
        conversation: Conversation = super()._create(model_class, *args, **columns)
        conversation.current_version = ConversationVersionFactory(conversation=conversation, messages=messages)
        conversation.save(update_fields=["current_version"])
        return conversation


class ConversationVersionFactory(Rows):
    """A conversation's text with one message more; by itself it is not the current one."""

    class Meta:
        model = ConversationVersion

    conversation = factory.SubFactory(ConversationFactory)
    messages = factory.LazyAttributeSequence(lambda version, n: grown(version.conversation.current_version.messages, n))
    content_hash = factory.LazyAttribute(lambda version: content_hash(version.messages))
    stored_at = NOON


# --- Runs and their ledger ----------------------------------------------------------------------------------------


class RunFactory(Rows):
    """A completed run of a source of its own; phase and times follow the state. Give `source` for several of one."""

    class Meta:
        model = Run

    class Params:
        is_live = factory.LazyAttribute(lambda run: run.state in Run.LIVE)

    source = factory.SubFactory(SourceFactory)
    profile = "support"
    extractor = "local"
    parameters = factory.LazyFunction(lambda: {"concurrency": 2})
    versions = factory.LazyFunction(VERSIONS.copy)
    state: Any = Run.State.COMPLETED
    phase = factory.LazyAttribute(lambda run: Run.Phase.DONE if run.state in Run.FINISHED else Run.Phase.EXTRACT)
    as_of = NOON
    started_at = NOON
    heartbeat_at = factory.LazyAttribute(lambda run: run.started_at + timedelta(seconds=90) if run.started_at else None)
    finished_at = factory.LazyAttribute(lambda run: None if run.is_live else run.started_at + timedelta(seconds=93))
    first_finished_at = factory.LazyAttribute(lambda run: run.finished_at if run.state in Run.FINISHED else None)


class ItemFactory(Rows):
    """A pending item; with another `state` the columns of that state are filled."""

    class Meta:
        model = Item

    class Params:
        is_begun = factory.LazyAttribute(lambda item: item.state not in (Item.State.PENDING, Item.State.SKIPPED))
        is_failed = factory.LazyAttribute(lambda item: item.state == Item.State.FAILED)
        is_unfinished = factory.LazyAttribute(lambda item: item.state in Item.UNFINISHED)

    run = factory.SubFactory(RunFactory)
    conversation = factory.SubFactory(ConversationFactory, source=factory.SelfAttribute("..run.source"))
    version = factory.SelfAttribute("conversation.current_version")
    chunk = 0
    state: Any = Item.State.PENDING
    reason = factory.LazyAttribute(
        lambda item: {"failed": "could not parse: ValidationError", "filtered": "spam", "skipped": "unchanged"}.get(
            item.state, ""
        )
    )
    stage = factory.LazyAttribute(lambda item: Item.Stage.PARSE if item.is_failed else "")
    error_class = factory.LazyAttribute(lambda item: "ValidationError" if item.is_failed else "")
    error = factory.LazyAttribute(lambda item: "1 validation error for Reading: category" if item.is_failed else "")
    category = factory.LazyAttribute(lambda item: "product_issue" if item.state == Item.State.EXTRACTED else "")
    epoch = factory.LazyAttribute(lambda item: item.run.epoch if item.is_begun else 0)
    claim = factory.LazyAttribute(lambda item: "delivery:1" if item.state == Item.State.READING else "")
    claimed_at = factory.LazyAttribute(lambda item: NOON if item.is_begun else None)
    delivery_count = factory.LazyAttribute(lambda item: int(item.is_begun))
    finished_at = factory.LazyAttribute(lambda item: None if item.is_unfinished else NOON + timedelta(seconds=30))


class CallFactory(Rows):
    """The raw answer about an extracted item."""

    class Meta:
        model = Call

    item = factory.SubFactory(ItemFactory, state=Item.State.EXTRACTED)
    attempt = 1
    request_hash = factory.Sequence(lambda n: hashlib.sha256(f"question {n}".encode()).hexdigest())
    answer = '{"category": "product_issue", "themes": []}'
    finish_reason = "stop"
    answered_at = NOON


# --- Signatures and themes ----------------------------------------------------------------------------------------


class RegistryFactory(Rows):
    """The registry of the support profile."""

    class Meta:
        model = Registry
        django_get_or_create = ("profile",)

    profile = "support"


class SignatureFactory(Rows):
    """A root signature; names of the sample first, then the same with a number."""

    class Meta:
        model = Signature

    class Params:
        position = factory.Sequence(int)

    profile = "support"
    key = factory.LazyAttribute(
        lambda signature: (
            problem_of(signature.position).names[0]
            + (f"_{signature.position // len(PROBLEMS) + 1}" if signature.position >= len(PROBLEMS) else "")
        )
    )
    normal_form = factory.LazyAttribute(lambda signature: normal_form(signature.key))
    created_at = NOON
    created_run = factory.SubFactory(RunFactory)
    vector_model = MODEL
    vector_sum = factory.LazyAttribute(lambda signature: unit_vector(signature.position))
    size = 3


class MergeFactory(Rows):
    """A standing merge by a rule."""

    class Meta:
        model = Merge

    child = factory.SubFactory(SignatureFactory, vector_sum=None)
    parent = factory.SubFactory(SignatureFactory)
    rule = "meaning"
    rule_version = "names-1 assign-1 cluster-1"
    registry_version = 1
    score = 0.87
    reason = factory.LazyAttribute(
        lambda merge: f"{merge.child.key} and {merge.parent.key} lie together: cosine {merge.score:.2f}"
    )
    run = factory.SelfAttribute("child.created_run")
    created_at = NOON


class ThemeFactory(Rows):
    """A theme with one quote, not yet assigned. `signature` assigns it; `quote=None` makes one without evidence."""

    class Meta:
        model = Theme

    class Params:
        position = factory.Sequence(int)
        problem = factory.LazyAttribute(lambda theme: problem_of(theme.position))

    run = factory.SubFactory(RunFactory)
    item = factory.SubFactory(
        ItemFactory,
        run=factory.SelfAttribute("..run"),
        state=Item.State.EXTRACTED,
        conversation__problem=factory.SelfAttribute("...problem"),
    )
    conversation = factory.SelfAttribute("item.conversation")
    profile = factory.SelfAttribute("run.profile")
    raw_signature = factory.LazyAttribute(lambda theme: theme.problem.names[theme.position % len(theme.problem.names)])
    raw_key = factory.LazyAttribute(lambda theme: normal_form(theme.raw_signature))
    category = factory.LazyAttribute(lambda theme: theme.problem.category)
    summary = factory.LazyAttribute(lambda theme: theme.problem.summary)
    confidence = 0.9
    vector = factory.LazyAttribute(lambda theme: unit_vector(theme.position))
    vector_model = MODEL
    signature = None
    signature_rule = factory.LazyAttribute(lambda theme: "own_name" if theme.signature else "")
    signature_score = factory.LazyAttribute(lambda theme: 0.91 if theme.signature else None)
    quote = factory.RelatedFactory("tests.support.factories.EvidenceFactory", factory_related_name="theme")


class EvidenceFactory(Rows):
    """The first message of the theme's conversation as its quote, or a `quote` that stands in the text."""

    class Meta:
        model = Evidence

    theme = factory.SubFactory(ThemeFactory, quote=None)
    version = factory.SelfAttribute("theme.item.version")
    quote = factory.LazyAttribute(lambda evidence: evidence.version.messages[0]["text"])
    start = factory.LazyAttribute(lambda evidence: evidence.version.text.index(evidence.quote))
    end = factory.LazyAttribute(lambda evidence: evidence.start + len(evidence.quote))


# --- Stories and orphans ------------------------------------------------------------------------------------------


class StoryFactory(Rows):
    """A candidate with three conversations, or as many as `conversations` says, all about one problem."""

    class Meta:
        model = Story

    class Params:
        position = factory.Sequence(int)
        problem = factory.LazyAttribute(lambda story: problem_of(story.position))

    signature = factory.SubFactory(SignatureFactory)
    title = factory.LazyAttribute(lambda story: story.signature.key.replace("_", " ").capitalize())
    description = factory.LazyAttribute(lambda story: story.problem.summary)
    category = factory.LazyAttribute(lambda story: story.problem.category)
    first_run = factory.SelfAttribute("signature.created_run")
    created_at = NOON
    updated_at = NOON

    @factory.post_generation
    def conversations(self, create: bool, count: int | None, **columns: Any) -> None:
        """Add the evidence; columns of its themes follow two underscores, as in `conversations__confidence`."""
        for _ in range(3 if count is None else count):
            run = self.first_run or RunFactory()
            theme = ThemeFactory(
                signature=self.signature, problem=_problem_named(self.signature.key), run=run, **columns
            )
            StoryEvidenceFactory(story=self, theme=theme)


class StoryEvidenceFactory(Rows):
    """One more conversation of a story."""

    class Meta:
        model = StoryEvidence

    story = factory.SubFactory(StoryFactory, conversations=0)
    theme = factory.SubFactory(ThemeFactory, signature=factory.SelfAttribute("..story.signature"))
    conversation = factory.SelfAttribute("theme.conversation")
    run = factory.SelfAttribute("theme.run")


class OrphanFactory(Rows):
    """A waiting orphan with one conversation, or as many as `conversations` says."""

    class Meta:
        model = Orphan

    signature = factory.SubFactory(SignatureFactory)
    reason: Any = Orphan.Reason.TOO_FEW
    detail = "needs 2 more conversations"
    created_at = NOON
    updated_at = NOON

    @factory.post_generation
    def conversations(self, create: bool, count: int | None, **columns: Any) -> None:
        """Add the themes that wait; their columns follow two underscores."""
        for _ in range(1 if count is None else count):
            run = self.signature.created_run or RunFactory()
            ThemeFactory(signature=self.signature, problem=_problem_named(self.signature.key), run=run, **columns)


def _problem_named(key: str) -> Problem:
    return next((problem for problem in PROBLEMS if key.startswith(problem.names[0])), PROBLEMS[0])
