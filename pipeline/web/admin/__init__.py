"""The screens of the pipeline; a file a noun."""

from pipeline.web.admin import (
    access,
    companies,
    conversations,
    instances,
    knowledge,
    ledger,
    orphans,
    runs,
    signatures,
    sources,
    stories,
    themes,
)

__all__ = [
    "access",
    "companies",
    "conversations",
    "instances",
    "knowledge",
    "ledger",
    "orphans",
    "runs",
    "signatures",
    "sources",
    "stories",
    "themes",
]
