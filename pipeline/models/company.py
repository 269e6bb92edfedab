"""Companies that are watched by their web sites: pages, what was seen on them, and what was concluded."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from pipeline.models.conversation import Conversation, ConversationVersion
from pipeline.models.run import Item, Run


class Company(models.Model):
    """One company of the list that is watched, with what its pages let us conclude and what a person decided."""

    class Status(models.TextChoices):
        OPERATIONAL = "operational"
        LIKELY_CLOSED = "likely_closed"
        REQUIRES_REVIEW = "requires_review"
        UNKNOWN = "unknown"
        NO_URLS = "no_urls"

    FLAGGED = (Status.LIKELY_CLOSED, Status.REQUIRES_REVIEW)

    external_id = models.CharField(max_length=100, help_text="its ID in the imported list")
    name = models.CharField(max_length=200)
    metadata = models.JSONField(default=dict, blank=True, help_text="the other columns of the imported list")
    status = models.CharField(
        max_length=20, choices=Status, default=Status.UNKNOWN, help_text="as concluded from its pages"
    )
    confidence = models.PositiveSmallIntegerField(
        default=0, help_text="how certain the concluded status is, from 0 to 100"
    )
    explanation = models.TextField(blank=True, help_text="the reason for that status, in a sentence")
    concluded_at = models.DateTimeField(null=True, blank=True)
    concluded_run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="concluded_companies"
    )
    override = models.CharField(
        max_length=20, choices=Status, blank=True, help_text="status set by a person; applies until it is cleared"
    )
    override_reason = models.TextField(blank=True)
    override_at = models.DateTimeField(null=True, blank=True)
    override_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(help_text="when the list last changed its row")

    class Meta:
        verbose_name_plural = "companies"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["external_id"], name="one_company_per_external_id"),
            models.CheckConstraint(condition=Q(confidence__lte=100), name="a_companys_confidence_is_of_100"),
            models.CheckConstraint(
                condition=Q(override="", override_at__isnull=True, override_reason="")
                | (~Q(override="") & Q(override_at__isnull=False) & ~Q(override_reason="")),
                name="an_override_has_a_time_and_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(override_by__isnull=True) | Q(override_at__isnull=False),
                name="an_override_by_someone_has_a_time",
            ),
        ]
        indexes = [
            # reports.companies.by_status: the companies of one status
            models.Index(fields=["status", "name"], name="companies_by_status"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def standing_status(self) -> str:
        """The status that counts: a person's if one stands, else the concluded one."""
        return self.override or self.status


class StatusChange(models.Model):
    """One change of a company's status: what it was and became, who or what changed it, and why. Never changed."""

    class Kind(models.TextChoices):
        CONCLUDED = "concluded", "concluded from its pages"
        OVERRIDDEN = "overridden", "set by a person"
        CLEARED = "cleared", "status set by a person was cleared"

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="history")
    kind = models.CharField(max_length=20, choices=Kind)
    before = models.CharField(max_length=20, choices=Company.Status, help_text="the status that applied before")
    after = models.CharField(max_length=20, choices=Company.Status, help_text="the status that applies since")
    concluded = models.CharField(max_length=20, choices=Company.Status, help_text="what the pages said at that moment")
    confidence = models.PositiveSmallIntegerField(default=0)
    reason = models.TextField()
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="a_status_change_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.company}: {self.before} to {self.after}"


class PageOutcome(models.TextChoices):
    """What came of asking for a page."""

    OK = "ok", "read"
    UNCHANGED = "unchanged", "unchanged"
    EMPTY = "empty", "answered without any text"
    DEAD = "dead", "dead (no such host, 404 or 410)"
    SOFT_404 = "soft_404", 'shows a "not found" message with status 200'
    PARKED = "parked", "parked domain"
    LOGIN = "login", "asks to sign in"
    PAYWALL = "paywall", "asks for a subscription"
    COOKIE_WALL = "cookie_wall", "asks for consent first"
    NEEDS_JAVASCRIPT = "needs_javascript", "shows nothing without JavaScript"
    BLOCKED = "blocked", "refuses requests (403 or 429)"
    TOO_LARGE = "too_large", "too large to read"
    NOT_HTML = "not_html", "not a web page"
    TIMEOUT = "timeout", "too slow"
    TLS = "tls", "its certificate is not trusted"
    ROBOTS = "robots", "disallowed by robots.txt"
    UNSAFE_ADDRESS = "unsafe_address", "leads to an address that must not be fetched"
    UNREACHABLE = "unreachable", "the connection was refused or lost"
    SERVER_ERROR = "server_error", "server error (5xx)"
    BAD_REDIRECT = "bad_redirect", "redirects in a loop or to nowhere"


READ = (PageOutcome.OK, PageOutcome.UNCHANGED)
"""Outcomes that show the page as it is now. All others say nothing about its text."""

