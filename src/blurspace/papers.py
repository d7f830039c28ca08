"""Which publications stand behind the methods and protocols? Those in `papers.bib`, by their BibTeX keys."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

ACCENTS = {"'": "\N{COMBINING ACUTE ACCENT}", '"': "\N{COMBINING DIAERESIS}"}


@dataclass(frozen=True)
class Paper:
    """A publication, by its BibTeX entry."""

    bibtex: str

    @property
    def text(self) -> str:
        """One line for people: authors by their initials, title, where and when."""
        entry = re.sub(r"\{\\(['\"])(\w)\}", lambda found: found[2] + ACCENTS[found[1]], self.bibtex)
        fields = dict(re.findall(r"^  (\w+) += \{(.*?)\},?$", unicodedata.normalize("NFC", entry), re.M | re.S))
        authors = [author.split(", ") for author in re.split(r"\s+and\s+", fields["author"])]
        names = ", ".join(re.sub(r"(?<=\w)[\w.]+", ".", first) + f" {last}" for last, first in authors)
        title = re.sub("[{}]", "", fields["title"]).replace("`", "'")
        if "journal" not in fields:
            short = re.search(r"\((\w+)\)", fields["booktitle"])
            return f"{names}. {title}. {short[1] if short else fields['booktitle']} {fields['year']}."
        number = f"({fields['number']})" if "number" in fields else ""
        volume = f" {fields['volume']}{number}" if "volume" in fields else ""
        return f"{names}. {title}. {fields['journal']}{volume}, {fields['year']}."


def _read() -> dict[str, Paper]:
    """Each entry by its key, in the file's order; an entry ends with a brace at the start of a line."""
    text = (Path(__file__).parent / "papers.bib").read_text("utf-8")
    return {entry[1]: Paper(entry[0]) for entry in re.finditer(r"^@\w+\{(\w+),\n.*?^\}$", text, re.M | re.S)}


PAPERS = _read()
