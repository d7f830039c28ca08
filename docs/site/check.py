"""Does a site work from disk, alone? Nothing is asked of another host, and no link within it leads nowhere."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself; an <a> waits for its reader.
FETCHED = {"src", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href"}
# In style and code: an address within url(), after @import, or what a script would fetch or load.
STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""")
SCRIPT = re.compile(
    r"""(?:fetch|(?<!@)import|open|importScripts|Worker|\.src\s*=|\.href\s*=)\s*\(?\s*["'`]((?:https?:)?//[^"'`\s]+)"""
)


class Page(HTMLParser):
    """The addresses that a page fetches, those that it links to, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort its addresses."""
        told = {name: value or "" for name, value in attrs}
        self.places |= {told[name] for name in ("id", "name") if name in told}
        self.fetched += [told[name] for name in FETCHED & set(told) if name != "srcset"]
        self.fetched += [one.split()[0] for one in re.split(r",\s+", told.get("srcset", "")) if one.strip()]
        if "href" in told:
            (self.linked if tag in ("a", "area") else self.fetched).append(told["href"])


def outside(address: str) -> bool:
    """Whether an address is on another host."""
    return address.startswith("//") or urlsplit(address).scheme in ("http", "https", "ws", "wss")


def faults(site: Path) -> list[str]:
    """A sentence for each fault."""
    found = []
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        found += [f"{path}: asks {one}" for one in page.fetched if outside(one)]
        found += [f"{path}: {one} leads nowhere" for one in page.linked if not leads(one, path, pages)]
        found += [f"{path}: {one} is not there" for one in page.fetched if not leads(one, path, pages)]
    return found + list(asked(site))


def asked(site: Path) -> Iterator[str]:
    """What styles and scripts, in files or in pages, ask of other hosts."""
    for path in sorted(path for path in site.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg")):
        text = path.read_text(encoding="utf-8")
        for pattern in (STYLE, SCRIPT):
            yield from (f"{path}: asks {one}" for one in pattern.findall(text))


def leads(address: str, path: Path, pages: dict[Path, Page]) -> bool:
    """Whether an address within the site leads to a file, and to a place in it; others are not looked at.

    `pages`: by their resolved paths, of which `path` is one.
    """
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or parts.path.endswith("/"):  # from disk nobody finds a folder's index
        return False
    page = pages.get(target)
    return not parts.fragment or page is None or unquote(parts.fragment) in page.places