GONE = (PageOutcome.DEAD, PageOutcome.SOFT_404, PageOutcome.PARKED)
"""Outcomes after which there is no such page any more."""


class CompanyUrl(models.Model):
    """One page of a company that is watched, as it stood when it was last asked for."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="urls")
    url = models.CharField(max_length=2000, help_text="in ASCII, without a fragment")
    host = models.CharField(max_length=260, help_text="host and port; request limits apply to each")
    conversation = models.OneToOneField(Conversation, on_delete=models.PROTECT, related_name="page")
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="when it was removed from the list; it is not fetched any more"
    )
    outcome = models.CharField(
        max_length=20, choices=PageOutcome, blank=True, help_text="outcome of the last fetch; empty: never fetched"
    )
    detail = models.CharField(max_length=300, blank=True, help_text="details of the last outcome")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="when it was last fetched")
    good_at = models.DateTimeField(null=True, blank=True, help_text="when its current text was last seen")
    snapshot = models.ForeignKey(
        "pipeline.Snapshot", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="the snapshot taken then",
    )  # fmt: skip
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "page"
        ordering = ["company", "id"]
        constraints = [
            models.UniqueConstraint(fields=["company", "url"], name="one_url_per_company"),
            models.CheckConstraint(
                condition=Q(outcome="") ^ Q(checked_at__isnull=False), name="a_page_with_an_outcome_was_asked_for"
            ),
            models.CheckConstraint(
                condition=Q(snapshot__isnull=True) ^ Q(good_at__isnull=False), name="a_page_seen_has_a_snapshot"
            ),
        ]
        indexes = [
            # reports.companies.dead_links: pages by what came of them
            models.Index(fields=["outcome", "company"], name="pages_by_outcome"),
        ]

    def __str__(self) -> str:
        return self.url


class Snapshot(models.Model):
    """The text of a page as it was seen. Rows are added, never changed; a text that returns is the row it was."""

    company_url = models.ForeignKey(CompanyUrl, on_delete=models.CASCADE, related_name="snapshots")
    content_hash = models.CharField(max_length=64, help_text="sha256 of the text")
    version = models.OneToOneField(
        ConversationVersion,
        on_delete=models.PROTECT,
        related_name="snapshot",
        help_text="the conversation version that holds the text",
    )
    title = models.CharField(max_length=300, blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["company_url", "content_hash"], name="one_snapshot_per_url_and_content"),
        ]

    def __str__(self) -> str:
        return f"snapshot {self.pk}"


class Fetch(models.Model):
    """One time that a page was asked for in a run, and what came of it: the ledger behind a page's columns.

    `snapshot` is what was seen, or, where nothing could be seen, the last good one if it is young enough to stand in.
    """

    class Magnitude(models.TextChoices):
        NONE = "none", "nothing relevant"
        MINOR = "minor", "minor (less than 10 %)"
        MODERATE = "moderate", "moderate"
        MAJOR = "major", "major (more than 30 %)"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="fetches")
    company_url = models.ForeignKey(CompanyUrl, on_delete=models.CASCADE, related_name="fetches")
    attempt = models.PositiveSmallIntegerField(help_text="the delivery of the item that it belongs to")
    outcome = models.CharField(max_length=20, choices=PageOutcome)
    detail = models.CharField(max_length=300, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    final_url = models.CharField(max_length=2000, blank=True, help_text="final address after redirects, if any")
    byte_count = models.PositiveIntegerField(default=0, help_text="size of the unpacked body")
    seconds = models.FloatField(default=0)
    snapshot = models.ForeignKey(Snapshot, null=True, blank=True, on_delete=models.CASCADE, related_name="fetches")
    is_stand_in = models.BooleanField(
        default=False, help_text="the snapshot is an earlier one, because the page could not be fetched"
    )
    previous = models.ForeignKey(
        Snapshot, null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text="the snapshot before this one",
    )  # fmt: skip
    added_count = models.PositiveIntegerField(default=0, help_text="number of added lines")
    removed_count = models.PositiveIntegerField(default=0, help_text="number of removed lines")
    moved_count = models.PositiveIntegerField(default=0, help_text="number of moved lines")
    magnitude = models.CharField(max_length=10, choices=Magnitude, blank=True, help_text="empty: not compared")
    fetched_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "fetches"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "attempt"], name="one_fetch_per_item_and_attempt"),
            models.CheckConstraint(
                condition=Q(magnitude="") | Q(outcome="ok", previous__isnull=False),
                name="only_a_page_that_was_read_has_changed",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["ok", "unchanged"]) ^ (Q(is_stand_in=True) | Q(snapshot__isnull=True)),
                name="a_page_that_was_not_read_has_at_most_a_stand_in",
            ),
        ]
        indexes = [
            # reports.companies.changes_since: the newest changes
            models.Index(fields=["fetched_at"], condition=~Q(magnitude=""), name="changes_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.company_url}: {self.outcome}"
