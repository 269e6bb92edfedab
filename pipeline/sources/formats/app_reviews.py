"""Reviews of apps: the feed of Apple's App Store, and what the API of Google Play answers.

Each review is a conversation; the developer's answer, where there is one, is the agent's message.
"""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, text_of, word


class AppStoreFeed(ThreadFormat):
    """`customerreviews/.../json`: every value is an object with a `label`."""

    name = "App Store reviews"
    says = {"customer": "author", "text": "title and content", "times": "updated"}

    def fits(self, found: Found) -> float:
        return 1.0 if {"im:rating", "content"} <= found.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        at = _label(found.get("updated"))
        author = found.get("author") or {}
        return Thread(
            [Said(_label(found["content"]), "customer", at=at)],
            external_id=_label(found.get("id")),
            subject=_label(found.get("title")),
            customer=_label(author.get("name")),
            at=at,
            metadata={"rating": _label(found["im:rating"]), "version": _label(found.get("im:version"))},
        )


def _label(value: object) -> str:
    return text_of(value.get("label")) if isinstance(value, dict) else ""


class PlayReviews(ThreadFormat):
    """`reviews.list` of the Google Play Developer API: a user's comment, and perhaps the developer's."""

    name = "Google Play reviews"
    says = {"customer": "authorName", "text": "userComment", "times": "lastModified"}

    def fits(self, found: Found) -> float:
        comments = found.get("comments")
        first = comments[0] if isinstance(comments, list) and comments else None
        return 1.0 if "reviewId" in found and isinstance(first, dict) and "userComment" in first else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        said, rating = list[Said](), ""
        for comment in found["comments"]:
            for kind, role in (("userComment", "customer"), ("developerComment", "agent")):
                if each := comment.get(kind):
                    said.append(
                        Said(text_of(each.get("text")), role, at=(each.get("lastModified") or {}).get("seconds"))
                    )
                    rating = rating or word(each.get("starRating"))
        return Thread(
            said,
            external_id=found["reviewId"],
            customer=found.get("authorName"),
            at=said[0].at if said else None,
            metadata={"rating": rating},
        )
