"""A front end with a token, in front of a real HTTP server."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from tests.sessions.front_end import FrontEnd
from tests.sessions.web import WebServer


@pytest.fixture
def front_end(live_server: LiveServer) -> FrontEnd:
    """In front of a server in this process, whose settings a test may change."""
    return FrontEnd(live_server.url)


@pytest.fixture
def web(transactional_db: None) -> Iterator[WebServer]:
    """The real web server, with two processes."""
    server = WebServer(DJANGO_SETTINGS_MODULE="tests.settings", TEST_DATABASE=str(connection.settings_dict["NAME"]))
    yield server
    server.stop()
