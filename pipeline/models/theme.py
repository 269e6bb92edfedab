"""What was found in one conversation, and the words that prove it."""

from django.db import models
from django.db.models import F, Q

from pipeline.models.conversation import Conversation, ConversationVersion
from pipeline.models.run import Item, Run
from pipeline.models.signature import Signature


class Theme(models.Model):
    """One thing found in one conversation in one run. Its raw signature is what the reader proposed, for ever."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="themes")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="themes")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="themes")
    profile = models.CharField(max_length=50)
    raw_signature = models.CharField(max_length=200, help_text="as proposed by the reader; never changed")
    raw_key = models.CharField(max_length=200, help_text="its normal form: the same for all spellings")
    category = models.CharField(max_length=50)
    summary = models.TextField(help_text="one sentence")
    confidence = models.FloatField(help_text="0 to 1, as judged by the reader")
    details = models.JSONField(
        null=True, blank=True, help_text="further details the profile asks for: severity, root cause ..."
    )
    gate_score = models.FloatField(
        null=True, blank=True, help_text="how well its name fits, 0 to 1; empty: not given by the reader"
    )
    gate_reason = models.CharField(
        max_length=200, blank=True, db_default="", help_text="why it is not grouped with others; empty: it is grouped"
    )
    unread_language = models.CharField(
        max_length=10, blank=True, db_default="",
        help_text="the language, if the model does not know it; then the vector only represents the words themselves",
    )  # fmt: skip
    # bytea and no array type: numpy reads it as it is, and nothing is compared in SQL
    vector = models.BinaryField(help_text="float32, unit length")
    vector_model = models.CharField(max_length=100, help_text="vectors of different models are never compared")
    signature = models.ForeignKey(
        Signature, null=True, blank=True, on_delete=models.PROTECT, related_name="themes", help_text="assigned by merge"
    )
    signature_rule = models.CharField(
        max_length=50, blank=True, help_text="why this signature: name, registry or meaning"
    )
    signature_score = models.FloatField(
        null=True, blank=True, help_text="cosine to the centre of its signature when it was assigned"
    )
    registry_version = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="the change of the registry that assigned it; themes merged together share one"
    )
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="when its vector was replaced by one that says nothing about the text"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "conversation", "profile", "raw_key"],
                name="one_theme_per_run_conversation_profile_raw_key",
            ),
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=1), name="confidence_from_0_to_1"),
            models.CheckConstraint(
                condition=Q(gate_reason="") | Q(signature__isnull=True),
                name="a_theme_held_by_its_gate_has_no_signature",
            ),
        ]
        indexes = [
            # merge: what a run has still to assign
            models.Index(fields=["run"], condition=Q(signature__isnull=True), name="unassigned_themes_by_run"),
        ]

    def __str__(self) -> str:
        return self.raw_signature


PASSED = Q(gate_reason="")
"""Themes that are grouped with others; those that their gate holds back keep their reason and get no signature."""


class NewVector(models.Model):
    """A theme's vector by another model, made by `reembed` and not used until all themes of the profile have one."""

    theme = models.OneToOneField(Theme, primary_key=True, on_delete=models.CASCADE, related_name="new_vector")
    vector = models.BinaryField(help_text="float32, unit length")
    vector_model = models.CharField(max_length=100)
    unread_language = models.CharField(max_length=10, blank=True, db_default="")

    def __str__(self) -> str:
        return f"vector of {self.theme} by {self.vector_model}"


class Evidence(models.Model):
    """A verbatim quote of a conversation version that shows the theme."""

    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="evidence")
    version = models.ForeignKey(ConversationVersion, on_delete=models.PROTECT, related_name="+")
    quote = models.TextField()
    start = models.PositiveIntegerField(help_text="in characters from the start of the version's text")
    end = models.PositiveIntegerField()
    details = models.JSONField(
        null=True, blank=True, help_text="what the profile adds to it, such as the kind of a figure of speech"
    )

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["theme", "start", "end"], name="one_evidence_per_theme_and_place"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="evidence_has_a_length"),
        ]

    def __str__(self) -> str:
        return self.quote
