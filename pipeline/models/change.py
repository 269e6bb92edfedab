"""What people leave behind on the pages: changes of stories and orphans, comments, visits and saved views."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from pipeline.models.story import Orphan, Story
from pipeline.models.undoable import Undoable


class Change(Undoable):
    """What a person changed about one story or orphan, beside decisions about signatures; it stands until undone."""

    class What(models.TextChoices):
        STATUS = "status"
        TITLE = "title"
        DESCRIPTION = "description"
        OWNER = "owner"
        TICKET = "ticket"
        DISMISSAL = "dismissal"  # of an orphan: dismissed, or waiting again
        PROMOTION = "promotion"  # of an orphan, which became the story
        LEFT = "left"  # an orphan beside the story it is near to: not asked about again

    story = models.ForeignKey(Story, null=True, blank=True, on_delete=models.CASCADE, related_name="changes")
    orphan = models.ForeignKey(Orphan, null=True, blank=True, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=20, choices=What)
    before = models.JSONField(default=dict, help_text="the values of the changed columns before")
    after = models.JSONField(default=dict, help_text="the values of the changed columns after")
    reason = models.TextField(blank=True)

    class Meta(Undoable.Meta):
        constraints = [
            *Undoable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(story__isnull=False) | Q(orphan__isnull=False), name="a_change_is_about_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} of {self.story or self.orphan}"


class Comment(models.Model):
    """What a person wrote under a story; removed ones are kept and not shown."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="comments")
    text = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="a_comment_says_something"),
            models.CheckConstraint(
                condition=Q(removed_by__isnull=True) | Q(removed_at__isnull=False),
                name="a_comment_removed_by_someone_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:50]


class Visit(models.Model):
    """When a person was last here: what came after `since_at` is new to them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+")
    since_at = models.DateTimeField(null=True, blank=True, help_text="when the visit before this one ended")
    seen_at = models.DateTimeField(help_text="the last page of this visit")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(since_at__isnull=True) | Q(since_at__lte=models.F("seen_at")),
                name="a_visit_begins_before_it_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"visit of {self.user}"


class SavedView(models.Model):
    """A list as a person narrowed and sorted it, under a name of theirs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=30, help_text="the list: stories or search")
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True, help_text="the query string of its address (after the ?)")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["page", "name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="one_saved_view_per_user_page_and_name"),
        ]

    def __str__(self) -> str:
        return self.name
