"""What can be asked about photos, and what is answered?"""

import io
import json
import time

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from blurspace.io.images import read_photo

from .quick import gate, jpeg, make_quick, png


def added(client, data=None, name="photo.png"):
    answer = client.post("/api/photos", params={"name": name}, content=png() if data is None else data)
    assert answer.status_code == 201, answer.text
    return answer.json()


def followed(client, job):
    """The states of a job until its end, as server-sent events tell them."""
    with client.stream("GET", f"/api/jobs/{job['id']}/events") as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line[6:]) for line in told.iter_lines() if line.startswith("data: ")]


def done(client, photo, **wish):
    job = client.post(f"/api/photos/{photo['id']}/deblur", json=wish)
    assert job.status_code == 202, job.text
    last = followed(client, job.json())[-1]
    assert last["state"] == "done", last
    return last["result"]


def test_a_photo_is_restored(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve()
    photo = added(client, name="me.png")
    assert (photo["width"], photo["height"], photo["name"]) == (40, 24, "me.png")
    assert client.get(photo["view"]).content == png()
    result = done(client, photo)
    assert result["verdict"] == "restored"
    assert result["chance"] == "Chance that it is better: 80 %. Expected gain: 1.5 dB, visible."
    assert dict(result["facts"])["Blur found"].startswith("5 px long")
    saved = client.get(result["files"]["file"])
    assert saved.headers["content-disposition"] == "attachment; filename*=UTF-8''me.deblurred.png"
    assert (saved.headers["content-type"], saved.headers["content-security-policy"]) == (
        "image/png",
        "default-src 'none'; sandbox",
    )
    assert np.array_equal(read_photo(saved.content).samples, read_photo(png()).samples // 2)
    for what in ("view", "kernel", "field", "map"):
        answer = client.get(result["files"][what])
        assert answer.headers["content-type"] == "image/png"
        Pil.open(io.BytesIO(answer.content)).load()
    kernel = client.get(result["files"]["kernel_file"]).content
    assert np.isclose(tifffile.imread(io.BytesIO(kernel)).sum(), 1)
    assert [one["id"] for one in client.get("/api/photos").json()] == [photo["id"]]


def test_another_strength_needs_no_other_search(serve, monkeypatch):
    quick = make_quick(monkeypatch)
    client = serve()
    photo = added(client)
    for strength in (1.0, 0.5, 0.7):
        assert done(client, photo, strength=strength)["strength"] == strength
    assert [strength for _, strength in quick.asked] == [1.0, 0.5, 0.7]
    assert len({seen for seen, _ in quick.asked}) == 1  # the same look at the photo, with all that was found
    done(client, photo, method="fast")
    assert len({seen for seen, _ in quick.asked}) == 2
    assert len(client.get("/api/photos").json()[0]["results"]) == 2  # the older ones are gone


def test_a_search_that_was_stopped_is_begun_afresh(serve, monkeypatch):
    opened = gate()
    quick = make_quick(monkeypatch, gate=opened)
    client = serve()
    photo = added(client)
    job = client.post(f"/api/photos/{photo['id']}/deblur", json={}).json()
    client.delete(f"/api/jobs/{job['id']}")
    assert followed(client, job)[-1]["state"] == "cancelled"
    assert not client.server.workshop._kept
    opened.set()
    done(client, photo, method="fast")
    opened.clear()
    job = client.post(f"/api/photos/{photo['id']}/deblur", json={}).json()
    while client.get(f"/api/jobs/{job['id']}").json()["stage"] != "looking for the blur":
        time.sleep(0.005)
    client.delete(f"/api/jobs/{job['id']}")
    followed(client, job)
    assert [name.split()[0] for _, name in client.server.workshop._kept] == ["fast"]  # what was found is kept
    opened.set()
    assert done(client, photo)["verdict"] == "restored"
    assert len(quick.asked) == 2


def test_a_strength_that_was_stopped_keeps_the_search(serve, monkeypatch):
    opened = gate()
    quick = make_quick(monkeypatch, gate=opened)
    client = serve()
    photo = added(client)
    opened.set()
    done(client, photo)
    opened.clear()
    job = client.post(f"/api/photos/{photo['id']}/deblur", json={"strength": 0.5}).json()
    while client.get(f"/api/jobs/{job['id']}").json()["stage"] != "looking for the blur":
        time.sleep(0.005)
    client.delete(f"/api/jobs/{job['id']}")
    assert followed(client, job)[-1]["state"] == "cancelled"
    opened.set()
    done(client, photo, strength=0.4)
    assert len({seen for seen, _ in quick.asked}) == 1
    assert [strength for _, strength in quick.asked] == [1.0, 0.4]


def test_what_is_refused_has_no_file(serve, monkeypatch):
    make_quick(monkeypatch, verdict="refused")
    client = serve()
    result = done(client, added(client))
    assert "file" not in result["files"]
    assert result["headline"].startswith("Not restored")


def test_what_is_left_alone_is_the_file(serve, monkeypatch):
    make_quick(monkeypatch, verdict="left alone")
    client = serve()
    data = jpeg(6)
    result = done(client, added(client, data, "a.jpg"))
    assert client.get(result["files"]["file"]).content == data


def test_metadata_is_kept(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve()
    result = done(client, added(client, jpeg(6), "a.jpg"))
    with Pil.open(io.BytesIO(client.get(result["files"]["file"]).content)) as image:
        assert image.getexif()[0x010F] == "a camera"
        assert image.getexif()[0x0112] == 6


def test_a_queue_of_photos(serve, monkeypatch):
    opened = gate()
    make_quick(monkeypatch, gate=opened)
    client = serve(waiting=2)
    photos = [added(client, png(seed=seed)) for seed in range(4)]
    jobs = [client.post(f"/api/photos/{photo['id']}/deblur", json={}) for photo in photos[:1]]
    while client.get(f"/api/jobs/{jobs[0].json()['id']}").json()["state"] == "waiting":
        time.sleep(0.005)
    jobs += [client.post(f"/api/photos/{photo['id']}/deblur", json={}) for photo in photos[1:]]
    assert [one.status_code for one in jobs] == [202, 202, 202, 503]
    assert "try again in a while" in jobs[3].json()["detail"]
    assert jobs[3].headers["retry-after"] == "10"
    assert jobs[2].json()["before"] == 1
    opened.set()
    assert [followed(client, job.json())[-1]["state"] for job in jobs[:3]] == ["done"] * 3


def test_a_photo_that_is_removed_takes_its_work_along(serve, monkeypatch):
    make_quick(monkeypatch, gate=gate())
    client = serve()
    photo = added(client)
    job = client.post(f"/api/photos/{photo['id']}/deblur", json={}).json()
    working = client.server.queue._known[job["id"]]
    assert client.get("/api/photos").json()[0]["job"]["id"] == job["id"]
    assert client.delete(f"/api/photos/{photo['id']}").status_code == 204
    while working.ended is None:
        time.sleep(0.005)
    assert working.state == "cancelled"
    assert client.get(photo["view"]).status_code == 404
    assert client.get("/api/photos").json() == []


def test_who_uploads_several_at_once_is_one_visitor(serve):
    """The page asks /api/about first, which gives the cookie: else each of the first uploads would make a visitor."""
    client = serve()
    assert "blurspace-visitor" in client.get("/api/about").cookies
    known = dict(client.cookies)
    for seed in range(3):
        client.cookies.clear()
        client.cookies.update(known)
        added(client, png(seed=seed))
    assert len(client.get("/api/photos").json()) == 3


def test_visitors_see_only_their_own(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve()
    photo = added(client)
    result = done(client, photo)
    client.cookies.clear()
    added(client)
    for path in (photo["view"], result["files"]["file"], f"/api/photos/{photo['id']}/results/x/file"):
        assert client.get(path).status_code == 404
    assert client.post(f"/api/photos/{photo['id']}/deblur", json={}).status_code == 404
    assert client.delete(f"/api/photos/{photo['id']}").status_code == 404


def test_all_is_forgotten_when_asked(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve()
    photo = added(client)
    done(client, photo)
    assert client.delete("/api/visitor").status_code == 204
    assert not client.server.visitors._all
    assert not client.server.workshop._kept
    assert client.get(photo["view"]).status_code == 404


def test_who_is_idle_is_forgotten(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve(idle_seconds=0.05)
    photo = added(client)
    late = time.monotonic() + 5
    while client.server.visitors._all and time.monotonic() < late:
        time.sleep(0.01)  # and nobody asks
    assert not client.server.visitors._all
    assert client.get(photo["view"]).status_code == 404


@pytest.mark.parametrize(
    "wish",
    [{"strength": 0}, {"strength": 1.1}, {"method": "search"}, {"minutes": 5}, {"strength": "no"}, {"mask": "x"}],
)
def test_a_wish_that_makes_no_sense(serve, wish):
    client = serve()
    answer = client.post(f"/api/photos/{added(client)['id']}/deblur", json=wish)
    assert answer.status_code in (404, 422)
    assert isinstance(answer.json()["detail"], str)
