"""The reader that needs no key and no network: rules for what is said, a small model for what is meant."""

from pipeline.extract.local.reader import LocalExtractor

__all__ = ["LocalExtractor"]
