"""How a model wants to be asked: found out by asking it something tiny, and kept.

Servers that speak "the OpenAI API" differ in how they take a schema, in the name of the limit of tokens, in whether
they know temperature and seed. A 400 says that something was not liked, sometimes which; so the question is put again
with less of it until it is answered. A schema counts only if the answer keeps to it: some servers ignore it.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone
from pydantic import BaseModel

from pipeline.extract.llm.answers import envelope_of, understand
from pipeline.extract.llm.conduct import Request
from pipeline.extract.llm.endpoint import Target
from pipeline.extract.llm.faults import AnswerFault, CannotAnswer, CutOff, NoContent, Rejected
from pipeline.extract.llm.steps import WHOLE, Ask, Say
from pipeline.extract.llm.wire import schema_of
from pipeline.models import Call, Endpoint

# any number, but always the same: what is asked twice is answered alike where the server heeds it
SEED = 7


class Form(StrEnum):
    """How an answer's form is asked for, the surest first."""

    STRICT = "json_schema, strict"
    SCHEMA = "json_schema"
    OBJECT = "json_object"
    PROMPT = "in the prompt only"


FORMS = tuple(Form)
LIMITS = ("max_tokens", "max_completion_tokens", "")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model takes. `limit` is the name of the limit of tokens; empty: it takes none."""

    form: Form = Form.STRICT
    limit: str = "max_tokens"
    temperature: bool = True
    seed: bool = True
    usage: bool = True

    def __str__(self) -> str:
        takes = [name for name in ("temperature", "seed") if getattr(self, name)]
        usage = "reports token counts" if self.usage else "does not report token counts"
        return f"form {self.form}, limit {self.limit or 'none'}, takes {' and '.join(takes) or 'no sampling'}, {usage}"

    def words(self, request: Request) -> dict[str, Any]:
        """Return the body of a question, without the model."""
        messages = [{"role": say.role, "content": say.text} for say in request.messages]
        words: dict[str, Any] = {"messages": messages}
        if self.form in (Form.STRICT, Form.SCHEMA):
            schema = {"name": "answer", "schema": dict(request.schema)}
            strict = {"strict": True} if self.form == Form.STRICT else {}
            words["response_format"] = {"type": "json_schema", "json_schema": schema | strict}
        else:
            told = "Answer with a single JSON object and nothing else. It must conform to this JSON schema:\n"
            messages.insert(1 if messages and messages[0]["role"] == "system" else 0, {
                "role": "system", "content": told + json.dumps(request.schema, ensure_ascii=False)
            })  # fmt: skip
            if self.form == Form.OBJECT:
                words["response_format"] = {"type": "json_object"}
        if self.limit:
            words[self.limit] = request.most_tokens
        if self.temperature:
            words["temperature"] = 0
        if self.seed:
            words["seed"] = SEED
        return words


class _Sky(BaseModel):
    is_blue: bool


_TINY = Ask(Call.Step.CLASSIFY, (Say("user", "Is the sky blue on a sunny day?"),), _Sky, most_tokens=300)


def probe(target: Target) -> Abilities:
    """Ask the model something tiny and return, and keep, how it wants to be asked. RunFault if it cannot be asked."""
    found = async_to_sync(_probe)(target, stored(target) or Abilities())
    Endpoint.objects.update_or_create(
        base_url=target.base_url, model=target.model, defaults={"abilities": asdict(found), "probed_at": timezone.now()}
    )
    return found


def stored(target: Target) -> Abilities | None:
    """Return what an earlier probe found, if there was one."""
    row = Endpoint.objects.filter(base_url=target.base_url, model=target.model).first()
    if row is None:
        return None
    return Abilities(**(row.abilities | {"form": Form(row.abilities["form"])}))


def abilities_of(target: Target) -> Abilities:
    """Return how the model wants to be asked, asking it only if that was never found out. RunFault as `probe`."""
    return stored(target) or probe(target)


async def _probe(target: Target, first: Abilities) -> Abilities:
    from pipeline.extract.llm.client import Client  # its library takes most of a second to load

    request = Request(_TINY.step, "", _TINY.messages, schema_of(_TINY), _TINY.most_tokens)
    tried: set[Abilities] = set()
    async with Client(target) as client:
        waiting, problem = [first], ""
        while waiting:
            abilities = waiting.pop(0)
            if abilities in tried:
                continue
            tried.add(abilities)
            try:
                reply = await client.ask(abilities.words(request))
                # taken without a complaint is not kept to: some servers ignore a schema in silence
                weaker = None if _keeps_to_it(reply.body) else _weaker(abilities)
            except Rejected as error:
                problem = str(error)
                waiting = list(_with_less(abilities, problem))
            except AnswerFault as fault:
                raise CannotAnswer(f"{target.host} did not answer a short test request: {fault}") from fault
            else:
                if weaker is None:
                    return replace(abilities, usage=envelope_of(reply.body).usage.is_known)
                waiting.append(weaker)
    raise CannotAnswer(f"{target.host} accepts none of the request formats we know: {problem}")


def _keeps_to_it(body: bytes) -> bool:
    """Whether an answer has the form that was asked for; one that thought too long for the tiny limit is not judged."""
    try:
        return WHOLE in understand(body, _TINY).values
    except (CutOff, NoContent):
        return True


def _with_less(abilities: Abilities, problem: str) -> Iterator[Abilities]:
    """Yield what to try after a question was not taken: first without what the refusal names, then one by one."""
    options: list[tuple[tuple[str, ...], Abilities | None]] = [
        (LIMITS[:2], _other_limit(abilities)),
        (("temperature",), replace(abilities, temperature=False) if abilities.temperature else None),
        (("seed",), replace(abilities, seed=False) if abilities.seed else None),
        (("response_format", "json_schema", "strict", "schema"), _weaker(abilities)),
    ]
    possible = [(words, option) for words, option in options if option]
    named = [option for words, option in possible if any(word in problem for word in words)]
    yield from named
    yield from (option for _, option in possible if option not in named)


def _other_limit(abilities: Abilities) -> Abilities | None:
    place = LIMITS.index(abilities.limit)
    return replace(abilities, limit=LIMITS[place + 1]) if place + 1 < len(LIMITS) else None


def _weaker(abilities: Abilities) -> Abilities | None:
    place = FORMS.index(abilities.form)
    return replace(abilities, form=FORMS[place + 1]) if place + 1 < len(FORMS) else None
