"""Go through stored answers again, without asking: for salvage, for proofs, and to see what would have to be asked."""

from collections.abc import Mapping, Sequence

from pipeline.extract.base import Answer, Asking
from pipeline.extract.llm.calls import stored_bodies
from pipeline.extract.llm.faults import NotAnswered
from pipeline.extract.profiles import Profile
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.ledger.transcript import Question


def reread(
    question: Question, bodies: Mapping[tuple[str, str], bytes], profile: Profile, extractor: Asking
) -> Answer | Exception:
    """Return what the stored answers say, without vectors, or why they say nothing."""
    prompt = extractor.prompt_of(profile)
    try:
        known = prompt.prepare(profile, [question], extractor.encode).get(question.key)
        return extractor.reread(question, bodies, profile, known)
    except INFRASTRUCTURE_ERRORS:
        raise
    except Exception as error:
        return error


def must_ask(questions: Sequence[tuple[Question, str]], profile: Profile, extractor: Asking) -> set[int]:
    """Return the keys of those questions, each with its hash, that stored answers do not answer to the end."""
    found = stored_bodies({question.key: request_hash for question, request_hash in questions})
    read = {question.key: reread(question, found[question.key], profile, extractor) for question, _ in questions}
    return {key for key, answer in read.items() if isinstance(answer, NotAnswered)}
