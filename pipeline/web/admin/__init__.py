"""The screens of the pipeline; a file a noun."""

from pipeline.web.admin import conversations, index, ledger, orphans, runs, signatures, sources, stories, themes

__all__ = ["conversations", "index", "ledger", "orphans", "runs", "signatures", "sources", "stories", "themes"]
