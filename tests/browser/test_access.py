"""Can everybody use the page? axe-core finds nothing serious, in either theme, on any tab."""

import pytest

from .conftest import AXE
from .test_page import WAIT, restored

BAD = ("serious", "critical")


def findings(page):
    """What axe-core holds against the page as it is now."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    told = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert len(told["passes"]) > 10  # it did look
    bad = [one for one in told["violations"] if one["impact"] in BAD]
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in bad]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: run `make browser`")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious(visit, shaken, theme):
    with visit(color_scheme=theme) as page:
        assert findings(page) == []
        page.set_input_files("#choose", shaken)
        page.wait_for_selector("#progress:visible")
        assert findings(page) == []
        restored(page)
        for tool in range(5):
            page.click(f".side details >> nth={tool} >> summary")
            assert findings(page) == [], tool
        page.click("#tool-mask summary")
        page.check("[name=where][value=paint]")
        assert findings(page) == []
        page.click("#tool-blur summary")
        page.click("#add-place")
        assert findings(page) == []
        for mode in ("field", "map"):
            page.check(f"[name=mode][value={mode}]", force=True)
            assert findings(page) == [], mode
        for tab in ("transfer", "adapt"):
            page.click(f"#tab-{tab}")
            assert findings(page) == [], tab
    with visit("api", color_scheme=theme) as page:
        page.wait_for_selector("#list h2", timeout=WAIT)
        assert findings(page) == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: run `make browser`")
def test_the_button_changes_the_theme(visit):
    with visit(color_scheme="light") as page:
        shades = []
        for _ in range(3):
            shades.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
            page.click("#theme")
        assert shades[0] == shades[1] != shades[2]  # as the system has it, light, dark
        page.reload()
        assert page.inner_text("#theme") == "Theme: auto"
