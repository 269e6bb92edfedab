"""The screens of the pipeline; a file a noun."""

from pipeline.web.admin import (
    access,
    companies,
    conversations,
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
    "knowledge",
    "ledger",
    "orphans",
    "runs",
    "signatures",
    "sources",
    "stories",
    "themes",
]
