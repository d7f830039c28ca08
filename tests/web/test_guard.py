"""Are requests of other pages and other names refused, and are all answers strict?"""

import pytest

from .quick import HERE


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost", "LOCALHOST:80", "[::1]:8765"])
def test_this_machine_may_ask(serve, host):
    assert serve().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7", "localhost.evil.example:8765", "", "a@127.0.0.1"]
)
def test_by_a_foreign_name_nobody_may(serve, host):
    """DNS rebinding: a page of evil.example, whose name suddenly means 127.0.0.1, asks by its own name."""
    client = serve()
    assert client.get("/", headers={"host": host}).status_code == 403
    assert client.get("/api/about", headers={"host": host}).status_code == 403


def test_the_name_that_it_listens_under(serve):
    client = serve()
    client.app.name = "darkroom.lan"
    assert client.get("/", headers={"host": "Darkroom.lan"}).status_code == 200
    assert client.get("/", headers={"host": "evil.lan"}).status_code == 403


def test_one_port_alone(serve):
    client = serve()
    client.app.port = 8765
    assert client.get("/", headers={"host": "127.0.0.1:8765"}).status_code == 200
    assert client.get("/", headers={"host": "127.0.0.1:8766"}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost"])
def test_other_pages_may_not_post(serve, origin):
    client = serve()
    for method in ("post", "delete", "put"):
        answer = getattr(client, method)("/api/examples/shaken-fruit.jpg", headers={"origin": origin})
        assert answer.status_code == 403, method
    assert not client.server.visitors._all  # nobody was let in


def test_our_page_may_post(serve):
    assert serve().post("/api/examples/shaken-fruit.jpg", headers={"origin": HERE}).status_code == 201


def test_other_pages_may_not_embed(serve):
    client = serve()
    told = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client.get("/api/about", headers=told).status_code == 403


def test_a_link_on_another_page_loses_no_photos(serve):
    """Browsers send no Strict cookie along: an API that answered would take the visitor for a new one."""
    client = serve()
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    for path, status in (("/", 200), ("/api", 200), ("/api/about", 403), ("/api/openapi.json", 403)):
        answer = client.get(path, headers=link)
        assert answer.status_code == status, path
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/api/about", "/nothing", "/api/openapi.json", "/api/jobs/x"])
def test_every_answer_is_strict(serve, path):
    headers = serve().get(path).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_a_token_is_wanted(serve):
    client = serve(token="secret-word")
    refused = client.get("/api/about")
    assert refused.status_code == 401
    assert "token" in refused.text
    assert client.get("/?token=wrong", follow_redirects=False).status_code == 401
    assert client.get("/style.css?token=secret-word").status_code == 401
    opened = client.get("/?token=secret-word", follow_redirects=False)
    assert (opened.status_code, opened.headers["refresh"]) == (200, "0; url=/")  # after a redirection: no Strict cookie
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/api/about").status_code == 200  # by the cookie


def test_each_port_has_its_own_cookies(serve):
    client = serve(token="secret-word")
    client.app.port = client.server.port = 8765
    client.headers["host"] = "127.0.0.1:8765"
    assert list(client.get("/?token=secret-word", follow_redirects=False).cookies) == ["blurspace-token-8765"]
    assert list(client.get("/api/about").cookies) == ["blurspace-visitor-8765"]
    photo = client.post("/api/examples/shaken-fruit.jpg").json()
    assert [one["id"] for one in client.get("/api/photos").json()] == [photo["id"]]
    client.app.port = client.server.port = 8766  # another server is asked by the same browser
    client.headers["host"] = "127.0.0.1:8766"
    assert client.get("/api/about").status_code == 401


@pytest.mark.parametrize("path", ["/", "/api/about"])
def test_head_is_get_without_a_body(serve, path):
    client = serve()
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == client.get(path).headers["content-length"]
    assert client.head("/nothing").status_code == 404


def test_a_token_by_header(serve):
    client = serve(token="secret-word")
    for host, word, status in (
        ("127.0.0.1", "secret-word", 200),
        ("192.168.0.7", "secret-word", 200),  # by the address that it listens at
        ("127.0.0.1", "secret", 401),
        ("evil.example", "secret-word", 403),
    ):
        answer = client.get("/api/about", headers={"host": host, "authorization": f"Bearer {word}"})
        assert answer.status_code == status, (host, word)
