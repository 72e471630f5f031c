"""The page of a wheel: every link is absolute, and what leads to a file finds it in the source.

python page.py WHEEL SOURCE
"""

import re
import sys
import tarfile
import zipfile
from email.parser import Parser
from html.parser import HTMLParser


class Links(HTMLParser):
    """Targets of links and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the tag refers to."""
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]


def lost(html: str, repository: str, files: set[str]) -> list[str]:
    """The targets that lead nowhere from a page of an index."""
    links = Links()
    links.feed(html)
    raw = repository.replace("//github.com/", "//raw.githubusercontent.com/")
    in_repository = re.compile(rf"(?:{re.escape(repository)}/blob|{re.escape(raw)})/[^/]+/([^#]+)")
    return [
        target
        for target in links.found
        if not re.match(r"https?://|mailto:|#", target)
        or ((place := in_repository.match(target)) and place[1] not in files)
    ]


def main(wheel: str, source: str) -> str:
    """The verdict in a line; exits with the lost targets."""
    from readme_renderer.markdown import render

    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    with tarfile.open(source) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    addresses = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
    html = render(metadata.get_payload())
    if not html:
        sys.exit("the README does not render")
    if missing := lost(html, addresses["Repository"], files):
        sys.exit("links that lead nowhere: " + ", ".join(missing))
    return (
        f"the page renders; its {html.count('href=')} links and {html.count('<img')} picture hold"
    )


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
