"""Stack Exchange's data dump: `Posts.xml`. A question with its answers is a conversation, who asks is the customer."""

from collections.abc import Iterator

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows, time_reader
from pipeline.sources.parsing.parts import Part
from pipeline.sources.parsing.xml_elements import elements_in
from pipeline.sources.records import Reject
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.threads import Said, Thread, record_of

_QUESTION, _ANSWER = "1", "2"


class StackExchangePosts:
    name = "Stack Exchange posts"

    def sniff(self, head: Head) -> float:
        return 1.0 if "<posts>" in head.text[:2000] and "PostTypeId=" in head.text else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(customer="OwnerUserId", text="Title and Body", times="CreationDate")
        reader = time_reader(options)
        with Gathered() as gathered:
            for part in stream.parts:
                yield from self._gather(part, gathered, stream)
            for key, posts in gathered.groups(limit()):
                if posts is None:
                    yield Reject(0, f"the question with its answers is longer than {limit():,} bytes", key, unit="row")
                elif posts[0]["PostTypeId"] != _QUESTION:
                    first = posts[0]
                    yield Reject(first["line"], "its question is not in the file", key, unit="row", part=first["part"])
                else:
                    yield record_of(_question(posts), reader)

    def _gather(self, part: Part, gathered: Gathered, stream: Stream) -> Iterator[Reject]:
        """Keep the questions and answers of a file; yield what cannot be read."""
        for row in elements_in(part, "row", limit()):
            given = row.attributes
            kind = given.get("PostTypeId")
            key = given.get("Id" if kind == _QUESTION else "ParentId")
            if row.reason:
                yield Reject(row.number, row.reason, unit="row", part=part.label)
            elif kind in (_QUESTION, _ANSWER) and key:
                order = (0.0 if kind == _QUESTION else 1.0) + row.number / 1e12
                gathered.add(key, {**given, "line": row.number, "part": part.label}, order=order)
            else:
                stream.summary.note("Posts that are neither questions nor answers were left out.")


def _question(posts: list[dict[str, str]]) -> Thread:
    question = posts[0]
    asker = question.get("OwnerUserId") or question.get("OwnerDisplayName", "")
    said = []
    for post in posts:
        author = post.get("OwnerUserId") or post.get("OwnerDisplayName", "")
        role = "customer" if post is question or (asker and author == asker) else "agent"
        said.append(Said(post.get("Body", ""), role, author, post.get("CreationDate")))
    return Thread(
        said,
        line=int(question["line"]),
        external_id=question["Id"],
        subject=question.get("Title", ""),
        customer=asker,
        at=question.get("CreationDate"),
        metadata={"tags": question.get("Tags", ""), "score": question.get("Score", "")},
        unit="row",
        part=question["part"],
    )
