"""Answers to surveys as the APIs of Typeform, SurveyMonkey and Qualtrics give them: each respondent is a conversation.

Only what somebody wrote in their own words is read; choices and numbers go to the metadata.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, text_of, word

_SAYS: Mapping[str, str] = {"text": "open answers", "times": "when it was sent"}


def _thread(found: Found, own: object, answers: list[str], at: object, customer: object = None, **rest: Any) -> Thread:
    return Thread([Said("\n".join(answers), "customer", at=at)], external_id=own, customer=customer, at=at, **rest)


class TypeformResponses(ThreadFormat):
    name = "Typeform responses"
    says = _SAYS

    def fits(self, found: Found) -> float:
        return 1.0 if {"answers", "submitted_at"} <= found.keys() and isinstance(found["answers"], list) else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        answers = found["answers"]
        texts = [text_of(each["text"]) for each in answers if each.get("type") == "text" and each.get("text")]
        others = {
            word(each["field"].get("ref") or each["field"].get("id")): word(_chosen(each[each["type"]]))
            for each in answers
            if each.get("type") not in (None, "text", "email") and each.get(each["type"]) is not None
        }
        email = next((each["email"] for each in answers if each.get("type") == "email"), None)
        own = found.get("response_id") or found.get("token")
        return _thread(found, own, texts, found["submitted_at"], email, metadata=others)


def _chosen(value: object) -> object:
    """Return the choice itself; of several the labels in one line."""
    if not isinstance(value, Mapping):
        return value
    labels = value.get("labels")
    return ", ".join(map(str, labels)) if isinstance(labels, list) else value.get("label") or value.get("other")


class SurveyMonkeyResponses(ThreadFormat):
    name = "SurveyMonkey responses"
    says = _SAYS

    def fits(self, found: Found) -> float:
        pages = found.get("pages")
        is_answered = isinstance(pages, list) and any(isinstance(each, dict) and "questions" in each for each in pages)
        return 1.0 if is_answered and "date_created" in found else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        texts = [
            text_of(answer["text"])
            for page in found["pages"]
            for question in page.get("questions") or []
            for answer in question.get("answers") or []
            if answer.get("text")
        ]
        contact = (found.get("metadata") or {}).get("contact") or {}
        email = (contact.get("email") or {}).get("value")
        return _thread(found, found.get("id"), texts, found["date_created"], email or found.get("recipient_id"))


class QualtricsResponses(ThreadFormat):
    """`values` has a key for each question: `QID2_TEXT` is written, `QID1` chosen, and `labels` has its words."""

    name = "Qualtrics responses"
    says = _SAYS

    def fits(self, found: Found) -> float:
        values = found.get("values")
        return 1.0 if "responseId" in found and isinstance(values, dict) and "recordedDate" in values else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        values, labels = found["values"], found.get("labels") or {}
        email = word(values.get("recipientEmail") or values.get("externalDataReference"))
        chosen = {key: word(value) for key, value in labels.items() if key.startswith("QID")}
        texts = list(_written(values))
        return _thread(found, found["responseId"], texts, values["recordedDate"], email, metadata=chosen)


def _written(values: Found) -> Iterator[str]:
    """Yield the open answers; a word or a number in such a field is read too, for somebody wrote it."""
    for key, value in values.items():
        if key.startswith("QID") and key.partition("_")[2].endswith("TEXT") and isinstance(value, str):
            yield value
