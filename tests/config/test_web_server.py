"""The real web server under clients that are slow, or send too much: pages still answer."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config.web_worker import BODY_LIMIT, HEADERS_LIMIT
from tests.sessions.web import WebServer
from tests.support.workers import ROOT

HALVES = (
    b"",
    b"GET /admin/lo",
    b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
    b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nusername=a",
    b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\nab",
    b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\nab",
    b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    b"\r\n\r\nGET /admin/login/ HTTP/1.1\r\n",
)
"""What a client may have sent when it falls silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """The web process as the Procfile has it, with its own two processes and eight threads each."""
    web = WebServer(DJANGO_SETTINGS_MODULE="tests.settings")
    assert page(web) == 200
    yield web
    web.stop()


def page(server: WebServer) -> int:
    """Return the status of a page, asked for on a new connection."""
    line = HTTPConnection("127.0.0.1", server.port, timeout=240)
    try:
        line.request("GET", "/admin/login/")
        return line.getresponse().status
    finally:
        line.close()


def send(server: WebServer, data: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=240)
    client.sendall(data)
    return client


def reply(client: socket.socket) -> bytes:
    """Return all that comes until the server hangs up."""
    received = b""
    while data := client.recv(65_536):
        received += data
    return received


@pytest.mark.parametrize("half", HALVES, ids=range(len(HALVES)))
def test_pages_answer_beside_50_sockets_that_fell_silent(server: WebServer, half: bytes) -> None:
    with ExitStack() as sockets:
        for _ in range(50):
            sockets.enter_context(send(server, half))
        assert [page(server) for _ in range(4)] == [200] * 4


def test_pages_answer_beside_50_sockets_that_send_a_byte_now_and_then(server: WebServer) -> None:
    with ExitStack() as sockets:
        slow = [sockets.enter_context(send(server, b"GET /admin/login/ HTTP/1.1\r\nX: ")) for _ in range(50)]
        for _ in range(6):
            for client in slow:
                client.sendall(b"a")
            assert page(server) == 200


def test_pages_answer_beside_50_sockets_that_do_not_read_their_answers(server: WebServer) -> None:
    with ExitStack() as sockets:
        for _ in range(50):
            client = sockets.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.connect(("127.0.0.1", server.port))
            client.sendall(20 * b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert [page(server) for _ in range(4)] == [200] * 4


def test_more_sockets_than_there_is_room_for_push_out_the_oldest(server: WebServer) -> None:
    small = WebServer(DJANGO_SETTINGS_MODULE="tests.settings", WEB_PROCESSES="1", WEB_CONNECTIONS="40")
    try:
        with ExitStack() as sockets:
            slow = [sockets.enter_context(send(small, b"GET / HTTP/1.1\r\n")) for _ in range(100)]
            assert page(small) == 200
            assert slow[0].recv(1) == b""
    finally:
        small.stop()


def test_who_says_nothing_is_let_go(server: WebServer) -> None:
    with send(server, b"GET / HTTP/1.1\r\n") as client:
        assert reply(client) == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + 5000 * b"a" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + 9000 * b"a" + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + 200 * b"X: a\r\n" + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + (HEADERS_LIMIT + 1) * b"a", b"431"),
        (b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), b"413"),
        (b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % 10**17, b"413"),
        (b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9" + 99 * b"9" + b"\r\n\r\n", b"413"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
    ids=["request line", "header", "headers", "endless header", "body", "huge body", "absurd length", "nonsense"],
)
def test_it_refuses_what_is_too_long(server: WebServer, request_: bytes, status: bytes) -> None:
    with send(server, request_) as client:
        assert reply(client).split()[1] == status
    assert page(server) == 200


def test_it_answers_while_a_body_that_is_too_long_is_still_being_sent(server: WebServer) -> None:
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (10 * BODY_LIMIT)
    with send(server, head) as client:
        client.sendall(200_000 * b"a")
        assert client.recv(65_536).split()[1] == b"413"


def test_a_request_in_pieces_and_two_at_once_are_answered_in_order(server: WebServer) -> None:
    page_, missing = (b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in (b"/admin/login/", b"/nothing"))
    with send(server, page_[:20]) as client:
        client.sendall(
            page_[20:] + missing + b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        assert re.findall(rb"HTTP/1.1 (\d+)", reply(client)) == [b"200", b"404", b"200"]


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(server: WebServer) -> None:
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
    with send(server, head + b"Content-Length: 3\r\n\r\n") as client:
        assert client.recv(65_536).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"a=b")
        assert re.findall(rb"HTTP/1.1 (\d+)", reply(client))[-1] == b"403"  # no CSRF token


def test_a_body_of_two_megabytes_arrives_whole(server: WebServer) -> None:
    body = b"a=" + 2_000_000 * b"b"
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    with send(server, head + body) as client:
        assert reply(client).split()[1] == b"403"


def test_slow_clients_do_not_keep_it_from_ending() -> None:
    web = WebServer(DJANGO_SETTINGS_MODULE="tests.settings", WEB_PROCESSES="1")
    assert page(web) == 200
    with ExitStack() as sockets:
        for half in HALVES:
            sockets.enter_context(send(web, half))
        web.stop()  # kills it if it does not end by itself
    assert web.process.returncode == 0


def test_the_procfile_starts_this_server() -> None:
    assert "web: exec gunicorn --config config/gunicorn.py\n" in Path(ROOT, "Procfile").read_text()
