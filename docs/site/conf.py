"""How does Sphinx make the site? In Furo, from Markdown, in the colours of all our pages."""

import re
from pathlib import Path

HERE = Path(__file__).parent
LOOK = (HERE / "../../src/blurspace/pages/look.css").resolve().read_text(encoding="utf-8")
# Furo's names of colours, and ours.
NAMES = {
    "color-background-primary": "paper",
    "color-background-secondary": "sunk",
    "color-background-hover": "line",
    "color-background-border": "line",
    "color-foreground-primary": "ink",
    "color-foreground-secondary": "quiet",
    "color-foreground-muted": "quiet",
    "color-foreground-border": "quiet",
    "color-brand-primary": "accent",
    "color-brand-content": "accent",
    "color-brand-visited": "accent",
    "color-inline-code-background": "sunk",
    "color-code-background": "sunk",
    "color-admonition-background": "raised",
    "color-good": "good",
    "color-doubt": "doubt",
    "color-bad": "bad",
    "color-raised": "raised",
}


def colours(theme: str) -> dict[str, str]:
    """Furo's colours of this theme."""
    block = re.search(rf"color-scheme: {theme};(.*?)\}}", LOOK, re.DOTALL)
    assert block is not None
    ours = dict(re.findall(r"--([\w-]+): (#\w+);", block[1]))
    return {name: ours[mine] for name, mine in NAMES.items()}


letters = dict(re.findall(r"--(sans|mono): (.*?);", LOOK))
fonts = {"font-stack": letters["sans"], "font-stack--monospace": letters["mono"]}

project = html_title = "blurspace"
author = "The blurspace authors"
copyright = author  # the name that Sphinx wants
root_doc = "index"
smartquotes = False  # it would make a dash of the two before an option
extensions = ["myst_parser"]
myst_heading_anchors = 4  # as GitHub does, so that the same links work there
highlight_language = "none"
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"

html_theme = "furo"
html_theme_options = {
    "light_css_variables": colours("light") | fonts,
    "dark_css_variables": colours("dark"),
    "navigation_with_keys": False,
}
html_static_path = [str(HERE / "static")]
html_css_files = ["blurspace.css"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch the pages that it found, which a browser does not let it do from disk
html_last_updated_fmt = None
