"""The endpoint of a language model, for tests of the judge."""

from tests.pipeline.extract.llm.conftest import model as model
