"""The screens of the pipeline; a file a noun."""

from pipeline.web.admin import (
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
