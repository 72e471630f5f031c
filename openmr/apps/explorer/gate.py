"""The gate before the explorer: who may ask, and how much.

A page of another origin, a name that was made to point here, and whoever lacks the token are turned
away before marimo sees them; so is what no slider sends. It is plain ASGI and knows no marimo.
"""

from __future__ import annotations

import hmac
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
Site = Callable[[_Message, _Receive, _Send], Awaitable[None]]
"""An ASGI application."""

LARGEST_BODY: Final = 2**16
"""Bytes of a request or a message; a move of a slider takes a few hundred."""
_POSTS: Final = ("/api/kernel/set_ui_element_value",)
_ALLOWANCE: Final = {"GET": (3000, 300.0), "POST": (200, 50.0), "websocket": (30, 0.2)}
"""Kind of request -> how many at once, and how many more each second. A page is some hundred files,
a held key thirty posts a second, an open page one socket and one thread for two minutes."""
_HEADERS: Final = (
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # the token may be in the address
)
_FOREIGN = 403, "the explorer answers at its own address alone, and no page from elsewhere"


class Gate:
    """`site`, for those who ask for it by its own address and, if there is one, with its token."""

    def __init__(self, site: Site, host: str, port: int, token: str = "") -> None:
        self._site, self._host, self._port, self._token = site, host, port, token
        now = time.monotonic()
        self._left = {kind: (float(most), now) for kind, (most, _) in _ALLOWANCE.items()}

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer as the site does, or refuse in a line."""
        if scope["type"] == "lifespan":
            return await self._site(scope, receive, send)
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is None and self._token and scope["type"] == "http" and _asked_token(scope):
            cookie = f"{self._cookie}={quote(self._token)}; HttpOnly; SameSite=Strict; Path=/"
            headed = [(b"location", _without_token(scope)), (b"set-cookie", cookie.encode())]
            return await _say(send, 303, "", headed)
        if refusal is None:
            return await self._site(scope, receive, _sealed(send))
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        return await _say(send, *refusal)

    def _refusal(self, scope: _Message, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason; None for who may pass."""
        if not (self._is_own(headers.get("host", "")) and _is_at_home(headers)):
            return _FOREIGN
        if self._token and not self._knows_token(scope, headers):
            return 401, "the explorer needs its token: open the address that its terminal shows"
        kind = scope.get("method", "websocket").replace("HEAD", "GET")
        path = scope["path"]
        if not (
            (kind == "GET" and path != "/sse")
            or (kind == "POST" and path in _POSTS)
            or (kind == "websocket" and path == "/ws")
        ):
            return 404, "the explorer has nothing there"
        size = headers.get("content-length", "" if kind == "POST" else "0")
        if not (size.isdecimal() and len(size) < 9 and int(size) <= LARGEST_BODY):
            return 413, f"a request must state its length, at most {LARGEST_BODY} bytes"
        if not self._takes_one(kind):
            return 429, "too many requests"
        return None

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this machine: as a foreign name would that points here."""
        try:
            asked = urlsplit(f"//{host}")
            name, port = asked.hostname or "", asked.port or 80
        except ValueError:
            return False
        names = {self._host.lower(), "localhost", "127.0.0.1", "::1"}
        if not is_loopback(self._host):  # any of its addresses; and names it has itself
            names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
            names |= {name} if _is_address(name) else set()
        return port == self._port and name in names

    def _knows_token(self, scope: _Message, headers: Mapping[str, str]) -> bool:
        try:
            kept = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            kept = None
        given = (_asked_token(scope), kept.value if kept else "")
        return any(
            hmac.compare_digest(one.encode(), each.encode())
            for one in given
            for each in (self._token, quote(self._token))
        )

    @property
    def _cookie(self) -> str:
        return f"openmr_token_{self._port}"

    def _takes_one(self, kind: str) -> bool:
        """Take one from the allowance of this kind, which fills up again with time."""
        most, rate = _ALLOWANCE[kind]
        left, then = self._left[kind]
        now = time.monotonic()
        left = min(float(most), left + rate * (now - then))
        self._left[kind] = (left - 1.0 if left >= 1.0 else left, now)
        return left >= 1.0


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can ask at that address."""
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_at_home(headers: Mapping[str, str]) -> bool:
    """Whether no page of another origin asks."""
    own = f"http://{headers['host']}".lower()
    if headers.get("origin", own).lower() != own:
        return False
    # an image, a script, a frame of a foreign page names no origin, but the browser says this
    near = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return near or headers.get("sec-fetch-dest") == "document"  # somebody followed a link


def _asked_token(scope: _Message) -> str:
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("token", [""])[0]


def _without_token(scope: _Message) -> bytes:
    """The address asked for, whose other words say where the sliders stand."""
    query: bytes = scope["query_string"]
    rest = [pair for pair in parse_qsl(query.decode("latin-1")) if pair[0] != "token"]
    return f"/?{urlencode(rest)}".encode() if rest else b"/"


def _sealed(send: _Send) -> _Send:
    """`send` without leave for other origins, and with what keeps them out."""

    async def sealed(message: _Message) -> None:
        if message["type"] == "http.response.start":
            kept = [h for h in message["headers"] if not h[0].startswith(b"access-control-")]
            message = {**message, "headers": [*kept, *_HEADERS]}
        await send(message)

    return sealed


async def _say(
    send: _Send, status: int, reason: str, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = f"{reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *_HEADERS,
        *(more or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
