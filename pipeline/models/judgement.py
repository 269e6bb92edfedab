"""What a language model was asked to judge of what a run found: pairs, groups, and what they are to be called."""

from django.db import models
from django.db.models import Q

from pipeline.models.run import Run
from pipeline.models.signature import Signature


class Judgement(models.Model):
    """One question to a language model as judge, and what it answered. What followed is a decision that names it.

    The calls behind it are its `calls`; a decision's `judgement` leads back here. A question that was answered once is
    not asked again in the same words, whatever became of the decision: a person may have undone it.
    """

    class About(models.TextChoices):
        PAIR = "pair", "whether two signatures mean the same"
        GROUP = "group", "whether the conversations of a story share one problem"
        TITLE = "title", "what a story is called and how it is described"

    class State(models.TextChoices):
        WAITING = "waiting"
        ASKING = "asking"
        ANSWERED = "answered"
        FAILED = "failed"

    OPEN = (State.WAITING, State.ASKING)

    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="judgements", help_text="whose budget pays for it"
    )
    about = models.CharField(max_length=10, choices=About)
    first = models.ForeignKey(
        Signature, on_delete=models.CASCADE, related_name="+", help_text="the signature; of a pair the child"
    )
    second = models.ForeignKey(
        Signature, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="of a pair the parent"
    )
    request_hash = models.CharField(max_length=64, help_text="sha256 of model, prompt and all that was asked")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    verdict = models.CharField(
        max_length=20, blank=True, help_text="same, different, unsure; keep, split, reject; or written"
    )
    reason = models.TextField(blank=True, help_text="why, in the model's words, without what is private")
    answer = models.JSONField(null=True, blank=True, help_text="what it answered, after all checks")
    outcome = models.TextField(blank=True, help_text="what followed, or why nothing did")
    error_class = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    claim = models.CharField(max_length=64, blank=True, help_text="who asks; only they may write")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="renewed while it is being asked")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "request_hash"], name="one_judgement_per_run_and_question"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "asking"]) ^ Q(ended_at__isnull=False),
                name="a_judgement_is_over_or_waits",
            ),
            models.CheckConstraint(
                condition=Q(about="pair", second__isnull=False) | (~Q(about="pair") & Q(second__isnull=True)),
                name="a_judgement_of_a_pair_is_about_two",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_class=""), name="a_failed_judgement_says_why"
            ),
        ]
        indexes = [
            # review.judge.subjects.asked_before: has this been asked, in whichever run
            models.Index(fields=["request_hash"], name="judgements_by_question"),
        ]

    def __str__(self) -> str:
        return f"judgement {self.pk}: {self.get_about_display()}"
