"""Where conversations come from, and what a run did with each: the ledger."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Source(models.Model):
    """A named place conversations come from, written `kind:name`; external ids are unique inside it."""

    kind = models.CharField(max_length=50)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    repeated_passages = models.JSONField(
        default=list,
        blank=True,
        help_text="a list of {key, text, said_by, conversations}: what its conversations share word for word",
    )
    reading = models.JSONField(
        default=dict,
        blank=True,
        help_text="what a person set for its files (mapping, encoding, date format); also used for later imports",
    )

    cursor = models.TextField(blank=True, help_text="how far a live source has been read")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_source_per_kind_and_name")]
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    WEBSITES = "websites"

    @property
    def is_of_pages(self) -> bool:
        """Whether its conversations are web pages, which a run fetches itself."""
        return self.kind == self.WEBSITES


class Run(models.Model):
    """One pass over a selection of one source with one profile and one extractor.

    `epoch` counts how often the run was (re)started; every write of a task checks it, so that a task of an earlier
    life cannot write.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        STOPPING = "stopping"
        STOPPED = "stopped"
        COMPLETED = "completed"
        COMPLETED_WITH_ERRORS = "completed_with_errors"
        NEEDS_ATTENTION = "needs_attention"
        FAILED = "failed"
        LOST = "lost"

    class Phase(models.TextChoices):
        """What the run does next; `done` when there is nothing left."""

        PLAN = "plan"
        EXTRACT = "extract"
        MERGE = "merge"
        GROUP = "group"
        FINISH = "finish"
        DONE = "done"

    LIVE = (State.PENDING, State.RUNNING, State.STOPPING)
    FINISHED = (State.COMPLETED, State.COMPLETED_WITH_ERRORS, State.NEEDS_ATTENTION)
    RESUMABLE = (State.STOPPED, State.LOST, State.FAILED, State.COMPLETED_WITH_ERRORS, State.NEEDS_ATTENTION)

    MAY_BECOME = {
        State.PENDING: (State.RUNNING, State.FAILED, State.LOST),
        State.RUNNING: (*FINISHED, State.FAILED, State.STOPPING, State.STOPPED, State.LOST),
        State.STOPPING: (State.STOPPED, State.FAILED, State.LOST),
        State.COMPLETED: (State.RUNNING,),
        **dict.fromkeys(RESUMABLE, (State.RUNNING,)),
    }
    """Every transition there is; `states.change_state` makes no other. A completed run is taken up again only by
    salvage."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="runs")
    profile = models.CharField(max_length=50)
    extractor = models.CharField(max_length=50)
    parameters = models.JSONField(
        default=dict, help_text="the options of the run: since, until, limit, concurrency ..."
    )
    versions = models.JSONField(default=dict, help_text="of extractor, model, profile and signature rules")
    state = models.CharField(max_length=30, choices=State, default=State.PENDING)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.PLAN)
    epoch = models.PositiveIntegerField(
        default=1, help_text="attempts so far; tasks of an earlier attempt cannot write"
    )
    as_of = models.DateTimeField(null=True, blank=True, help_text="recency counts from here")
    is_preview = models.BooleanField(default=False, help_text="a dry run: planned and estimated, but nothing read")
    preview = models.JSONField(null=True, blank=True)
    planned_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="number of items planned; if there are fewer now, some were lost"
    )
    error = models.TextField(blank=True)
    attention = models.TextField(blank=True, help_text="why a person should check this run")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # unlike finished_at never empty again: a run that is salvaged must not lose its readings meanwhile
    first_finished_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="when it first finished; its results count from then on, even while it is being salvaged",
    )
    seconds_before = models.FloatField(default=0, help_text="worked in earlier attempts, before it was reopened")
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="last heartbeat from any worker on this run")
    dispatched_at = models.DateTimeField(null=True, blank=True, help_text="when chunks were last dispatched")
    advance_claimed_at = models.DateTimeField(
        null=True, blank=True, help_text="since when someone merges, groups or judges"
    )
    # raised when a phase is claimed, set to 0 when it is left in any way but by the worker's death
    phase_count = models.PositiveSmallIntegerField(
        default=0, help_text="how often this phase was started without an end being recorded"
    )
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    judged_at = models.DateTimeField(
        null=True, blank=True, help_text="when a language model had judged what it found, where the run asks for that"
    )
    judging_stopped = models.TextField(
        blank=True, default="", db_default="", help_text="why judging ended before everything was asked"
    )
    removed_count = models.PositiveIntegerField(
        db_default=0, help_text="skipped items that retention removed; they count as skipped"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"],
                # in words: Meta is a class of its own and does not see LIVE
                condition=Q(state__in=["pending", "running", "stopping"]),
                name="one_live_run_per_source",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "running", "stopping"]) ^ Q(finished_at__isnull=False),
                name="a_run_has_ended_or_is_live",
            ),
        ]
        ordering = ["-id"]
        permissions = [("operate_run", "Can start, stop, resume and salvage runs")]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.source}"

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE

    @property
    def is_of_pages(self) -> bool:
        """Whether it reads web pages: its items are fetched first, and it concludes about companies."""
        return self.source.is_of_pages

    @property
    def is_to_be_judged(self) -> bool:
        """Whether it was started with the wish for a model's judgement, has finished, and was not judged since."""
        return bool(self.parameters.get("judge")) and self.state in self.FINISHED and self.judged_at is None

    @property
    def makes_stories(self) -> bool:
        return not self.parameters.get("no_stories", False)


