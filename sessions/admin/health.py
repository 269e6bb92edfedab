"""The health page: how the sessions are doing, what waits, and what looks broken."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format

from pipeline.models.wording import duration, words
from pipeline.web.admin.base import TONES, PipelineAdmin, badge, link_to, moment, short
from pipeline.web.pages.home import CARDS, Card
from pipeline.web.parts.sections import Facts, Note, Section, Table
from sessions.admin.base import link_to_session, losses_table
from sessions.models import SessionHealth
from sessions.upkeep import health
from sessions.upkeep.metrics import SessionMetrics, Verdict, bad_patterns, session_metrics


def _card() -> Card:
    """Return the last day in a few lines, for Home."""
    metrics = session_metrics(since=timezone.now() - timedelta(days=1))
    return Card(
        "Chats, last day",
        [
            ("Sessions", words(metrics.verdict), TONES.get(metrics.verdict, "quiet")),
            ("Created", number_format(metrics.created), ""),
            ("Active now", number_format(metrics.active), ""),
        ],
        reverse("admin:chat_sessionhealth_changelist"),
        "Health of the chats",
    )


CARDS.append(("chat.view_sessionhealth", _card))
TONES.update({Verdict.HEALTHY: "good", Verdict.WATCH: "warn", Verdict.ALERT: "bad"})


@admin.register(SessionHealth)
class HealthAdmin(PipelineAdmin):
    """One page in the place of a list."""

    def get_urls(self) -> list[URLPattern]:
        """Return the list's address only: there are no rows to look at."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": "Health of the chats", "opts": self.opts}
        return TemplateResponse(request, "admin/chat/health.html", {**context, "sections": _sections()})


def _sections() -> list[Section]:
    now = timezone.now()
    windows = health.metrics_by_window(at=now)
    warnings = bad_patterns(windows["Last day"])
    return [
        *(Note(f"In the last day: {warning}", "bad") for warning in warnings),
        _metrics(windows),
        _backlog(windows["All time"], health.backlog(at=now)),
        _users_waiting(health.users_waiting(at=now)),
        _rapid_creates(health.rapid_creates(at=now)),
        losses_table(health.context_losses(at=now)),
        _failures(health.failed_messages(at=now)),
    ]


def _metrics(windows: dict[str, SessionMetrics]) -> Table:
    rows = [
        (
            name,
            badge(each.verdict),
            "-" if each.ratio is None else f"{each.ratio:.1%}",
            *(number_format(count) for count in (each.created, each.reused, each.rapid_creates, each.context_losses)),
        )
        for name, each in windows.items()
    ]
    heads = ["Sessions started in", "Verdict", "Reused", "Created", "Reused", "Rapid creates", "Context losses"]
    return Table("Sessions", heads, rows, numbers=[2, 3, 4, 5, 6])


def _backlog(metrics: SessionMetrics, backlog: health.Backlog) -> Facts:
    wait = backlog.longest_wait
    return Facts(
        [
            ("Active sessions", number_format(metrics.active)),
            ("Users with two active sessions", str(metrics.duplicate_active)),
            ("Messages waiting for an answer", number_format(backlog.messages_waiting)),
            ("Longest wait", duration(wait.total_seconds()) if wait else ""),
            ("Messages failed in the last week", number_format(backlog.messages_failed)),
            ("Webhook deliveries waiting", number_format(backlog.deliveries_waiting)),
            ("Webhook deliveries given up in the last week", number_format(backlog.deliveries_given_up)),
            ("Users taken over by a person", number_format(backlog.takeovers)),
            ("Users waiting for a person", number_format(backlog.users_waiting)),
        ],
        "Now",
    )


def _users_waiting(takeovers: list[Any]) -> Table:
    rows = [(moment(each.taken_at), each.user_id, link_to(each), moment(each.until)) for each in takeovers]
    heads = ["Escalated", "User", "Takeover", "The automation answers again"]
    return Table("Users waiting for a person", heads, rows)


def _rapid_creates(sessions: list[Any]) -> Table:
    rows = [
        (moment(each.started_at), each.user_id, link_to_session(each.pk), badge(each.state), words(each.ended_reason))
        for each in sessions
    ]
    heads = ["Began", "User", "Session", "State", "Reason"]
    return Table("Sessions followed by another of the same user within ten seconds", heads, rows)


def _failures(messages: list[Any]) -> Table:
    rows = [(moment(each.sent_at), each.user_id, link_to(each), short(each.error)) for each in messages]
    return Table("Messages the automation could not answer", ["Sent", "User", "Message", "Why"], rows)
