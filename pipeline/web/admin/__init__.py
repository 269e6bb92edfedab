"""The screens of the pipeline; a file a noun."""

from pipeline.web.admin import (
    companies,
    conversations,
    index,
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
    "index",
    "ledger",
    "orphans",
    "runs",
    "signatures",
    "sources",
    "stories",
    "themes",
]
