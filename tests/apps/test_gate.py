"""The explorer answers its own page alone; a foreign one is played here, in Chromium, too."""

import asyncio
import http.client
import json
import os
import re
import threading
from contextlib import closing
from dataclasses import asdict
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import browser
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import openmr as om
from openmr.apps import cli
from openmr.apps.explorer import gate as module
from openmr.apps.explorer.gate import LARGEST_BODY, Gate
from openmr.apps.explorer.screen import SLIDERS, Refusal, Settings, moved
from openmr.apps.explorer.server import _token

PORT, WORD = 2718, "a word of sixteen"
HOME = f"127.0.0.1:{PORT}"


def asked(gate, method="GET", path="/", query="", **headers):
    """Status that a gate answers, its headers and its text; 200 is the site's own."""

    async def site(scope, receive, send):
        leave = [(b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": leave})

    sent = []

    async def send(message):
        sent.append(message)

    gate._site = site
    given = {"host": HOME, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "websocket" if method == "websocket" else "http",
        "path": path, "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
    }  # fmt: skip
    if method != "websocket":
        scope["method"] = method
    asyncio.run(gate(scope, None, send))
    if sent[0]["type"] == "websocket.close":
        return 403, {}, sent[0]["reason"]
    return sent[0]["status"], dict(sent[0]["headers"]), sent[-1].get("body", b"").decode()


MOVE = {"method": "POST", "path": "/api/kernel/set_ui_element_value", "content_length": "300"}
SOCKET = {"method": "websocket", "path": "/ws"}
OWN = [
    {},
    {"host": f"LOCALHOST:{PORT}"},
    {"host": f"[::1]:{PORT}"},
    {"origin": f"http://{HOME}"},
    {"sec_fetch_site": "same-origin"},
    {"sec_fetch_site": "cross-site", "sec_fetch_dest": "document"},  # a link
    MOVE,
    {**SOCKET, "origin": f"http://{HOME}"},
]
FOREIGN = [
    {"host": f"evil.example:{PORT}"},
    {"host": "127.0.0.1"},
    {"host": "127.0.0.1:1"},
    {"host": ""},
    {"host": f"127.0.0.1.evil.example:{PORT}"},
    {"host": f"evil.example@127.0.0.1:{PORT}", "origin": "http://evil.example"},
    {"host": f"10.0.0.1:{PORT}"},
    {"host": "[::1"},
    {"host": "127.0.0.1:many"},
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": f"https://{HOME}"},
    {"origin": f"http://localhost:{PORT}"},  # another origin than the address asked for
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site", "sec_fetch_dest": "iframe"},
    {**MOVE, "origin": "http://evil.example"},
    {**SOCKET, "origin": "http://evil.example"},
    {**SOCKET, "host": f"evil.example:{PORT}", "origin": f"http://evil.example:{PORT}"},
]


@pytest.mark.parametrize("request_", OWN, ids=str)
def test_the_own_page_is_answered_and_gives_others_no_leave(request_):
    status, headers, _ = asked(Gate(None, "127.0.0.1", PORT), **request_)
    assert status == 200
    assert b"access-control-allow-origin" not in headers
    assert headers[b"x-frame-options"] == b"DENY"


@pytest.mark.parametrize("request_", FOREIGN, ids=str)
def test_foreign_hosts_and_origins_are_refused(request_):
    status, _, said = asked(Gate(None, "127.0.0.1", PORT), **request_)
    assert status == 403
    assert "its own address alone" in said


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({**MOVE, "content_length": str(LARGEST_BODY + 1)}, 413),
        ({**MOVE, "content_length": "1" * 5000}, 413),
        ({**MOVE, "content_length": "-1"}, 413),
        ({"method": "POST", "path": MOVE["path"]}, 413),  # without a length: in chunks
        ({**MOVE, "path": "/api/kernel/run"}, 404),
        ({**MOVE, "path": "/api/kernel/function_call"}, 404),
        ({"method": "OPTIONS"}, 404),
        ({"method": "DELETE"}, 404),
        ({"path": "/sse"}, 404),
        ({**SOCKET, "path": "/ws_sync"}, 403),
    ],
    ids=str,
)
def test_what_no_slider_sends_is_refused(request_, status):
    assert asked(Gate(None, "127.0.0.1", PORT), **request_)[0] == status


