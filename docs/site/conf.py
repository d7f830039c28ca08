"""How does Sphinx make the site? In Furo, from Markdown, in the colours of all our pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from palette import LETTERS, colours

HERE = Path(__file__).parent
# Furo's names of colours, and ours.
NAMES = {
    "color-background-primary": "paper",
    "color-background-secondary": "sunk",
    "color-background-hover": "line",
    "color-background-border": "line",
    "color-foreground-primary": "ink",
    "color-foreground-secondary": "faint",
    "color-foreground-muted": "faint",
    "color-foreground-border": "faint",
    "color-brand-primary": "accent",
    "color-brand-content": "accent",
    "color-brand-visited": "accent",
    "color-inline-code-background": "sunk",
    "color-code-background": "sunk",
    "color-admonition-background": "card",
    "color-doubt": "doubt",
    "color-bad": "bad",
}


def in_furo(ours: dict[str, str]) -> dict[str, str]:
    """Our colours by Furo's names."""
    return {name: ours[mine] for name, mine in NAMES.items()}


light, dark = map(in_furo, colours())
fonts = {
    "font-stack": LETTERS["sans"],
    "font-stack--monospace": LETTERS["mono"],
    "font-stack--headings": LETTERS["serif"],
}

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
    "light_css_variables": light | fonts,
    "dark_css_variables": dark,
    "navigation_with_keys": False,
}
html_static_path = [str(HERE / "static")]
html_css_files = ["blurspace.css"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch the pages that it found, which a browser does not let it do from disk
html_last_updated_fmt = None
