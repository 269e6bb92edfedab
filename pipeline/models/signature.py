"""The canonical names of problems, and the record of which names mean the same."""

from django.db import models
from django.db.models import F, Q
from psqlextra.models import PostgresModel

from pipeline.models.run import Run
from pipeline.models.undoable import Undoable
from pipeline.models.wording import words


class Registry(models.Model):
    """One row a profile. `version` counts the changes of its signatures: who computed on an older one starts over."""

    profile = models.CharField(max_length=50, primary_key=True)
    version = models.PositiveBigIntegerField(default=0)
    consolidated_count = models.PositiveIntegerField(
        default=0, help_text="how many themes there were when all were last grouped"
    )
    consolidated_stories = models.PositiveIntegerField(
        default=0, help_text="how many signatures had enough themes for a story then"
    )
    strict = models.BooleanField(
        default=False,
        db_default=False,
        help_text="conversations that only loosely fit a story stay outside; changed by `regroup --strict`",
    )

    class Meta:
        verbose_name_plural = "registries"

    def __str__(self) -> str:
        return f"{self.profile} {self.version}"


class Signature(PostgresModel):
    """The canonical name of one problem.

    A signature that was merged into another keeps its row and its own themes; what counts for stories is its root
    (`SignatureRoot`). Roots carry the sum of their themes' vectors: later themes are matched against its direction.
    """

    profile = models.CharField(max_length=50)
    key = models.CharField(max_length=200, help_text="snake_case")
    # never changed, also by a rename: themes find their signature by it
    normal_form = models.CharField(max_length=200, help_text="the normal form, shared by all spellings of the key")
    # with a default in the database, because a merge copies its new names in without it
    title = models.CharField(
        max_length=120,
        blank=True,
        default="",
        db_default="",
        help_text="what people see, in people's own words; empty: none was chosen yet, or a person gave the key",
    )
    created_at = models.DateTimeField()
    created_run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="signatures")
    vector_model = models.CharField(max_length=100, blank=True)
    # the sum and not the mean: a new theme is added without reading the others
    vector_sum = models.BinaryField(null=True, blank=True, help_text="float32, of all its themes; roots only")
    size = models.PositiveIntegerField(default=0, help_text="how many vectors the sum contains")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "key"], name="one_signature_per_profile_and_key"),
            # two workers that propose one problem in two spellings make one row (tests/races/test_twin_names.py)
            models.UniqueConstraint(fields=["profile", "normal_form"], name="one_signature_for_all_spelling_twins"),
        ]
        indexes = [
            # naming.signatures_due_a_title: few of very many
            models.Index(fields=["profile"], condition=Q(title=""), name="signatures_without_a_title"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def name(self) -> str:
        """What people see instead of the key: its title, or the key in words."""
        return self.title or words(self.key).capitalize()


class Decision(Undoable):
    """What a rule or a person decided about signatures. It stands until it is undone, and outlives runs."""

    reason = models.TextField(blank=True)
    registry_version = models.PositiveBigIntegerField(help_text="which change of the registry recorded it")

    class Meta(Undoable.Meta):
        abstract = True


STANDING = Q(undone_at__isnull=True)


class Merge(Decision):
    """A decision that the child means the same as the parent: an edge of a forest, whose roots are derived.

    A rule merges a new name into a signature that has a centre. A person, and a language model in their place, merges
    two roots: both keep their centres.
    """

    PERSON = "person"

    child = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="merges")
    parent = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="merged_children")
    rule = models.CharField(
        max_length=50, help_text="person: decided one by one, by whoever `created_by` or `actor` says; else which rule"
    )
    rule_version = models.CharField(max_length=100, blank=True)
    vector_model = models.CharField(max_length=100, blank=True, help_text="the model whose vectors the score compares")
    score = models.FloatField(null=True, blank=True, help_text="cosine between the child's centre and the parent's")
    story = models.ForeignKey(
        "pipeline.Story", null=True, blank=True, on_delete=models.SET_NULL, related_name="handed_over_by",
        help_text="the child's open story, absorbed by the parent's or taken over by it; undoing restores it",
    )  # fmt: skip
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="merges")

    class Meta(Decision.Meta):
        constraints = [
            *Decision.Meta.constraints,
            models.UniqueConstraint(fields=["child"], condition=STANDING, name="one_standing_merge_per_signature"),
            models.CheckConstraint(condition=~Q(child=F("parent")), name="no_signature_is_its_own_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.child} into {self.parent}"

    @property
    def is_by_person(self) -> bool:
        return self.rule == self.PERSON


class Veto(Decision):
    """A person's decision that two signatures are two problems: no rule and nobody brings them under one root."""

    first = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="+", help_text="the older of the two")
    second = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="+")
    score = models.FloatField(null=True, blank=True, help_text="cosine between the two centres")

    class Meta(Decision.Meta):
        verbose_name_plural = "vetoes"
        constraints = [
            *Decision.Meta.constraints,
            models.UniqueConstraint(fields=["first", "second"], condition=STANDING, name="one_standing_veto_per_pair"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="a_veto_has_no_direction"),
        ]

    def __str__(self) -> str:
        return f"{self.first} and {self.second} never merge"


