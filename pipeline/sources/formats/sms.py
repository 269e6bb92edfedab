"""Text messages of a telephone, as Android's backups write them (`<smses><sms address= body= type= date= />`).

Each number is a chat between two people, cut by pauses; what came in is the customer's.
"""

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.xml_elements import elements_in
from pipeline.sources.records import Reject
from pipeline.sources.understanding.chats import ChatMessage, Chats, message_id, say_cut
from pipeline.sources.understanding.threads import record_of
from pipeline.sources.understanding.times import read as read_time

_ROLES = {"1": "customer", "2": "agent"}
"""`type` 1 is received and 2 sent; the others are drafts, and what could not be sent."""


class SmsBackup:
    name = "SMS messages"

    def sniff(self, head: Head) -> float:
        return 1.0 if "<smses" in head.text[:4000] and " address=" in head.text else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(customer="address", text="body", role="type", times="date")
        passed_over = 0
        with Chats() as chats:
            for part in stream.parts:
                for sms in elements_in(part, "sms", limit()):
                    given = sms.attributes
                    if sms.reason:
                        yield Reject(sms.number, sms.reason, unit="message", part=part.label)
                    elif (role := _ROLES.get(given.get("type", ""))) and given.get("body", "").strip():
                        chats.add(given.get("address", ""), _message(given, role, sms.number, part.label))
                    else:
                        passed_over += 1
            for thread in chats.conversations(options.pause):
                thread.customer = thread.metadata["chat"]
                yield record_of(thread)
            say_cut(stream.summary, chats.messages, chats.cut_into, options.pause, passed_over)


def _message(given: dict[str, str], role: str, number: int, part: str) -> ChatMessage:
    at = read_time(given.get("date"))
    name = given.get("contact_name", "") if role == "customer" else ""
    author = "" if name in ("null", "(Unknown)") else name
    own = message_id(role, given["body"], at)
    return ChatMessage(own, author, given["body"], at, number, role=role, part=part)
