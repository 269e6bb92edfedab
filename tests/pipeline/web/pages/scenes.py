"""What the tests of the pages start from: people in roles, and a few stories that are near to each other."""

import re

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from pipeline.models import Run, Story
from tests.support.factories import UserFactory
from tests.support.scenes import made_once
from tests.support.seeding import finish, scripts, seed, start


def client_of(user: User) -> Client:
    """Return a client that is logged in."""
    client = Client()
    client.force_login(user)
    return client


def person(name: str, *rights: str) -> User:
    """Return somebody who may log in and has these permissions, such as `change_story`."""
    user: User = UserFactory(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="pipeline", codename__in=rights))
    return user


LOOKING = ("view_story", "view_orphan", "view_run", "view_signature", "view_conversation", "view_theme", "view_source")
DECIDING = (*LOOKING, "change_story", "change_orphan", "change_signature", "add_comment")


@made_once
def two_stories_and_an_orphan() -> Run:
    """Return a finished run that made two stories of four conversations each and left an orphan."""
    return finish(start(seed([*scripts(2, 4), "nr 1 name=rare problem=50"])))


def address(name: str, *args: object) -> str:
    """Return where a page is."""
    return reverse(f"admin:{name}", args=args)


_BLOCK = "td|th|p|li|div|h1|h2|h3|dd|dt|option|button|summary"
_INSIDE_EDGES = re.compile(rf"(<(?:{_BLOCK})\b[^<>]*>) | (</(?:{_BLOCK})>)")


def as_shown(page: str) -> str:
    """Return a page without the whitespace that a browser does not show: runs of it, and at the edges of blocks."""
    return _INSIDE_EDGES.sub(r"\1\2", " ".join(page.split()))


def read(client: Client, where: str, **query: str) -> str:
    """Return a page's text as it is shown; it must be there."""
    response = client.get(where, query)
    assert response.status_code == 200, (where, response.status_code)
    return as_shown(response.content.decode())


def act(client: Client, story: Story, do: str, **sent: object) -> str:
    """Press a button of a story's page and return the page that answers."""
    response = client.post(address("story_act", story.pk), {"do": do, **sent}, follow=True)
    assert response.status_code == 200, do
    return as_shown(response.content.decode())
