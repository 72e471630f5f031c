"""Serving the explorer: marimo's app behind uvicorn, on this machine unless told otherwise."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import warnings
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from openmr._checks import ParameterError
from openmr.apps.explorer.gate import LARGEST_BODY, Gate, Site, is_loopback
from openmr.apps.explorer.screen import Settings, answer

_APP = Path(__file__).with_name("app.py")
_SHORTEST_TOKEN = 16
_CONNECTIONS = 200
"""Open at once; a browser holds six and a socket."""


def serve(
    host: str = "127.0.0.1", port: int = 2718, *, token: str | None = None, headless: bool = False
) -> None:
    """Serve the explorer until interrupted, at an address of this machine; port 0 takes a free one.

    An address that others can reach needs a token, which who asks must know; "" stands for one that
    is made up. `ImportError` without marimo, `ParameterError` if nothing can listen there.
    """
    import marimo
    import uvicorn

    token = _token(host, token)
    listening = _listener(host, port)
    answer(Settings())  # QuTiP takes a second to import: before the first visitor comes
    logging.getLogger("asyncio").addFilter(tells_more_than_a_closed_tab)
    mounted: list[Any] = []

    def keep(app: Any) -> Any:
        mounted.append(app)
        return app

    site: Site = (
        marimo.create_asgi_app(quiet=True, include_code=False)
        .with_app(path="", root=str(_APP), middleware=[keep])
        .build()
    )
    # an open page keeps its connection: do not wait for it at the end
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            Gate(site, host, port, token), log_level="warning", timeout_graceful_shutdown=1,
            ws_max_size=LARGEST_BODY, limit_concurrency=_CONNECTIONS, proxy_headers=False,
        )
    )  # fmt: skip
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}" + (f"/?token={quote(token)}" if token else "")
    try:
        with listening, suppress(KeyboardInterrupt), warnings.catch_warnings():
            # Ctrl-C may come before uvicorn's loop has begun
            warnings.filterwarnings("ignore", "coroutine 'Server.serve' was never awaited")
            print(f"openmr explore: {address} (stop with Ctrl-C)", flush=True)
            if not headless:
                # the socket listens already: a browser that comes early waits
                threading.Timer(0.5, webbrowser.open, (address,)).start()
            server.run(sockets=[listening])
    finally:
        # the thread behind each open page outlives the server, and Python would wait for it
        for app in mounted:
            app.state.session_manager.close_all_sessions()


def tells_more_than_a_closed_tab(record: logging.LogRecord) -> bool:
    """Filter of asyncio's log: a page that is gone cannot be written to, at every move."""
    return record.getMessage() != "socket.send() raised exception."


def _token(host: str, token: str | None) -> str:
    """The word that visitors must know, "" for none; `ParameterError` where that would not do."""
    if token is None and is_loopback(host):
        return ""
    if token is None:
        raise ParameterError(
            f"`host` must be this machine alone, as 127.0.0.1, without a `token`, got {host}; "
            "with --token the page asks others for it"
        )
    if token and len(token) < _SHORTEST_TOKEN:
        raise ParameterError(
            f"`token` must have at least {_SHORTEST_TOKEN} characters, got {len(token)}"
        )
    return token or secrets.token_urlsafe(_SHORTEST_TOKEN)


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket; `ParameterError` if the port is out of range or the address not free."""
    if not 0 <= port <= 65535:
        raise ParameterError(f"`port` must be 0 to 65535, got {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ParameterError(
            f"`host` and `port` must be a free address of this machine, got {host}:{port}: {reason}"
        ) from None
