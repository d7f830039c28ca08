"""Is nothing lost where something ends, is stopped, chosen, deleted or forgotten meanwhile?"""

import time

from .test_page import until


def test_a_file_that_is_gone_before_it_is_sent_is_told(visit, shaken, tmp_path):
    photo = tmp_path / "gone.png"
    photo.write_bytes(shaken.read_bytes())

    def lose(route):
        photo.unlink()
        route.fallback()

    with visit(wrong="ERR_FILE_NOT_FOUND") as page:  # browsers tell that of themselves
        page.route("**/api/about", lose)
        page.set_input_files("#choose", photo)
        page.wait_for_selector("#trouble:visible")
        assert page.inner_text("#trouble") == "gone.png: The file cannot be read: choose it again."


def test_a_stopped_photo_a_fast_stroke_and_a_forgotten_photo(visit, shaken):
    with visit() as page:
        page.set_input_files("#choose", shaken)
        page.click("#cancel")
        page.wait_for_selector("#again:visible")

        # The pointer leaves out most cells between its places; the line has them.
        page.click("#tool-kernel summary")
        page.locator("#editor").scroll_into_view_if_needed()
        box = page.locator("#editor").bounding_box()
        across = [box["x"] + share * box["width"] for share in (0.1, 0.9)]
        page.mouse.move(across[0], box["y"] + 0.25 * box["height"])
        page.mouse.down()
        page.mouse.move(across[1], box["y"] + 0.25 * box["height"])
        page.mouse.up()
        row = """canvas => [...canvas.getContext('2d').getImageData(0, 0.25 * canvas.height, canvas.width, 1).data]
          .filter((_, place) => place % 4 === 0)"""
        light = page.eval_on_selector("#editor", row)
        assert min(light[len(light) // 8 : -len(light) // 8]) > 90

        # The server has forgotten the photo meanwhile: that is said when the page is looked at again.
        page.route("**/api/photos", lambda route: route.fulfill(json=[]))
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        until(page, "document.getElementById('reason').textContent.includes('has forgotten this photo')")
        page.unroute("**/api/photos")
        page.click("#again")
        page.wait_for_selector("#progress:visible")
        assert page.locator("#tray li").count() == 1


def test_a_strength_is_not_lost_to_what_ends_or_is_chosen_meanwhile(visit, shaken, tmp_path):
    """Its result is awaited 150 ms: what another job gave in that time does not take its place."""
    other = tmp_path / "other.png"
    other.write_bytes(shaken.read_bytes())
    with visit() as page:
        page.set_input_files("#choose", [shaken, other])
        asked = []
        page.on("request", lambda sent: sent.url.endswith("/deblur") and asked.append(sent.post_data_json["strength"]))
        until(page, "document.querySelectorAll('#tray li').length === 2")
        move = """share => { const s = document.getElementById('strength'); s.value = share;
          s.dispatchEvent(new Event('change', { bubbles: true })); }"""
        for photo, share in ((1, 50), (2, 70)):
            page.eval_on_selector(f"#tray li:nth-child({photo}) button", "button => button.click()")
            page.evaluate(move, share)
        late = time.monotonic() + 10
        while not {0.5, 0.7} <= set(asked):
            assert time.monotonic() < late, asked
            page.wait_for_timeout(50)
        for photo, share in ((1, "50"), (2, "70")):
            page.click(f"#tray li:nth-child({photo}) button")
            assert page.input_value("#strength") == share
