# ruff: noqa: E501 (an export is easier to compare on few lines)
"""Small exports of every format in JSON and XML: plain ones, as tests expect them to be read. All texts are invented."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Export:
    """What a vendor writes, and what one conversation of it must become."""

    form: str
    content: Any
    """A JSON value, or text."""

    said: tuple[tuple[str, str], ...]
    """Role and text of the first conversation's messages."""

    external_id: str = ""
    customer: str = ""
    day: str = "2026-05-02"
    url: str = ""
    count: int = 1
    fields: dict[str, str] = field(default_factory=dict)


AT, LATER, EPOCH = "2026-05-02T08:00:00Z", "2026-05-02T09:00:00Z", 1777708800
ASK, ANSWER = "The bike lock app shows error 12.", "Please hold the lock nearer to the phone."
BOTH = (("customer", ASK), ("agent", ANSWER))

ZENDESK = {
    "id": 31, "url": "https://bikes.zendesk.com/api/v2/tickets/31.json", "subject": "Error 12", "description": ASK,
    "created_at": AT, "requester_id": 5, "assignee_id": 9, "via": {"channel": "email"}, "status": "open", "tags": ["lock"],
    "comments": [
        {"id": 1, "author_id": 5, "plain_body": ASK, "html_body": f"<p>{ASK}</p>", "public": True, "created_at": AT},
        {"id": 2, "author_id": 9, "body": "He is a VIP", "public": False, "created_at": LATER},
        {"id": 3, "author_id": 9, "html_body": f"<div>{ANSWER}</div>", "public": True, "created_at": LATER},
    ],
}  # fmt: skip
ZENDESK_EVENT = {
    "id": 900, "ticket_id": 31, "timestamp": EPOCH, "created_at": AT, "updater_id": 5, "event_type": "Audit",
    "child_events": [
        {"id": 901, "event_type": "Create", "subject": "Error 12"},
        {"id": 902, "event_type": "Comment", "public": True, "author_id": 5, "plain_body": ASK},
    ],
}  # fmt: skip
INTERCOM = {
    "type": "conversation", "id": "77", "created_at": EPOCH, "title": None,
    "source": {"type": "conversation", "id": "1", "delivered_as": "customer_initiated", "subject": "<p>Error 12</p>",
               "body": f"<p>{ASK}</p>", "author": {"type": "lead", "id": "u7", "name": "Kim", "email": "Kim@bikes.example"}},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "u7"}]},
    "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [
        {"part_type": "assignment", "body": None, "created_at": EPOCH + 1, "author": {"type": "bot", "name": "Fin"}},
        {"part_type": "note", "body": "<p>VIP</p>", "created_at": EPOCH + 2, "author": {"type": "admin", "name": "Lee"}},
        {"part_type": "comment", "body": f"<p>{ANSWER}</p>", "created_at": EPOCH + 9,
         "author": {"type": "admin", "id": "a1", "name": "Lee"}},
    ]},
}  # fmt: skip
FRESHDESK = {
    "id": 12, "subject": "Error 12", "description": f"<div>{ASK}</div>", "description_text": ASK, "requester_id": 70,
    "requester": {"id": 70, "name": "Kim", "email": "kim@bikes.example"}, "created_at": AT, "due_by": LATER, "spam": False,
    "conversations": [
        {"id": 2, "incoming": False, "private": False, "body_text": ANSWER, "user_id": 3, "created_at": LATER},
        {"id": 1, "incoming": False, "private": True, "body_text": "VIP", "user_id": 3, "created_at": AT},
    ],
}  # fmt: skip
HUBSPOT_TICKET = {
    "id": "501", "archived": False, "createdAt": AT, "updatedAt": LATER,
    "properties": {"subject": "Error 12", "content": ASK, "createdate": AT, "hs_pipeline_stage": "1", "email": "kim@bikes.example"},
}  # fmt: skip
HUBSPOT_MESSAGES = [
    {"type": "MESSAGE", "id": "m2", "conversationsThreadId": "8", "createdAt": LATER, "direction": "OUTGOING",
     "text": ANSWER, "senders": [{"actorId": "A-4", "name": "Lee"}], "channelId": "1000"},
    {"type": "MESSAGE", "id": "m1", "conversationsThreadId": "8", "createdAt": AT, "direction": "INCOMING", "text": ASK,
     "senders": [{"actorId": "V-5", "name": "Kim", "deliveryIdentifier": {"type": "HS_EMAIL_ADDRESS", "value": "kim@bikes.example"}}],
     "channelId": "1000"},
    {"type": "COMMENT", "id": "m3", "conversationsThreadId": "8", "createdAt": LATER, "text": "VIP", "senders": [], "channelId": "1"},
]  # fmt: skip
HELPSCOUT = {
    "id": 88, "number": 4, "subject": "Error 12", "createdAt": AT, "primaryCustomer": {"id": 4, "email": "kim@bikes.example"},
    "_embedded": {"threads": [
        {"id": 3, "type": "note", "body": "VIP", "createdAt": LATER, "createdBy": {"type": "user"}},
        {"id": 5, "type": "message", "state": "draft", "body": "Never sent", "createdAt": LATER, "createdBy": {"type": "user"}},
        {"id": 2, "type": "message", "state": "published", "body": ANSWER, "createdAt": LATER,
         "createdBy": {"type": "user", "first": "Lee"}},
        {"id": 1, "type": "customer", "body": ASK, "createdAt": AT, "createdBy": {"type": "customer"}},
    ]},
}  # fmt: skip
FRONT_MESSAGES = [
    {"_links": {"related": {"conversation": "https://api2.frontapp.com/conversations/cnv_3"}}, "id": "msg_2", "type": "email",
     "is_inbound": False, "created_at": EPOCH + 60.5, "subject": "", "blurb": "Please", "text": ANSWER, "author": {"email": "lee@desk.example"},
     "recipients": [{"handle": "kim@bikes.example", "role": "to"}]},
    {"_links": {"related": {"conversation": "https://api2.frontapp.com/conversations/cnv_3"}}, "id": "msg_1", "type": "email",
     "is_inbound": True, "created_at": EPOCH + 0.5, "blurb": "The", "text": ASK, "author": None, "subject": "",
     "recipients": [{"handle": "kim@bikes.example", "role": "from"}, {"handle": "help@desk.example", "role": "to"}]},
]  # fmt: skip
FRONT = {
    "_links": {"self": "https://api2.frontapp.com/conversations/cnv_3"}, "id": "cnv_3", "subject": "Error 12", "tags": [],
    "recipient": {"handle": "kim@bikes.example", "role": "from"}, "created_at": EPOCH + 0.5, "messages": FRONT_MESSAGES,
}  # fmt: skip
CHATWOOT_MESSAGES: list[dict[str, Any]] = [
    {"id": 1, "content": "Hello! Choose a topic", "message_type": 3, "created_at": EPOCH},
    {"id": 2, "content": ASK, "message_type": 0, "created_at": EPOCH + 5, "sender": {"id": 5, "type": "contact"}},
    {"id": 3, "content": "VIP", "message_type": 1, "private": True, "created_at": EPOCH + 6},
    {"id": 4, "content": ANSWER, "message_type": 1, "created_at": EPOCH + 9, "sender": {"name": "Lee", "type": "user"}},
    {"id": 5, "content": "Lee resolved this", "message_type": 2, "created_at": EPOCH + 10},
]  # fmt: skip
CHATWOOT = {
    "id": 21, "inbox_id": 1, "created_at": EPOCH, "status": "resolved", "meta": {"sender": {"id": 5, "email": "kim@bikes.example"}},
    "messages": CHATWOOT_MESSAGES,
}  # fmt: skip
CRISP_MESSAGES = [
    {"session_id": "session_1", "website_id": "w", "type": "text", "from": "user", "origin": "chat", "content": ASK,
     "timestamp": EPOCH * 1000, "user": {"nickname": "Kim", "user_id": "session_1"}},
    {"session_id": "session_1", "website_id": "w", "type": "note", "from": "operator", "content": "VIP",
     "timestamp": EPOCH * 1000 + 1},
    {"session_id": "session_1", "website_id": "w", "type": "text", "from": "operator", "content": ANSWER,
     "timestamp": EPOCH * 1000 + 9, "user": {"nickname": "Lee", "user_id": "o1"}},
]  # fmt: skip
GORGIAS: dict[str, Any] = {
    "id": 6, "uri": "/api/tickets/6/", "channel": "email", "created_datetime": AT, "subject": "Error 12",
    "customer": {"id": 5, "email": "kim@bikes.example", "name": "Kim"},
    "messages": [
        {"id": 1, "from_agent": False, "public": True, "body_text": ASK, "created_datetime": AT, "sender": {"name": "Kim"}},
        {"id": 2, "from_agent": True, "public": False, "body_text": "VIP", "created_datetime": LATER},
        {"id": 3, "from_agent": True, "public": True, "body_html": f"<p>{ANSWER}</p>", "created_datetime": LATER},
    ],
}  # fmt: skip
DRIFT_MESSAGES = [
    {"id": "1", "conversationId": 44, "type": "chat", "body": ASK, "author": {"id": 5, "type": "contact"}, "createdAt": EPOCH * 1000},
    {"id": "2", "conversationId": 44, "type": "private_note", "body": "VIP", "author": {"id": 2, "type": "user"},
     "createdAt": EPOCH * 1000 + 1},
    {"id": "3", "conversationId": 44, "type": "chat", "body": f"<p>{ANSWER}</p>", "author": {"id": 2, "type": "user", "bot": False},
     "createdAt": EPOCH * 1000 + 2},
]  # fmt: skip
CHATGPT = {
    "title": "Lock", "create_time": EPOCH + 0.5, "conversation_id": "g-1", "current_node": "c",
    "mapping": {
        "root": {"id": "root", "message": None, "parent": None, "children": ["a"]},
        "a": {"id": "a", "parent": "root", "children": ["b", "c"], "message": {
            "author": {"role": "user"}, "create_time": EPOCH + 1.5, "content": {"content_type": "text", "parts": [ASK]}}},
        "b": {"id": "b", "parent": "a", "children": [], "message": {
            "author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["A first try"]}}},
        "c": {"id": "c", "parent": "a", "children": [], "message": {
            "author": {"role": "assistant"}, "create_time": EPOCH + 3, "content": {
                "content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, ANSWER]}}},
    },
}  # fmt: skip
CLAUDE = {
    "uuid": "c-1", "name": "Lock", "created_at": AT, "account": {"uuid": "acc"},
    "chat_messages": [
        {"uuid": "1", "sender": "human", "text": ASK, "content": [{"type": "text", "text": ASK}], "created_at": AT},
        {"uuid": "2", "sender": "assistant", "text": "", "content": [{"type": "text", "text": ANSWER}], "created_at": LATER},
    ],
}  # fmt: skip
OPENAI = {"messages": [
    {"role": "user", "content": [{"type": "text", "text": ASK}, {"type": "image_url", "image_url": {"url": "x"}}]},
    {"role": "assistant", "content": ANSWER, "tool_calls": []},
]}  # fmt: skip
GITHUB = {
    "url": "https://api.github.com/repos/bikes/lock/issues/9", "html_url": "https://github.com/bikes/lock/issues/9", "id": 1,
    "number": 9, "title": "Error 12", "user": {"login": "kim", "type": "User"}, "body": ASK, "created_at": AT,
    "labels": [{"name": "bug"}], "comments": 1, "state": "open", "author_association": "NONE",
}  # fmt: skip
GITHUB_CLI = {
    "number": 9, "title": "Error 12", "author": {"login": "kim"}, "body": ASK, "createdAt": AT, "labels": [],
    "url": "https://github.com/bikes/lock/issues/9",
    "comments": [
        {"author": {"login": "lee"}, "authorAssociation": "MEMBER", "body": ANSWER, "createdAt": LATER},
    ],
}  # fmt: skip
GITHUB_HOOK = {
    "action": "created", "repository": {"full_name": "bikes/lock"}, "sender": {"login": "lee"}, "issue": GITHUB,
    "comment": {"user": {"login": "lee"}, "author_association": "OWNER", "body": ANSWER, "created_at": LATER},
}  # fmt: skip
JIRA = {"key": "BIKE-7", "id": "10007", "fields": {
    "summary": "Error 12", "created": "2026-05-02T08:00:00.000+0000", "issuetype": {"name": "Bug"},
    "reporter": {"displayName": "Kim", "emailAddress": "kim@bikes.example"}, "assignee": {"displayName": "Lee"},
    "description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ASK}]}]},
    "comment": {"comments": [{"author": {"displayName": "Lee"}, "body": ANSWER, "created": "2026-05-02T09:00:00.000+0000"}]},
}}  # fmt: skip
JIRA_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="0.92"><channel><title>Jira</title>
<item><title>[BIKE-7] Error 12</title><link>https://jira.example/browse/BIKE-7</link><project id="1" key="BIKE">Bike</project>
<description>&lt;p&gt;{ASK}&lt;/p&gt;</description><key id="10007">BIKE-7</key><summary>Error 12</summary>
<assignee username="lee">Lee</assignee><reporter username="kim">Kim</reporter><created>Sat, 2 May 2026 08:00:00 +0000</created>
<comments><comment id="1" author="lee" created="Sat, 2 May 2026 09:00:00 +0000">&lt;p&gt;{ANSWER}&lt;/p&gt;</comment></comments>
</item></channel></rss>
"""
STACK_EXCHANGE = f"""<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="2" PostTypeId="2" ParentId="1" CreationDate="2026-05-02T09:00:00.000" Body="&lt;p&gt;{ANSWER}&lt;/p&gt;" OwnerUserId="9" />
  <row Id="1" PostTypeId="1" CreationDate="2026-05-02T08:00:00.000" Body="&lt;p&gt;{ASK}&lt;/p&gt;" Title="Error 12" OwnerUserId="5" />
  <row Id="3" PostTypeId="5" CreationDate="2026-05-02T10:00:00.000" Body="about the tag" />
</posts>
"""
DISCORD = {
    "guild": {"id": "1", "name": "Bikes"}, "channel": {"id": "2", "type": "GuildTextChat", "name": "help"},
    "messages": [
        {"id": "10", "type": "Default", "timestamp": "2026-05-02T08:00:00.5+00:00", "content": ASK, "isPinned": False,
         "author": {"id": "5", "name": "kim", "isBot": False}},
        {"id": "11", "type": "Default", "timestamp": "2026-05-02T08:01:00+00:00", "content": "Beep", "isPinned": False,
         "author": {"id": "6", "name": "helper", "isBot": True}},
        {"id": "12", "type": "Reply", "timestamp": "2026-05-02T20:00:00+00:00", "content": ANSWER, "isPinned": False,
         "author": {"id": "7", "name": "lee", "isBot": False}, "reference": {"messageId": "10"}},
    ],
}  # fmt: skip
TELEGRAM = {
    "name": "Bike help", "type": "private_supergroup", "id": 5, "messages": [
        {"id": 1, "type": "service", "date": "2026-05-01T08:00:00", "actor": "Lee", "action": "create_group", "text": ""},
        {"id": 2, "type": "message", "date": "2026-05-02T10:00:00", "date_unixtime": str(EPOCH), "from": "Kim", "from_id": "user5",
         "text": ["The bike lock app shows ", {"type": "bold", "text": "error 12."}]},
        {"id": 3, "type": "message", "date": "2026-05-02T20:00:00", "date_unixtime": str(EPOCH + 36000), "from": "Lee",
         "from_id": "user7", "reply_to_message_id": 2, "text": ANSWER},
    ],
}  # fmt: skip
MESSENGER = {
    "participants": [{"name": "Kim"}, {"name": "Bike shop"}], "title": "Kim", "thread_path": "inbox/kim_1",
    "messages": [
        {"sender_name": "Bike shop", "timestamp_ms": EPOCH * 1000 + 60_000, "content": ANSWER},
        {"sender_name": "Kim", "timestamp_ms": EPOCH * 1000 + 30_000, "photos": [{"uri": "x.jpg"}]},
        {"sender_name": "Kim", "timestamp_ms": EPOCH * 1000, "content": ASK},
    ],
}  # fmt: skip
MESSENGER_ENCRYPTED = {
    "participants": ["Kim", "Bike shop", "Lee"], "threadName": "Bike group_7",
    "messages": [
        {"isUnsent": False, "media": [], "reactions": [], "senderName": "Kim", "text": ASK, "timestamp": EPOCH * 1000, "type": "text"},
        {"isUnsent": True, "media": [], "reactions": [], "senderName": "Lee", "text": "Taken back", "timestamp": EPOCH * 1000 + 9,
         "type": "placeholder"},
        {"isUnsent": False, "media": [], "reactions": [], "senderName": "Bike shop", "text": ANSWER, "timestamp": EPOCH * 1000 + 60,
         "type": "text"},
    ],
}  # fmt: skip
TEAMS = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#chats", "value": [
    {"id": "1", "messageType": "message", "createdDateTime": AT, "chatId": "19:ab", "body": {"contentType": "html", "content":
     f"<p>{ASK}</p>"}, "from": {"application": None, "user": {"id": "u1", "displayName": "Kim"}}},
    {"id": "2", "messageType": "systemEventMessage", "createdDateTime": AT, "chatId": "19:ab", "from": None,
     "body": {"contentType": "html", "content": "<systemEventMessage/>"}},
    {"id": "3", "messageType": "message", "createdDateTime": "2026-05-03T08:00:00Z", "chatId": "19:ab", "replyToId": "1",
     "body": {"contentType": "text", "content": ANSWER}, "from": {"user": {"id": "u2", "displayName": "Lee"}}},
]}  # fmt: skip
GOOGLE_CHAT = {"messages": [
    {"creator": {"name": "Kim", "email": "kim@bikes.example", "user_type": "Human"}, "text": ASK, "topic_id": "t1",
     "created_date": "Saturday, May 2, 2026 at 8:00:00\u202fAM UTC", "message_id": "space/t1/t1"},
    {"creator": {"name": "Alarm", "user_type": "Bot"}, "text": "Beep", "topic_id": "t2", "message_id": "space/t2/t2",
     "created_date": "Saturday, May 2, 2026 at 8:01:00\u202fAM UTC"},
    {"creator": {"name": "Lee", "user_type": "Human"}, "text": ANSWER, "topic_id": "t1", "message_id": "space/t1/m9",
     "created_date": "Saturday, May 2, 2026 at 8:00:00\u202fPM UTC"},
]}  # fmt: skip
APP_STORE = {"feed": {"author": {"name": {"label": "iTunes Store"}}, "id": {"label": "https://itunes.example"}, "entry": [
    {"author": {"name": {"label": "Kim"}, "uri": {"label": "https://itunes.example/1"}, "label": ""}, "updated": {"label": AT},
     "im:rating": {"label": "1"}, "im:version": {"label": "2.0"}, "id": {"label": "77"}, "title": {"label": "Error 12"},
     "content": {"label": ASK, "attributes": {"type": "text"}}},
]}}  # fmt: skip
PLAY_REVIEWS = {
    "reviews": [
        {
            "reviewId": "r-1",
            "authorName": "Kim",
            "comments": [
                {"userComment": {"text": ASK, "lastModified": {"seconds": str(EPOCH), "nanos": 1}, "starRating": 1}},
                {"developerComment": {"text": ANSWER, "lastModified": {"seconds": str(EPOCH + 60)}}},
            ],
        }
    ]
}
SLACK_DAY = [
    {"type": "message", "user": "U1", "text": f"{ASK} &lt;3 <@U2>", "ts": f"{EPOCH}.000100", "thread_ts": f"{EPOCH}.000100", "reply_count": 1},
    {"type": "message", "subtype": "channel_join", "user": "U3", "text": "<@U3> has joined", "ts": f"{EPOCH + 5}.000200"},
    {"type": "message", "user": "U2", "text": ANSWER, "ts": f"{EPOCH + 9}.000300", "thread_ts": f"{EPOCH}.000100"},
    {"type": "message", "subtype": "bot_message", "bot_id": "B1", "text": "Deployed", "ts": f"{EPOCH + 20}.000400"},
]  # fmt: skip

_LABELLED = (("customer", f"Error 12\n{ASK}"), ("agent", ANSWER))
EXPORTS = {
    "zendesk": Export("Zendesk tickets", {"tickets": [ZENDESK], "count": 1, "end_of_stream": True}, BOTH, "31", "5",
                      url="https://bikes.zendesk.com/agent/tickets/31"),
    "zendesk, no comments": Export("Zendesk tickets", [{k: v for k, v in ZENDESK.items() if k != "comments"}], BOTH[:1], "31", "5"),
    "zendesk events": Export("Zendesk ticket events", {"ticket_events": [ZENDESK_EVENT], "end_time": 1}, BOTH[:1], "31", "5"),
    "intercom": Export("Intercom conversations", {"type": "conversation.list", "conversations": [INTERCOM]}, BOTH, "77",
                       "kim@bikes.example"),
    "freshdesk": Export("Freshdesk tickets", [FRESHDESK], BOTH, "12", "kim@bikes.example"),
    "freshdesk, exported": Export("Freshdesk tickets", [{"helpdesk_ticket": {
        "display_id": 12, "subject": "Error 12", "description": ASK, "created_at": AT, "requester_id": 70,
        "notes": [{"note": {"body": ANSWER, "incoming": False, "private": False, "created_at": LATER}}]}}], BOTH, "12", "70"),
    "hubspot tickets": Export("HubSpot tickets", {"results": [HUBSPOT_TICKET], "paging": {}}, BOTH[:1], "501", "kim@bikes.example"),
    "hubspot messages": Export("HubSpot conversations", {"results": HUBSPOT_MESSAGES}, BOTH, "8", "kim@bikes.example"),
    "helpscout": Export("Help Scout conversations", {"_embedded": {"conversations": [HELPSCOUT]}, "page": {}}, BOTH, "88",
                        "kim@bikes.example"),
    "front": Export("Front conversations", {"_results": [FRONT], "_pagination": {}}, BOTH, "cnv_3", "kim@bikes.example"),
    "front messages": Export("Front messages", {"_results": FRONT_MESSAGES}, BOTH, "cnv_3", "kim@bikes.example"),
    "chatwoot": Export("Chatwoot conversations", {"data": {"meta": {}, "payload": [CHATWOOT]}}, (
        ("bot", "Hello! Choose a topic"), *BOTH, ("system", "Lee resolved this")), "21", "kim@bikes.example"),
    "chatwoot messages": Export("Chatwoot messages", {"payload": [{**each, "conversation_id": 21} for each in CHATWOOT_MESSAGES]}, (
        ("bot", "Hello! Choose a topic"), *BOTH, ("system", "Lee resolved this")), "21", "5"),
    "crisp": Export("Crisp conversations", {"data": [{"session_id": "session_1", "meta": {"email": "kim@bikes.example"},
                                                      "created_at": EPOCH * 1000, "messages": CRISP_MESSAGES}]}, BOTH, "session_1",
                    "kim@bikes.example"),
    "crisp messages": Export("Crisp messages", {"error": False, "data": CRISP_MESSAGES}, BOTH, "session_1", "session_1"),
    "gorgias": Export("Gorgias tickets", {"data": [GORGIAS], "meta": {}}, BOTH, "6", "kim@bikes.example"),
    "gorgias messages": Export("Gorgias messages", {"data": [{**each, "ticket_id": 6, "subject": ""} for each in GORGIAS["messages"]],
                               "object": "list"}, BOTH, "6", "Kim"),
    "drift": Export("Drift conversations", {"data": [{"id": 44, "contactId": 5, "createdAt": EPOCH * 1000, "messages": DRIFT_MESSAGES}]},
                    BOTH, "44", "5"),
    "drift messages": Export("Drift messages", {"data": {"messages": DRIFT_MESSAGES}}, BOTH, "44", "5"),
    "chatgpt": Export("ChatGPT conversations", [CHATGPT], BOTH, "g-1"),
    "claude": Export("Claude conversations", [CLAUDE], BOTH, "c-1", "acc"),
    "openai": Export("OpenAI messages", [OPENAI], BOTH, day=""),
    "openai, prompts": Export("OpenAI messages", [{"prompt": ASK, "completion": ANSWER}], BOTH, day=""),
    "sharegpt": Export("ShareGPT conversations", [{"id": "s1", "conversations": [
        {"from": "human", "value": ASK}, {"from": "gpt", "value": ANSWER}]}], BOTH, "s1", day=""),
    "wildchat": Export("WildChat conversations", [{"conversation_hash": "w1", "timestamp": AT, "hashed_ip": "ab", "turn": 1,
        "conversation": [{"role": "user", "content": ASK}, {"role": "assistant", "content": ANSWER}]}], BOTH, "w1", "ab"),
    "github": Export("GitHub issues", [GITHUB], BOTH[:1], "bikes/lock#9", "kim", url="https://github.com/bikes/lock/issues/9"),
    "github cli": Export("GitHub issues", [GITHUB_CLI], BOTH, "bikes/lock#9", "kim"),
    "github webhook": Export("GitHub issues", GITHUB_HOOK, BOTH, "bikes/lock#9", "kim"),
    "jira": Export("Jira issues", {"startAt": 0, "total": 1, "issues": [JIRA]}, BOTH, "BIKE-7", "kim@bikes.example"),
    "jira xml": Export("Jira issues (XML)", JIRA_XML, BOTH, "BIKE-7", "kim", url="https://jira.example/browse/BIKE-7"),
    "stack exchange": Export("Stack Exchange posts", STACK_EXCHANGE, BOTH, "1", "5"),
    "discord": Export("Discord chat", DISCORD, (("customer", ASK), ("", ANSWER)), "2:10", "kim"),
    "telegram": Export("Telegram chat", TELEGRAM, (("customer", ASK), ("", ANSWER)), "5:2", "Kim"),
    "telegram, all chats": Export("Telegram chat", {"about": "x", "chats": {"about": "y", "list": [TELEGRAM]}}, (
        ("customer", ASK), ("", ANSWER)), "5:2", "Kim"),
    "messenger": Export("Messenger chat", MESSENGER, (("customer", ASK), ("", ANSWER)), customer="Kim"),
    "messenger, encrypted": Export("Messenger chat", MESSENGER_ENCRYPTED, (("customer", ASK), ("", ANSWER)), customer="Kim"),
    "teams": Export("Microsoft Teams chat", TEAMS, (("customer", ASK), ("", ANSWER)), "19:ab:1", "Kim"),
    "google chat": Export("Google Chat", GOOGLE_CHAT, (("customer", ASK), ("", ANSWER)), customer="Kim"),
    "app store": Export("App Store reviews", APP_STORE, BOTH[:1], "77", "Kim"),
    "google play": Export("Google Play reviews", PLAY_REVIEWS, BOTH, "r-1", "Kim"),
    "slack": Export("Slack export", SLACK_DAY, (("customer", f"{ASK} <3 @U2"), ("", ANSWER)), customer="U1"),
    "json": Export("JSON", {"export": {"cases": [{"caseNumber": "K-1", "opened": "2026-05-02 08:00", "headline": "Lock",
        "requester": {"email": "Kim@bikes.example"}, "history": [
            {"who": "customer", "body": ASK, "when": "2026-05-02 08:00"}, {"who": "agent", "body": ANSWER}]}]}}, BOTH, "K-1",
        "kim@bikes.example"),
    "json, what answers the object's own text": Export("JSON", [{"ticketNo": 5, "requester": "Kim", "created": AT,
        "description": f"<p>{ASK}</p>", "comments": [{"by": "agent", "role": "agent", "comment": ANSWER},
        {"role": "agent", "comment": "VIP", "internal": True}]}], BOTH, "5", "Kim"),
    "json, who speaks under another name": Export("JSON", [{"id": "d1", "messages": [
        {"direction": "incoming", "text": ASK}, {"direction": "outgoing", "text": ANSWER}]}], BOTH, "d1", day=""),
    "json, messages under a name of its own": Export("JSON", [{"ticket_id": 7, "user": {"email": "kim@bikes.example"}, "created": AT,
        "thread_entries": [{"poster": "Kim", "sender_type": "customer", "body": ASK, "created": AT},
                           {"poster": "Lee", "sender_type": "agent", "body": ANSWER, "created": LATER}]}], BOTH, "7",
        "kim@bikes.example"),
    "json, messages further in": Export("JSON", {"id": 9, "created_at": AT, "post_stream": {"posts": [
        {"username": "kim", "cooked": f"<p>{ASK}</p>", "staff": False, "created_at": AT},
        {"username": "lee", "cooked": f"<p>{ANSWER}</p>", "staff": True, "created_at": LATER}]}}, BOTH, "9", "kim"),
    "json, people listed beside": Export("JSON", {"chats": [{"id": "c1", "thread": {"events": [
        {"type": "message", "text": ASK, "author_id": "a7", "created_at": AT},
        {"type": "system_message", "text": "Lee joined", "created_at": AT},
        {"type": "message", "text": ANSWER, "author_id": "b9", "created_at": LATER}]}, "users": [
        {"id": "a7", "type": "customer", "name": "Kim"}, {"id": "b9", "type": "agent", "name": "Lee"}]}]}, (
        ("customer", ASK), ("system", "Lee joined"), ("agent", ANSWER)), "c1", "a7"),
    "json:api": Export("JSON", {"data": [
        {"type": "message", "id": "m1", "attributes": {"direction": "in", "preview": ASK, "sentAt": AT}, "relationships": {
            "conversation": {"data": {"type": "conversation", "id": "v1"}}, "customer": {"data": {"type": "customer", "id": "Kim"}}}},
        {"type": "message", "id": "m2", "attributes": {"direction": "out", "preview": ANSWER, "sentAt": LATER}, "relationships": {
            "conversation": {"data": {"type": "conversation", "id": "v1"}}}}]}, BOTH, "v1", "Kim"),
    "json, a row per message": Export("JSON", [
        {"conversation_id": "k1", "sender": "user", "message": ASK, "created_at": AT},
        {"conversation_id": "k1", "sender": "agent", "message": ANSWER, "created_at": LATER},
        {"conversation_id": "k2", "sender": "user", "message": "The bell is silent.", "created_at": LATER}], BOTH, "k1", count=2),
    "ours": Export("conversations", [{"id": "o1", "customer": "Kim", "created_at": AT, "messages": [
        {"role": "customer", "text": ASK}, {"role": "agent", "text": ANSWER}]}], BOTH, "o1", "Kim"),
}  # fmt: skip
