"""Calls that must be refused, many in one test, which names those that are not."""

import re
import warnings
from collections.abc import Callable, Iterable

import openmr as om


def unclear(rows: Iterable[tuple[Callable[[], object], str]], size: str = "") -> dict[str, str]:
    """Expected message -> what came instead, of the calls that do not refuse by it in one line.

    Where `size` is given, the messages that hold it belong to a SizeError, and no other does.
    """
    instead = {}
    for call, message in rows:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                instead[message] = f"no error: {call()!r}"
            except Exception as error:
                right = isinstance(error, om.ParameterError) and isinstance(error, ValueError)
                if size and isinstance(error, om.SizeError) != (size in message):
                    right = False
                if not right or not re.search(message, str(error)) or "\n" in str(error):
                    instead[message] = repr(error)
    return instead
