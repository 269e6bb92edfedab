"""All that decides an answer or a name, by version.

A run keeps these words from its start (`Run.versions`). A worker compares them with its own before it reads, planning
skips what was read with the same ones, and a stored answer is to the same question only if they are the same. What does
not change them (concurrency, budget) is a parameter of the run instead.
"""

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.knowledge import newest_number
from pipeline.extract.profiles import get_profile
from pipeline.ledger.errors import RunError as RunError
from pipeline.merge import apply
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Run


def versions(profile: str, extractor: str) -> dict[str, str]:
    """Return all that decides an answer or a name; Refusal if there is no such profile or reader."""
    number = newest_number(profile)
    return versions_of_code(profile, extractor) | ({"vocabulary": str(number)} if number else {})


def versions_of_code(profile: str, extractor: str) -> dict[str, str]:
    """Return what decides an answer or a name, but for what people store: it asks no database."""
    reader, what = get_extractor(extractor), get_profile(profile)
    return {
        "profile": what.version,
        "extractor": reader.version,
        "model": reader.model,
        "rules": NEWEST.version,
        **({"prompt": reader.prompt_of(what).version} if asks(reader) else {}),
    }


def reader_of(decided_by: dict[str, str]) -> str:
    """Return those of the versions that decide what is read in a conversation, in words."""
    # without `rules`, which see themes and no conversation, and without `vocabulary`: a run takes its own by number
    parts = ("extractor", "profile", "model") + (("prompt",) if "prompt" in decided_by else ())
    return ", ".join(decided_by.get(part, "") for part in parts)


class OtherVersion(RunError):
    """This process reads with another version than the run was started with; nothing was read."""


def refuse_other_reader(run: Run) -> None:
    """Raise OtherVersion if this process would read otherwise than the run says it is read."""
    here = versions_of_code(run.profile, run.extractor)
    if reader_of(here) != reader_of(run.versions):
        raise OtherVersion(
            f"run {run.pk} is read with {reader_of(run.versions)}, this worker would read with {reader_of(here)}. "
            "Restart all workers with one version of the code and one EMBEDDING_MODEL and LLM_MODEL."
        )


def refuse_other_model(profile: str, extractor: str) -> None:
    """Raise RunError if the profile's signatures have vectors of another model than the extractor makes."""
    try:
        apply.refuse_other_model(profile=profile, model=get_extractor(extractor).model)
    except apply.MixedModels as error:
        raise RunError(str(error)) from error
