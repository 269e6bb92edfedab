"""All that decides an answer or a name, by version."""

from pipeline.extract.base import get_extractor
from pipeline.extract.profiles import get_profile
from pipeline.ledger.errors import RunError as RunError
from pipeline.merge import apply
from pipeline.merge.rules.versions import NEWEST


def versions(profile: str, extractor: str) -> dict[str, str]:
    """Return all that decides an answer or a name; UnknownProfile or UnknownExtractor if there is no such."""
    reader = get_extractor(extractor)
    profile_version = get_profile(profile).version
    return {
        "profile": profile_version,
        "extractor": reader.version,
        "model": reader.model,
        "rules": NEWEST.version,
    }


def refuse_other_model(profile: str, extractor: str) -> None:
    """Raise RunError if the profile's signatures have vectors of another model than the extractor makes."""
    try:
        apply.refuse_other_model(profile=profile, model=get_extractor(extractor).model)
    except apply.MixedModels as error:
        raise RunError(str(error)) from error