class Split(Decision):
    """A person's decision that some conversations of a signature are another problem, with a name of its own.

    Its moves say which themes went. Later themes go to the nearer of the two.
    """

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="splits")
    made = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="made_by")
    threshold = models.FloatField(
        null=True, blank=True, help_text="least cosine within a part; empty: conversations were chosen by hand"
    )

    class Meta(Decision.Meta):
        constraints = [
            *Decision.Meta.constraints,
            models.UniqueConstraint(fields=["made"], condition=STANDING, name="one_standing_split_makes_a_signature"),
            models.CheckConstraint(condition=~Q(signature=F("made")), name="a_split_makes_another_signature"),
        ]

    def __str__(self) -> str:
        return f"{self.made} out of {self.signature}"


class Move(Decision):
    """A person's decision that one theme belongs to another signature; later readings that name it alike follow."""

    theme = models.ForeignKey("pipeline.Theme", on_delete=models.CASCADE, related_name="moves")
    source = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="+")
    split = models.ForeignKey(Split, null=True, blank=True, on_delete=models.CASCADE, related_name="moves")
    rule_before = models.CharField(max_length=50, blank=True, help_text="the theme's rule at its source")
    score_before = models.FloatField(null=True, blank=True, help_text="the theme's score at its source")

    class Meta(Decision.Meta):
        constraints = [
            *Decision.Meta.constraints,
            models.CheckConstraint(condition=~Q(source=F("target")), name="a_move_leads_elsewhere"),
        ]

    def __str__(self) -> str:
        return f"{self.theme} from {self.source} to {self.target}"


class Rename(Decision):
    """A person's decision about a signature's name. Its normal form stays: themes named as before still find it."""

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="renames")
    profile = models.CharField(max_length=50)
    old_key = models.CharField(max_length=200)
    new_key = models.CharField(max_length=200)
    new_form = models.CharField(
        max_length=200,
        blank=True,
        help_text="the normal form of the new name if it differs; themes with it are assigned here too",
    )

    class Meta(Decision.Meta):
        constraints = [
            *Decision.Meta.constraints,
            models.UniqueConstraint(
                fields=["profile", "new_form"],
                condition=STANDING & ~Q(new_form=""),
                name="one_standing_rename_to_a_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old_key} is called {self.new_key}"


class Hold(Decision):
    """A decision that a group of conversations makes no story for now; while it stands the group waits as an orphan.

    A language model holds what it takes for no one problem, and what it was asked about and did not answer properly.
    """

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="holds")
    is_failure = models.BooleanField(
        default=False, help_text="its review failed: nobody has said anything against it, and it may be asked again"
    )

    class Meta(Decision.Meta):
        constraints = [
            *Decision.Meta.constraints,
            models.UniqueConstraint(fields=["signature"], condition=STANDING, name="one_standing_hold_per_signature"),
        ]

    def __str__(self) -> str:
        return f"{self.signature} makes no story for now"


class SignatureRoot(models.Model):
    """For each signature the one it means in the end: a view over the standing merges, itself if there are none."""

    signature = models.OneToOneField(
        Signature, primary_key=True, on_delete=models.DO_NOTHING, related_name="root_link", db_column="signature_id"
    )
    root = models.ForeignKey(Signature, on_delete=models.DO_NOTHING, related_name="leaf_links", db_column="root_id")

    class Meta:
        # made by a migration: a recursive query over the standing merges, so that roots are never stored and never
        # stale
        managed = False
        db_table = "pipeline_signature_root"

    def __str__(self) -> str:
        return f"{self.signature} is {self.root}"
