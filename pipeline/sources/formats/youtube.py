"""Comments on videos as YouTube's API gives them: a top-level comment with its replies is a conversation."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, text_of, word


class YouTubeComments(ThreadFormat):
    name = "YouTube comments"
    says = {"customer": "authorDisplayName", "text": "textOriginal", "times": "publishedAt"}

    def fits(self, found: Found) -> float:
        snippet = found.get("snippet")
        return 1.0 if isinstance(snippet, dict) and isinstance(snippet.get("topLevelComment"), dict) else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        first = found["snippet"]["topLevelComment"]["snippet"]
        replies = [each["snippet"] for each in (found.get("replies") or {}).get("comments") or []]
        owner = word(found["snippet"].get("channelId"))
        said = [Said(_text(first), "customer", _author(first), first.get("publishedAt"))]
        for each in replies:
            by = word((each.get("authorChannelId") or {}).get("value"))
            # the channel's own replies are the firm's; any other viewer's stay open
            said.append(
                Said(_text(each), "agent" if by and by == owner else "", _author(each), each.get("publishedAt"))
            )
        return Thread(
            said,
            external_id=found["id"],
            customer=_author(first),
            at=first.get("publishedAt"),
            metadata={"video": word(found["snippet"].get("videoId")), "likes": word(first.get("likeCount"))},
        )


def _text(comment: Found) -> str:
    return text_of(comment.get("textOriginal") or comment.get("textDisplay"))


def _author(comment: Found) -> str:
    return word(comment.get("authorDisplayName"))
