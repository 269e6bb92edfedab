"""Texts to vectors: the models that run here, those behind an address, and how each is found."""

from pipeline.extract.embedding.embedder import Embedder as Embedder
from pipeline.extract.embedding.embedder import Parts as Parts
from pipeline.extract.embedding.embedder import Vectors as Vectors
from pipeline.extract.embedding.files import EmbeddingModelError as EmbeddingModelError
