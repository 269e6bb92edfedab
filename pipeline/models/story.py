"""What people review: problems that enough conversations share, and those that wait for more."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from psqlextra.manager import PostgresManager, PostgresQuerySet
from psqlextra.models import PostgresModel

from pipeline.models.conversation import Conversation
from pipeline.models.run import Run
from pipeline.models.signature import Signature
from pipeline.models.theme import Theme


class StoryQuerySet(models.QuerySet["Story"]):
    """Stories by what people still see of them."""

    def standing(self) -> "StoryQuerySet":
        """Without those that another story absorbed."""
        return self.filter(absorbed_by__isnull=True)

    def open(self) -> "StoryQuerySet":
        """Those that people still work on: standing, and neither done, dismissed nor emptied."""
        return self.standing().filter(status__in=Story.OPEN)


class Story(models.Model):
    """A signature with enough distinct conversations. It lives across runs and grows."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate"
        APPROVED = "approved"
        IN_PROGRESS = "in_progress"
        DONE = "done"
        DISMISSED = "dismissed"
        EMPTIED = "emptied"  # by no person: no conversation left

    OPEN = (Status.CANDIDATE, Status.APPROVED, Status.IN_PROGRESS)

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="stories")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.CANDIDATE)
    # only of an emptied story; settling gives the status back with the first conversation
    status_before = models.CharField(
        max_length=20,
        blank=True,
        choices=Status,
        help_text="the status before its last conversation left; restored when it has one again",
    )
    category = models.CharField(max_length=50, help_text="the most common category of its themes")
    confidence = models.PositiveSmallIntegerField(
        default=0, help_text="how certain it is, from 0 to 100, that this is one real problem"
    )
    confidence_parts = models.JSONField(default=dict, help_text="size, cohesion, evidence and reader, each from 0 to 1")
    first_run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="new_stories")
    recurs_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="recurrences",
        help_text="the story that was done before this problem came back",
    )  # fmt: skip
    absorbed_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="absorbed")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    edited_at = models.DateTimeField(
        null=True, blank=True, help_text="when a person last edited the title or description"
    )
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    edited_actor = models.CharField(
        max_length=120, blank=True, db_default="",
        help_text="model:NAME where a language model wrote title or description last; empty: a person, or nobody",
    )  # fmt: skip

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="the person responsible for it",
    )  # fmt: skip
    ticket_url = models.CharField(
        max_length=2000, blank=True, db_default="", help_text="the ticket where it is worked on"
    )

    titled_at = models.DateTimeField(
        null=True, blank=True, help_text="when its title was chosen; empty: not yet, so its signature's name is shown"
    )
    title_size = models.PositiveIntegerField(
        default=0, help_text="number of its conversations when its title was chosen"
    )

    NOT_WRITTEN = Q(edited_at__isnull=True) | ~Q(edited_actor="")
    """No person wrote its title or description; a language model may have."""

    UNTOUCHED = NOT_WRITTEN & Q(
        status=Status.CANDIDATE, reviewed_at__isnull=True, owner__isnull=True, ticket_url="", comments__isnull=True,
    )  # fmt: skip
    """No person has reviewed it, taken it on or written anything in it."""

    objects = StoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stories"
        constraints = [
            models.UniqueConstraint(
                fields=["signature"],
                condition=Q(status__in=["candidate", "approved", "in_progress"], absorbed_by__isnull=True),
                name="one_open_story_per_signature",
            ),
            models.CheckConstraint(condition=Q(confidence__lte=100), name="a_storys_confidence_is_of_100"),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | Q(reviewed_at__isnull=False),
                name="a_story_reviewed_by_someone_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(edited_by__isnull=True) | Q(edited_at__isnull=False),
                name="a_story_edited_by_someone_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(edited_actor="") | Q(edited_at__isnull=False, edited_by__isnull=True),
                name="a_story_is_written_by_a_person_or_a_model",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether people still work on it, and it was not absorbed by another."""
        return self.status in self.OPEN and self.absorbed_by_id is None


class StoryEvidence(models.Model):
    """One conversation of a story, by the theme that brought it there."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="evidence")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="stories")
    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(
        Run, null=True, on_delete=models.SET_NULL, related_name="+", help_text="the run that added it"
    )
    # marks the rows it was chosen for, so that one count tells whether most of them are still there
    in_title = models.BooleanField(db_default=False, help_text="was in the story when its title was chosen")

    class Meta:
        verbose_name_plural = "story evidence"
        constraints = [
            models.UniqueConstraint(fields=["story", "conversation"], name="one_evidence_per_story_and_conversation")
        ]

    def __str__(self) -> str:
        return f"{self.conversation} in {self.story}"


class OrphanQuerySet(PostgresQuerySet["Orphan"]):
    """Orphans by whether they still wait."""

    def waiting(self) -> "OrphanQuerySet":
        """Those that have not become a story, dismissed ones included."""
        return self.filter(graduated_at__isnull=True)

    def to_review(self) -> "OrphanQuerySet":
        """Those that wait and that nobody dismissed."""
        return self.waiting().filter(dismissed_at__isnull=True)


class OrphanManager(PostgresManager.from_queryset(OrphanQuerySet)):  # type: ignore[misc]
    use_in_migrations = False  # its methods are for today's code alone


class Orphan(PostgresModel):
    """A signature that is not a story yet, with the reason."""

    class Reason(models.TextChoices):
        LANGUAGE = "language"
        TOO_FEW = "too_few"
        NOT_RECENT = "not_recent"
        LOW_CONFIDENCE = "low_confidence"
        NO_EVIDENCE = "no_evidence"
        HELD = "held"

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="orphans")
    reason = models.CharField(max_length=20, choices=Reason)
    detail = models.CharField(max_length=400, help_text="what it still needs to pass all gates, in words")
    missing_conversations = models.PositiveSmallIntegerField(
        default=0, help_text="how many more conversations it needs for a story; 0 if something else holds it back"
    )
    confidence = models.PositiveSmallIntegerField(
        default=0, help_text="how certain it is, from 0 to 100, that this is one real problem"
    )
    confidence_parts = models.JSONField(default=dict, help_text="size, cohesion, evidence and reader, each from 0 to 1")
    nearest_story = models.ForeignKey(
        Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="near_orphans",
        help_text="the most similar open story when this was last evaluated",
    )  # fmt: skip
    nearest_cosine = models.FloatField(null=True, blank=True, help_text="between the two centres")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    graduated_at = models.DateTimeField(null=True, blank=True)
    story = models.ForeignKey(Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="graduates")
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = OrphanManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["signature"], condition=Q(graduated_at__isnull=True), name="one_waiting_orphan_per_signature"
            ),
            models.CheckConstraint(
                condition=Q(graduated_at__isnull=True) | Q(dismissed_at__isnull=True),
                name="a_graduated_orphan_is_not_dismissed",
            ),
            models.CheckConstraint(
                condition=Q(dismissed_by__isnull=True) | Q(dismissed_at__isnull=False),
                name="an_orphan_dismissed_by_someone_has_a_time",
            ),
            models.CheckConstraint(condition=Q(confidence__lte=100), name="an_orphans_confidence_is_of_100"),
        ]

    def __str__(self) -> str:
        return f"{self.signature} ({self.reason})"
