"""Can it be used on a phone? Everything fits, and what is going on, what went wrong and the download are in sight."""

import pytest

from .test_page import PHONE, restored, saved, until

SIZES = {"small": (360, 740), "large": (390, 844), "lying": (740, 360)}  # px
FINGER = 44  # px, as WCAG 2.5.5 wants a target for fingers
# Everything that can be tapped; of what is within a label, the label; what only keys reach is left out.
SMALL = f"""[...document.querySelectorAll("button, a, summary, select, label, input")]
  .filter((one) => one.checkVisibility() && !one.matches(".hidden, .skip, .box, .tool *, label input"))
  .filter((one) => one.tagName !== "LABEL" || one.matches(".button, :has(input)"))
  .filter((one) => one.getBoundingClientRect().height < {FINGER})
  .map((one) => one.outerHTML.slice(0, 90))"""
WIDER = "document.scrollingElement.scrollWidth > window.innerWidth"
LENS_IS_LATER = """Boolean(document.getElementById("receipt")
  .compareDocumentPosition(document.getElementById("lens")) & Node.DOCUMENT_POSITION_FOLLOWING)"""


def in_sight(page, selector):
    """Whether all of an element is within the window, and nothing lies upon its middle."""
    return page.eval_on_selector(
        selector,
        """(one) => {
          const box = one.getBoundingClientRect();
          const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
          return box.width > 0 && box.top >= 0 && box.bottom <= innerHeight && (one.contains(top) || top.contains(one));
        }""",
    )


def sized(page, name):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[name], strict=True)))


def test_each_tab_fits_and_fingers_hit(visit):
    with visit(**PHONE) as page:
        for name in SIZES:
            sized(page, name)
            for tab in ("deblur", "transfer", "adapt"):
                page.click(f"#tab-{tab}")
                assert not page.evaluate(WIDER), (name, tab)
                assert page.evaluate(SMALL) == [], (name, tab)


def test_from_choosing_to_saving_nothing_is_out_of_sight(visit, shaken):
    with visit(**PHONE) as page:
        page.set_input_files("#choose", shaken)
        page.wait_for_selector("#progress:visible")
        for name in SIZES:
            sized(page, name)
            for what in ("#stage", "#share", "#cancel"):
                assert in_sight(page, what), (name, what)
        restored(page)
        for name in SIZES:
            sized(page, name)
            later = str(name != "lying").lower()  # for the keyboard as for the eye, once the page heard of its new size
            until(page, f"{LENS_IS_LATER} === {later}")
            assert not page.evaluate(WIDER), name
            assert in_sight(page, "#download"), name
            for tool in range(5):  # also where the way back would be long
                page.click(f".side details >> nth={tool} >> summary")
                assert not page.evaluate(WIDER), (name, tool)
                assert page.evaluate(SMALL) == [], (name, tool)
                page.evaluate("scrollTo(0, document.querySelector('.side details[open]').offsetTop)")
                assert in_sight(page, "#download"), (name, tool)
                assert in_sight(page, "#viewer"), (name, tool)
            page.evaluate("scrollTo(0, 0)")
        assert saved(page).suggested_filename == "shaken.deblurred.png"


@pytest.mark.parametrize("size", SIZES)
def test_an_error_is_in_sight_and_told_once(visit, tmp_path, size):
    (tmp_path / "no.png").write_bytes(b"no photo")
    with visit(wrong="415", **PHONE) as page:
        sized(page, size)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.evaluate(
            """window.told = [];
            new MutationObserver((seen) => told.push(...seen.flatMap((one) => [...one.addedNodes])))
              .observe(document.getElementById("trouble"), { childList: true })"""
        )
        page.set_input_files("#choose", [tmp_path / "no.png"])
        page.wait_for_selector("#trouble:visible")
        assert in_sight(page, "#trouble")
        assert page.evaluate("told.length") == 1
        page.click("#trouble-close")
        assert page.is_hidden("#trouble")


def test_work_that_failed_is_told_where_it_is_seen(visit, shaken):
    with visit(wrong="500", **PHONE) as page:
        restored(page, shaken)
        page.route("**/deblur", lambda route: route.fulfill(status=500, json={"detail": "no room is left"}))
        page.click("#tool-mask summary")
        page.check("[name=where][value=auto]")
        until(page, "document.getElementById('headline').textContent === 'It did not work'")
        assert in_sight(page, "#headline")
        assert in_sight(page, "#reason")
        assert page.inner_text("#live") == "shaken.png: No room is left."
