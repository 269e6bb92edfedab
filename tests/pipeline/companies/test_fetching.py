"""Pages are asked for safely, and each comes to the outcome that its server planted."""

import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from pipeline.sources.live.outbound import Found, Reach
from pipeline.sources.websites.fetching import Answered, Asked, Fetcher
from pipeline.sources.websites.policy import Policy
from pipeline.sources.websites.text import read_page
from pipeline.sources.websites.unpacking import BadPacking, TooLarge, unpacker
from tests.fakes.farm import Farm, Planted, host_and_path
from tests.fakes.http2 import CERTIFICATE, Http2Server

POLICY = Policy(user_agent="Leitmotif/test", delay=0.0, whole=2.0, reach=Reach(internal=True), max_bytes=1 << 20)


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(companies=8, pages=116, failing_each=2).running() as farm:
        yield farm


def fetched(asked: Sequence[Asked], policy: Policy = POLICY, **how: object) -> dict[int, Answered]:
    with Fetcher(policy, **how) as fetcher:  # type: ignore[arg-type]
        for each in asked:
            fetcher.ask(each)
        found = {}
        while fetcher.in_flight:
            answered = fetcher.answer(30)
            assert answered is not None
            found[answered.key] = answered
        return found


def outcome_of(answered: Answered, url: str) -> tuple[str, str]:
    """Return the outcome of an answer with what its body turns out to be, and the text."""
    if answered.outcome != "ok":
        return answered.outcome, ""
    page = read_page(answered.body, answered.content_type, answered.final_url or url)
    return page.outcome, page.text


def test_every_page_comes_to_what_was_planted(farm: Farm) -> None:
    planted = [page for pages in farm.planted.values() for page in pages]
    found = fetched([Asked(number, page.url) for number, page in enumerate(planted)])
    assert found.keys() == set(range(len(planted)))
    wrong = [
        (page.url, page.outcome, outcome_of(found[number], page.url), found[number].detail)
        for number, page in enumerate(planted)
        if not _is_as_planted(page, outcome_of(found[number], page.url))
    ]
    assert wrong == []
    assert farm.most_of_a_host <= POLICY.per_host


def _is_as_planted(page: Planted, came: tuple[str, str]) -> bool:
    return came[0] == page.outcome and page.says in came[1]


def test_answers_are_told_apart_by_their_number_alone(farm: Farm) -> None:
    url = next(page.url for page in farm.planted[0] if page.outcome == "ok")
    found = fetched([Asked(number, url) for number in (7, 3, 5)])
    assert found.keys() == {3, 5, 7}
    assert len({each.body for each in found.values()}) == 1


def test_a_redirect_is_noted(farm: Farm) -> None:
    found = fetched([Asked(1, f"http://{farm.host(1)}:{farm.first_port}/moved/1")])[1]
    assert found.outcome == "ok"
    assert found.final_url.endswith("/gzipped/moved")


def test_a_page_that_did_not_change_is_not_sent_again(farm: Farm) -> None:
    url = f"http://{farm.host(0)}:{farm.first_port}/page/0"
    first = fetched([Asked(1, url)])[1]
    again = fetched([Asked(1, url, etag=first.etag)])[1]
    assert (first.outcome, again.outcome, again.body) == ("ok", "unchanged", b"")


def test_robots_are_asked_once_a_host_and_can_be_left_unasked(farm: Farm) -> None:
    url = f"http://{farm.host(2)}:{farm.first_port}/private/x"
    before = farm.asked[farm.host(2), "/robots.txt"]
    assert [each.outcome for each in fetched([Asked(1, url), Asked(2, url)]).values()] == ["robots", "robots"]
    assert farm.asked[farm.host(2), "/robots.txt"] == before + 1
    assert farm.asked[host_and_path(url)] == 0
    assert fetched([Asked(1, url)], replace(POLICY, asks_robots=False))[1].outcome == "ok"