class Item(models.Model):
    """One conversation in one run: the ledger row that says what became of it."""

    class State(models.TextChoices):
        PENDING = "pending"
        READING = "reading"
        EXTRACTED = "extracted"
        FILTERED = "filtered"
        SKIPPED = "skipped"
        FAILED = "failed"

    class Stage(models.TextChoices):
        """Where a failed item failed."""

        FETCH = "fetch"
        READ = "read"
        PARSE = "parse"
        STORE = "store"

    UNFINISHED = (State.PENDING, State.READING)

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    conversation = models.ForeignKey("pipeline.Conversation", on_delete=models.PROTECT, related_name="items")
    version = models.ForeignKey(
        "pipeline.ConversationVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="items",
        help_text="what is read; a page that was not fetched yet, or could not be, has none",
    )  # fmt: skip
    chunk = models.PositiveIntegerField(help_text="the task that reads it")
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    reason = models.CharField(
        max_length=200, blank=True, help_text="why it was filtered, skipped or failed, in a few words"
    )
    stage = models.CharField(max_length=10, choices=Stage, blank=True)
    error_class = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    category = models.CharField(max_length=50, blank=True)
    language = models.CharField(
        max_length=10,
        blank=True,
        db_default="",
        help_text="language of the customer's own words (BCP 47); und: undetermined",
    )
    flaws = models.JSONField(
        null=True,
        blank=True,
        help_text="how often something in its answers was corrected: repaired, asked_again, unasked, quotes_dropped",
    )
    epoch = models.PositiveIntegerField(default=0, help_text="the run's epoch when it was last claimed")
    # `delivery:nonce`, see ledger.claims.new_token
    claim = models.CharField(
        max_length=64, blank=True, help_text="the delivery that is reading it; only that one may write"
    )
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="renewed while it is being read")
    delivery_count = models.PositiveSmallIntegerField(default=0, help_text="how often a worker started to read it")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "conversation"], name="one_item_per_run_and_conversation"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "reading"]) ^ Q(finished_at__isnull=False),
                name="an_item_is_finished_or_waits",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["extracted", "filtered"]) | Q(version__isnull=False),
                name="what_was_read_has_a_version",
            ),
        ]
        indexes = [
            # claims.claim_items, counts.unfinished_items
            models.Index(
                fields=["run", "chunk"], condition=Q(state__in=["pending", "reading"]), name="unfinished_items_by_chunk"
            ),
            # the admin's list of what went wrong in a run
            models.Index(fields=["run", "state"], name="items_by_run_and_state"),
            # web.admin.conversations.LanguageFilter: which languages there are, and the conversations in one
            models.Index(fields=["language", "conversation"], condition=~Q(language=""), name="items_by_language"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"item {self.pk} of run {self.run_id}"


class Call(models.Model):
    """One question to an extractor and its raw answer, stored before anybody tries to understand it."""

    class Step(models.TextChoices):
        """What was asked; a `reask` repeats another step for what its answer left out."""

        CLASSIFY = "classify"
        EXTRACT = "extract"
        REASK = "reask"
        VALIDATE = "validate"
        REVIEW = "review"
        TITLE = "title"

    item = models.ForeignKey(
        Item, null=True, blank=True, on_delete=models.CASCADE, related_name="calls", help_text="whose reading it is of"
    )
    judgement = models.ForeignKey(
        "pipeline.Judgement", null=True, blank=True, on_delete=models.CASCADE, related_name="calls",
        help_text="what a language model was asked to judge, where no conversation was read",
    )  # fmt: skip
    step = models.CharField(max_length=20, choices=Step, default=Step.EXTRACT)
    unit = models.CharField(
        max_length=100,
        blank=True,
        help_text="part of the conversation asked about (empty: all of it); for a reask, the step and part it repeats",
    )
    attempt = models.PositiveSmallIntegerField(help_text="counts the answers to one question about an item")
    request_hash = models.CharField(
        max_length=64,
        blank=True,
        help_text="sha256 of version, profile and extractor: same question; empty: put aside, asked again",
    )
    answer = models.TextField(blank=True, help_text="as received; empty if the bytes are not text")
    # one of answer and raw is filled: PostgreSQL's text holds neither NUL nor what is no UTF-8
    raw = models.BinaryField(blank=True, db_default=b"", help_text="as received, if the bytes are not text")
    vectors = models.BinaryField(
        blank=True, default=b"", help_text="float32, one row a theme; empty once its themes have them"
    )
    # what the vectors were, once the themes have them: `verify_run` compares
    vectors_hash = models.CharField(
        max_length=64, blank=True, db_default="", help_text="sha256 of what its themes were given; empty until then"
    )
    prompt = models.CharField(
        max_length=50,
        blank=True,
        db_default="",
        help_text="version of the profile's prompt, if a language model was asked",
    )
    model = models.CharField(max_length=100, blank=True, db_default="", help_text="the language model asked")
    finish_reason = models.CharField(max_length=50, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(db_default=0, help_text="input tokens the provider had in its cache")
    asked_bytes = models.PositiveIntegerField(
        db_default=0, help_text="size of the request, used to learn how many bytes make a token"
    )
    cost = models.DecimalField(
        null=True, blank=True, max_digits=16, decimal_places=9, help_text="US dollars; empty: unknown or none"
    )
    seconds = models.FloatField(
        null=True, blank=True, help_text="from sending the request to the last byte of the answer"
    )
    answered_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True, help_text="since when the answer is gone, for good")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "step", "unit", "attempt"], name="one_call_per_item_step_unit_attempt"
            ),
            models.UniqueConstraint(
                fields=["judgement", "step", "unit", "attempt"],
                condition=Q(judgement__isnull=False),
                name="one_call_per_judgement_step_unit_attempt",
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=False) ^ Q(judgement__isnull=False),
                name="a_call_belongs_to_an_item_or_a_judgement",
            ),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="attempts_count_from_one"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"call {self.pk} of " + (f"item {self.item_id}" if self.item_id else f"judgement {self.judgement_id}")

    @property
    def body(self) -> bytes:
        """The bytes of the answer."""
        return bytes(self.raw) or self.answer.encode()


class QueueHeartbeat(models.Model):
    """When a worker last took a heartbeat out of a queue: one row a queue."""

    queue = models.CharField(max_length=50, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.queue}, {self.seen_at:%Y-%m-%d %H:%M:%S}"
