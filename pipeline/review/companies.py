"""What people decide about companies: a status that stands, whatever the pages say, until somebody clears it."""

from datetime import datetime
from typing import Any

from django.db import transaction

from pipeline.models import Company, StatusChange
from pipeline.models.refusal import Refusal


class NotDecided(Refusal):
    """A status cannot be set or cleared; the message says why, and nothing was changed."""


def override_status(*, company: Company, status: str, reason: str, by: Any, at: datetime) -> Company:
    """Let a person's status count, with the reason, and note it; opens a transaction. NotDecided without a reason."""
    reason = reason.strip()
    if not reason:
        raise NotDecided(f"give a reason for the status of {company}; the next person will want to know why.")
    if status not in Company.Status.values:
        raise NotDecided(f"there is no status {status!r}. Choose one of {', '.join(Company.Status.values)}.")
    with transaction.atomic():
        company = Company.objects.select_for_update().get(pk=company.pk)
        before = company.standing_status
        company.override, company.override_reason = status, reason
        company.override_at, company.override_by = at, by
        company.save(update_fields=["override", "override_reason", "override_at", "override_by"])
        _note(company, StatusChange.Kind.OVERRIDDEN, before, reason, by, at)
    return company


def clear_override(*, company: Company, reason: str = "", by: Any, at: datetime) -> Company:
    """Let the concluded status count again, and note it; opens a transaction. NotDecided if no person's stands."""
    with transaction.atomic():
        company = Company.objects.select_for_update().get(pk=company.pk)
        if not company.override:
            raise NotDecided(f"no status of {company} was set by hand; there is nothing to clear.")
        before = company.override
        company.override, company.override_reason = "", ""
        company.override_at, company.override_by = None, None
        company.save(update_fields=["override", "override_reason", "override_at", "override_by"])
        _note(company, StatusChange.Kind.CLEARED, before, reason.strip() or "cleared", by, at)
    return company


def _note(company: Company, kind: str, before: str, reason: str, by: Any, at: datetime) -> None:
    StatusChange.objects.create(
        company=company,
        kind=kind,
        before=before,
        after=company.standing_status,
        concluded=company.status,
        confidence=company.confidence,
        reason=reason,
        created_at=at,
        created_by=by,
    )
