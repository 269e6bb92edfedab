"""What a message costs at the least: a Django view that parses it and does the same inserts, and nothing else.

It checks nothing, knows no token, limit, duplicate or takeover, and sends for no answer. The server that
`benchmarks.sessions_http` starts has this view beside the API.
"""

import json

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from config.urls import urlpatterns as project_urls
from sessions.models import Message, Session


@csrf_exempt
def post_message(request: HttpRequest) -> HttpResponse:
    """Store the message in its user's session."""
    body, now = json.loads(request.body), timezone.now()
    with transaction.atomic():
        moments = {"started_at": now, "last_message_at": now}
        session, _ = Session.objects.get_or_create(user_id=body["user_id"], state="active", defaults=moments)
        Session.objects.filter(pk=session.pk).update(reuse_count=session.reuse_count + 1, last_message_at=now)
        message = Message.objects.create(
            session=session, user_id=body["user_id"], key=body["key"], role="customer", state="received",
            text=body["text"], sent_at=now,
        )  # fmt: skip
    return JsonResponse({"id": message.pk}, status=202)


urlpatterns = [path("bare/messages", post_message), *project_urls]