def test_a_server_of_http2_is_read_over_one_connection() -> None:
    trust = ssl.create_default_context(cafile=str(CERTIFICATE))
    trust.check_hostname = False
    page = b"<html><body><main><p>The yard builds boats by hand, and repairs those that came before.</p></main>"
    with Http2Server(page).running() as server:
        urls = [f"https://127.0.0.1:{server.port}/page/{number}" for number in range(8)]
        found = fetched(
            [Asked(number, url) for number, url in enumerate(urls)], replace(POLICY, trust=trust, per_host=8)
        )
        assert {outcome_of(found[number], url)[0] for number, url in enumerate(urls)} == {"ok"}
        assert server.protocols == {"h2"}
        assert sorted(server.asked) == ["/page/0", *(f"/page/{n}" for n in range(1, 8)), "/robots.txt"]
        assert server.connections < len(urls), "requests to one host share a connection"


# --- Where connections may lead -----------------------------------------------------------------------------------


class Rebinding:
    """A name server that gives a public address first, and this machine's at every later question."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions = 0

    async def __call__(self, host: str, port: int) -> Sequence[Found]:
        self.questions += 1
        address = self.answers[min(self.questions, len(self.answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


PUBLIC = replace(POLICY, reach=Reach(plain_http=True), connect=0.2, asks_robots=False)


def test_the_address_that_was_checked_is_the_one_connected_to(farm: Farm) -> None:
    """It would read the farm if the name were looked up again between the check and the connection."""
    names = Rebinding("192.0.2.1", farm.host(0))  # a documentation address: nobody answers there
    found = fetched([Asked(1, f"http://rebinding.example:{farm.first_port}/page/0")], PUBLIC, look_up=names)[1]
    assert found.outcome in ("unsafe_address", "unreachable", "timeout")
    assert names.questions == 1
    assert farm.asked["rebinding.example", "/page/0"] == 0


def test_a_name_that_leads_to_this_machine_is_refused(farm: Farm) -> None:
    names = Rebinding(farm.host(0))
    found = fetched([Asked(1, f"http://inside.example:{farm.first_port}/page/0")], PUBLIC, look_up=names)[1]
    assert (found.outcome, farm.asked["inside.example", "/page/0"]) == ("unsafe_address", 0)


def test_without_the_guard_it_would_be_read(farm: Farm) -> None:
    """The control: the same name, where internal addresses are allowed."""
    policy = replace(PUBLIC, reach=Reach(internal=True))
    names = Rebinding(farm.host(0))
    found = fetched([Asked(1, f"http://inside.example:{farm.first_port}/page/0")], policy, look_up=names)[1]
    assert found.outcome == "ok"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0",
        "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1", "fc00::1", "ff02::1",
    ],
)  # fmt: skip
def test_no_name_leads_inside(address: str) -> None:
    found = fetched([Asked(1, "http://name.example/")], PUBLIC, look_up=Rebinding(address))[1]
    assert found.outcome == "unsafe_address"


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://017700000001/", "http://[::ffff:7f00:1]/"]
)
def test_no_number_leads_inside(url: str) -> None:
    assert fetched([Asked(1, url)], PUBLIC)[1].outcome == "unsafe_address"


def test_no_proxy_of_the_environment_is_taken(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert fetched([Asked(1, f"http://{farm.host(0)}:{farm.first_port}/page/0")])[1].outcome == "ok"


# --- Bodies -------------------------------------------------------------------------------------------------------


def test_a_bomb_is_found_out_before_it_is_in_memory() -> None:
    bomb = zlib.compress(bytes(1 << 28), 9)
    unpack = unpacker("deflate", 1 << 20)
    with pytest.raises(TooLarge):
        unpack.add(bomb)
    assert unpack.size <= (1 << 20) + 1


def test_what_was_not_asked_for_is_refused() -> None:
    for encoding in ("br", "zstd", "gzip, gzip"):
        with pytest.raises(BadPacking):
            unpacker(encoding, 100)
    with pytest.raises(BadPacking):
        unpacker("gzip", 100).add(b"no gzip")


def test_leaving_gives_up_what_is_under_way(farm: Farm) -> None:
    with Fetcher(replace(POLICY, whole=60)) as fetcher:
        fetcher.ask(Asked(1, f"http://{farm.host(0)}:{farm.first_port}/silent/1"))
        assert fetcher.answer(0.2) is None
    assert not any(thread.name == "fetching" for thread in threading.enumerate())
