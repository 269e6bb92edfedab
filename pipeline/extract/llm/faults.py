"""Why a question to a language model has no usable answer, in types: what ends one conversation, and what ends the run.

An `AnswerFault` ends one item, with its class and `reason` in the ledger. A `RunFault` is the same for every item: it
stops the run, which can be resumed once a person has put it right. What may pass by itself is neither: it is tried
again within bounds (`client`), and is `Unavailable` only when that did not help.
"""

from pipeline.models.refusal import Refusal


class AnswerFault(Exception):
    """This conversation cannot be read by what was answered; `reason` says why in a few words, `stage` where."""

    reason = "the answer cannot be used"
    stage = "parse"


class Undecodable(AnswerFault):
    """The bytes are not UTF-8."""

    reason = "the answer is not UTF-8"


class NotACompletion(AnswerFault):
    """The endpoint said 200 and sent something else than a chat completion: HTML, nothing, a JSON of another form."""

    reason = "the endpoint sent something other than an answer"


class ErrorInside(AnswerFault):
    """The endpoint said 200 and sent an error."""

    reason = "the endpoint sent an error in place of an answer"


class NoContent(AnswerFault):
    """There is no choice, or its content is null: reasoning that used up its tokens, an empty turn."""

    reason = "the answer has no content"


class Refused(AnswerFault):
    """The model refused, in the field for it."""

    reason = "the model refused"


class ContentFiltered(AnswerFault):
    """The provider's filter stopped the question or the answer."""

    reason = "the provider's content filter stopped it"


class CutOff(AnswerFault):
    """The answer reached its limit of tokens."""

    reason = "the answer was cut off at its limit"


class ContextTooLong(AnswerFault):
    """The conversation does not fit the model."""

    reason = "the conversation is too long for the model"
    stage = "read"


class Rejected(AnswerFault):
    """The endpoint does not take this question (a 4xx that no retry helps)."""

    reason = "the endpoint rejected the request"
    stage = "read"


class Malformed(AnswerFault):
    """The answer, and that to the question that was asked once more, do not say what was asked for."""

    reason = "the answer was malformed, even after asking again"


class Unavailable(AnswerFault):
    """The endpoint did not answer this question within the tries and the time there are."""

    reason = "the endpoint did not answer"
    stage = "read"


class NotAnswered(AnswerFault):
    """No answer is stored, and none may be asked for now."""

    reason = "no answer is stored"
    stage = "read"


class RunFault(Refusal):
    """Nothing can be read with this endpoint until a person has put something right; the message says what."""


class InvalidKey(RunFault):
    """The endpoint refuses the key."""


class OutOfCredit(RunFault):
    """The account has no money left."""


class RateLimited(RunFault):
    """The endpoint asks to wait longer than a run should."""


class CannotAnswer(RunFault):
    """The endpoint does not answer even something tiny in a form that we know."""


class UnknownModel(RunFault):
    """The endpoint has no such model, or no such address."""
