"""Does a link with the token open the page, also on another page, from which browsers send no Strict cookie along?"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from .conftest import serving


def test_a_link_with_the_token_on_another_page(browser):
    with serving("--host", "0.0.0.0") as address:

        class Other(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(f'<a href="{address}">look</a>'.encode())

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
            Thread(target=other.serve_forever, daemon=True).start()
            page = browser.new_page()
            page.goto(f"http://localhost:{other.server_port}/")
            page.click("a")
            page.wait_for_selector("html[data-ready]")
            assert "?token=" in address
            assert "token" not in page.url
            page.close()
            other.shutdown()