def test_the_rate_is_bounded_and_recovers(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    gate = Gate(None, "127.0.0.1", PORT)
    for kind, request in (("GET", {}), ("POST", MOVE), ("websocket", SOCKET)):
        most, rate = module._ALLOWANCE[kind]
        answers = [asked(gate, **request)[0] for _ in range(most + 1)]
        assert set(answers[:-1]) == {200}
        assert answers[-1] == (403 if kind == "websocket" else 429)
        now[0] += 1.0 / rate
        assert asked(gate, **request)[0] == 200


def test_with_a_token_it_is_asked_for_once_and_kept_in_a_cookie():
    gate = Gate(None, "0.0.0.0", PORT, WORD)
    there = {"host": f"10.0.0.1:{PORT}"}  # any address of this machine, but no foreign name
    assert asked(gate, **there)[0] == 401
    assert asked(gate, **there, query="token=another")[0] == 401
    assert asked(gate, **SOCKET, **there)[0] == 403
    status, headers, _ = asked(gate, **there, query="token=a+word+of+sixteen")
    assert (status, headers[b"location"]) == (303, b"/")
    kept = headers[b"set-cookie"].decode()
    assert "HttpOnly; SameSite=Strict" in kept
    there_and_back = asked(gate, **there, query="field=2.5&token=a+word+of+sixteen&x=%0d%0aa")
    assert there_and_back[1][b"location"] == b"/?field=2.5&x=%0D%0Aa"  # no line of its own
    assert asked(gate, **there, cookie=kept.split(";")[0])[0] == 200
    assert asked(gate, **there, cookie="openmr_token_2718=no")[0] == 401
    assert asked(gate, **there, cookie='a="\\')[0] == 401
    evil = {"host": f"evil.example:{PORT}", "query": "token=a+word+of+sixteen"}
    assert asked(gate, **evil)[0] == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_other_machines_need_a_token(host, capsys):
    assert cli.main(["explore", "--headless", "--port", "0", "--host", host]) == 2
    said = capsys.readouterr().err
    assert "`host` must be this machine alone" in said
    assert "--token" in said
    with pytest.raises(om.ParameterError, match="`token` must have at least 16 characters, got 4"):
        _token(host, "word")
    assert len(_token(host, "")) >= 16
    assert _token(host, "") != _token(host, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_none(host):
    assert _token(host, None) == ""
    assert _token(host, WORD) == WORD


def test_what_the_page_sends_is_held_to_the_ends_of_its_sliders():
    start = asdict(Settings())
    assert moved(start) == Settings()
    for name, (least, most, _) in SLIDERS.items():
        for value in (least, most):
            assert getattr(moved({**start, name: value}), name) == value
        for value in (least - 1e-9, most + 1e-3, 1e6, float("nan"), None, "x", [1], True, 10**400):
            found = moved({**start, name: value})
            assert isinstance(found, Refusal), (name, value)
            assert name.replace("_", " ") in found.reason.lower()


# --- the server -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Port of an explorer."""
    with browser.served(tmp_path_factory.mktemp("home")) as address:
        yield int(address.rpartition(":")[2])


def status_of(port, method="GET", path="/", body=None, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as asking:
        asking.request(method, path, body, headers)
        with asking.getresponse() as answer:
            assert answer.getheader("access-control-allow-origin") is None
            return answer.status


def socket_status(port, session, **more):
    """101 if a WebSocket opens."""
    try:
        with connect(f"ws://127.0.0.1:{port}/ws?session_id={session}", proxy=None, **more):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.slow
def test_the_server_stands_behind_its_gate(server):
    own = f"http://127.0.0.1:{server}"
    assert status_of(server) == 200
    assert status_of(server, Origin=own) == 200
    assert status_of(server, Origin="http://evil.example") == 403
    assert status_of(server, Host="evil.example") == 403
    assert status_of(server, "POST", MOVE["path"], "{}", Origin="http://evil.example") == 403
    assert status_of(server, "POST", MOVE["path"], "x" * (LARGEST_BODY + 1)) == 413
    assert socket_status(server, "s_aaaaaa", origin="http://evil.example") == 403
    assert socket_status(server, "s_aaaaaa", origin=own) == 101


@pytest.mark.slow
def test_a_value_that_no_slider_has_does_not_stop_the_server(server):
    """A spin of a million by way of a socket of one's own, and the next visitor is served."""
    own, session = f"http://127.0.0.1:{server}", "s_bbbbbb"
    where = f"ws://127.0.0.1:{server}/ws?session_id={session}"
    with connect(where, proxy=None, origin=own, max_size=None) as page:
        read = partial(page.recv, timeout=60, decode=True)
        found = None
        while found is None:
            found = re.search(r"object-id='([^']+)'[^>]*><marimo-slider[^>]*>?[^>]*spin S", read())
        body = json.dumps({"objectIds": [found[1]], "values": [1e6]})
        headers = {"Marimo-Session-Id": session, "Content-Type": "application/json"}
        assert status_of(server, "POST", MOVE["path"], body, **headers) == 200
        while "No result for these values" not in (told := read()):
            pass
    assert "Spin must be one real number" in told


# --- a foreign page in Chromium ---------------------------------------------------------------

ATTACK = """<title>foreign</title><script>
const at = "127.0.0.1:%d", told = {};
const tell = (name) => (what) => { told[name] = `${what}`; };
const answered = (r) => r.type === "opaque" ? "opaque" : r.text().then((t) => t.slice(0, 200));
fetch(`http://${at}/`).then(answered).then(tell("read"), () => tell("read")("refused"));
fetch(`http://${at}/api/kernel/set_ui_element_value`, {method: "POST", body: "{}",
  headers: {"Content-Type": "application/json"}})
  .then(answered).then(tell("move"), () => tell("move")("refused"));
const socket = new WebSocket(`ws://${at}/ws?session_id=s_foreig`);
socket.onopen = () => tell("socket")("open");
socket.onerror = () => tell("socket")("refused");
const image = new Image();
image.onload = () => tell("image")("loaded");
image.onerror = () => tell("image")("refused");
image.src = `http://${at}/favicon.ico`;
window.told = told;
</script><iframe src="http://127.0.0.1:%d/"></iframe>"""


@pytest.fixture(scope="module")
def foreign(server):
    """Port of a page that is not ours, beside the explorer."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((ATTACK % (server, server)).encode())

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield other.server_port
        other.shutdown()


@pytest.mark.slow
def test_a_foreign_page_neither_reads_nor_drives_the_explorer(server, foreign):
    if not (browser.CHROMIUM and browser.DRIVER):
        reason = "chromium and chromedriver are not installed"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    names = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    with browser.chromium(names) as driver:
        attempts = ("read", "move", "socket", "image")
        for origin in (f"http://evil.example:{foreign}", f"http://127.0.0.1:{foreign}"):
            driver.get(origin)
            told = browser.wait_for(driver, lambda d: d.execute_script(
                "return Object.keys(told).length == 4 ? told : null"
            ))  # fmt: skip
            assert told == dict.fromkeys(attempts, "refused")
            driver.switch_to.frame(0)
            assert "openmr explore" not in driver.page_source
            driver.switch_to.default_content()
        # the name of the attacker, pointed at this machine after its page was read
        driver.get(f"http://evil.example:{server}/")
        assert "its own address alone" in driver.page_source
        # and who opens the explorer by its address is served, in the same browser
        browser.visit(driver, f"http://127.0.0.1:{server}", 1280, 900)
        assert "openmr explore" in driver.page_source
