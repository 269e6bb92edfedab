"""What may be called, and what is connected to; no name is asked for outside this machine."""

import socket
from contextlib import closing
from http.client import HTTPConnection
from ipaddress import ip_address

import pytest

from pipeline.sources.live.outbound import ForbiddenAddress, Reach, check_url, may_lead_to, open_connection, open_socket
from tests.fakes.receiver import receiver

PUBLIC, INTERNAL = Reach(), Reach(internal=True)
GOOD = ["https://shop.example.com/answers?a=b", "https://münchen.example/", "https://93.184.215.14:8443/", "https://h/"]
MALFORMED = [
    "", "https://", "https:///path", "https://h:99999/", "https://h:0/", "https://h:port/", "https://a..b/",
    "https://-a.example/", "https://h/\r\nX: y", "https://h/a b", "https://h\r\n.example/", "https://[::1/",
    "https://user:word@h/", "https://user@h/", "file:///etc/passwd", "ftp://h/", "gopher://h/", "h/path", "//h/path",
    "https://" + "a" * 64 + ".example/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/",
    "https://127.1/", "https://0177.0.0.1/", "https://1.2.3.4.5/",
]  # fmt: skip
INSIDE = ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd12::1"]
INSIDE_MAPPED = ["::ffff:127.0.0.1", "::ffff:10.0.0.1"]
NEVER = [
    "0.0.0.0", "169.254.169.254", "169.254.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1",
    "192.0.0.192", "100.100.100.200", "168.63.129.16", "::", "fe80::1", "ff02::1", "fec0::1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "::127.0.0.1", "2001:db8::1", "fd00:ec2::254",
    "::ffff:169.254.169.254",
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_it_lets_pass_what_can_be_called(url: str) -> None:
    assert check_url(url, PUBLIC).hostname


@pytest.mark.parametrize("url", [*MALFORMED, "http://shop.example.com/"])
def test_it_refuses_what_cannot_be_meant(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        check_url(url, PUBLIC)


@pytest.mark.parametrize("url", MALFORMED)
def test_it_refuses_that_inside_too(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        check_url(url, INTERNAL)


@pytest.mark.parametrize("text", [*INSIDE, *INSIDE_MAPPED])
def test_private_addresses_need_to_be_allowed(text: str) -> None:
    assert not may_lead_to(ip_address(text), PUBLIC)
    assert may_lead_to(ip_address(text), INTERNAL)
    host = f"[{text}]" if ":" in text else text
    check_url(f"http://{host}/", INTERNAL)
    with pytest.raises(ForbiddenAddress):
        check_url(f"https://{host}/", PUBLIC)


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_called(text: str) -> None:
    assert not may_lead_to(ip_address(text), PUBLIC)
    assert not may_lead_to(ip_address(text), INTERNAL)


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"])
def test_public_addresses_are_called(text: str) -> None:
    assert may_lead_to(ip_address(text), PUBLIC)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1"])
def test_a_name_that_leads_inside_is_not_connected_to(host: str) -> None:
    """Not even if nobody looked at the name before: what counts is the address at the moment of connecting."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ForbiddenAddress, match="not a public address"):
            open_socket(host, port, 5, PUBLIC)
        with closing(open_socket(host, port, 5, INTERNAL)) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)


def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to a public address when it is checked, and inside when it is asked for again."""
    with receiver() as inside:
        parts = check_url(inside.url, INTERNAL)
        answers = iter([[("93.184.215.14", parts.port)], [("127.0.0.1", parts.port)]])
        asked: list[str] = []

        def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in next(answers)]

        tried: list[object] = []

        class Socket(socket.socket):
            def connect(self, address: object) -> None:
                tried.append(address)
                raise TimeoutError

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "socket", Socket)
        with pytest.raises(TimeoutError):
            open_socket("rebinding.example", parts.port or 0, 5, PUBLIC)
    assert (asked, tried) == (["rebinding.example"], [("93.184.215.14", parts.port)])


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with receiver() as inside:
        connection = open_connection(check_url(inside.url, INTERNAL), 5, INTERNAL)
        assert isinstance(connection, HTTPConnection)
        with closing(connection):
            connection.request("POST", "/", b"hello")
            assert connection.getresponse().status == 200
        assert inside.bodies == [b"hello"]
