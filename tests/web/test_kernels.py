"""Are the kernels, masks and places that a visitor gives taken, kept as long as they are needed, or refused?"""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from blurspace.blur.kernels import line
from blurspace.io.images import kernel_bytes, read_kernel

from .quick import gate, jpeg, make_quick, png
from .test_photos import added, done, followed

JSON = {"content-type": "application/json"}


def test_a_kernel_is_drawn_and_used(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve()
    photo = added(client, jpeg(6), "a.jpg")  # the camera was turned: what is flat on the page is tall in the file
    values = [[0, 0, 0], [1, 2, 1], [0, 0, 0]]
    told = client.post(f"/api/photos/{photo['id']}/kernels", json={"values": values}).json()
    assert told["values"] == [[0, 0, 0], [0.5, 1, 0.5], [0, 0, 0]]
    kernel = tifffile.imread(io.BytesIO(client.get(told["files"]["file"]).content))
    assert kernel[:, 1].tolist() == [0.25, 0.5, 0.25]
    assert client.get(told["files"]["picture"]).headers["content-type"] == "image/png"
    assert client.get(told["files"]["picture"].replace("picture", "anything")).status_code == 422
    result = done(client, photo, kernel=told["id"], force=True)
    assert result["verdict"] == "restored"
    given = next(iter(client.server.workshop._kept.values())).deblurrer.given
    assert np.array_equal(given.kernel[0, 0], kernel)


@pytest.mark.parametrize(
    "values", [[], [[]], [[1, 2], [3]], [[-1.0]], [[0, 0]], [[float("1e9")]], [["a"]], [["1"]], [[True]], [[1] * 256]]
)
def test_a_drawing_that_is_no_kernel(serve, values):
    client = serve()
    photo = added(client)
    answer = client.post(f"/api/photos/{photo['id']}/kernels", json={"values": values})
    assert answer.status_code in (415, 422)
    assert isinstance(answer.json()["detail"], str)


def test_json_that_is_cut_is_a_sentence(serve):
    client = serve()
    answer = client.post(f"/api/photos/{added(client)['id']}/kernels", content=b'{"values":', headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "the request is no JSON: from character 10 on it cannot be read"


def test_the_oldest_kernel_that_no_result_names_gives_way(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve(kernels=3)
    photo = added(client)
    path = f"/api/photos/{photo['id']}/kernels"

    def drawn(middle):
        return client.post(path, json={"values": [[0, 0, 0], [1, middle, 1], [0, 0, 0]]}).json()["id"]

    first = drawn(2)
    assert done(client, photo, kernel=first)["asked"]["kernel"] == first
    names = [drawn(middle) for middle in range(3, 7)]
    assert [one["id"] for one in client.get("/api/photos").json()[0]["kernels"]] == [first, *names[-2:]]
    assert client.post(f"/api/photos/{photo['id']}/deblur", json={"kernel": names[0]}).status_code == 404
    done(client, photo, kernel=first, strength=0.5)


def test_a_kernel_is_loaded_from_a_file(serve, tmp_path):
    client = serve()
    photo = added(client)
    path = f"/api/photos/{photo['id']}/kernels/file"
    data = kernel_bytes(line(9, 30))
    told = client.post(path, params={"name": "k.tiff"}, content=data).json()
    (tmp_path / "k.tiff").write_bytes(client.get(told["files"]["file"]).content)
    assert np.allclose(read_kernel(tmp_path / "k.tiff"), line(9, 30))
    assert client.post(path, content=b"no kernel").status_code == 415
    wide = io.BytesIO()
    tifffile.imwrite(wide, np.ones((300, 300), np.float32))
    answer = client.post(path, content=wide.getvalue())
    assert answer.status_code == 415
    assert "65025 pixels" in answer.json()["detail"]


def test_a_mask_is_painted(serve, monkeypatch):
    make_quick(monkeypatch)
    client = serve()
    photo = added(client, jpeg(6), "a.jpg")
    painted = np.zeros((40, 24), np.uint8)  # upright
    painted[:10] = 255
    written = io.BytesIO()
    Pil.fromarray(painted).resize((12, 20), 0).save(written, "PNG")  # smaller than the photo
    told = client.post(f"/api/photos/{photo['id']}/masks", content=written.getvalue()).json()
    assert told["share"] == pytest.approx(0.25, abs=0.02)
    done(client, photo, mask=told["id"])
    region = next(iter(client.server.workshop._kept.values())).deblurrer.region
    assert region.shape == (1, 1, 24, 40)
    assert region[..., :8].min() == 255  # turned back: the top of the page is the left of the file
    assert region[..., 12:].max() == 0
    black = client.post(f"/api/photos/{photo['id']}/masks", content=png(mode="L")[:0] or b"")
    assert black.status_code == 415


def mask(side):
    painted = Pil.new("L", (40, 24))
    painted.paste(255, (0, 0, side, 24))
    written = io.BytesIO()
    painted.save(written, "PNG")
    return written.getvalue()


def test_the_masks_of_results_and_jobs_are_kept(serve, monkeypatch):
    opened = gate()
    opened.set()
    make_quick(monkeypatch, gate=opened)
    client = serve()
    photo = added(client)

    def painted(side):
        return client.post(f"/api/photos/{photo['id']}/masks", content=mask(side)).json()["id"]

    first = painted(9)
    done(client, photo, mask=first)
    opened.clear()
    second = painted(10)
    job = client.post(f"/api/photos/{photo['id']}/deblur", json={"mask": second, "strength": 0.5}).json()
    assert client.get("/api/photos").json()[0]["job"]["asked"] == job["asked"]
    assert (job["asked"]["mask"], job["asked"]["strength"]) == (second, 0.5)
    names = [painted(side) for side in range(11, 15)]
    assert list(next(iter(client.server.visitors._all.values())).photos[photo["id"]].masks) == [
        first,
        second,
        names[-1],
    ]
    opened.set()


def test_a_place_must_be_one(serve):
    client = serve()
    photo = added(client)
    for box in ({"left": 0.5, "top": 0, "right": 0.5, "bottom": 1}, {"left": 0.9, "top": 0, "right": 0.1, "bottom": 1}):
        assert client.post(f"/api/photos/{photo['id']}/places", json=box).status_code == 422
    whole = {"left": 0, "top": 0, "right": 1, "bottom": 1}
    job = client.post(f"/api/photos/{photo['id']}/places", json=whole).json()
    last = followed(client, job)[-1]
    assert last["state"] == "failed"
    assert "gave no kernel" in last["error"]  # noise tells nothing
    job = client.post(f"/api/photos/{photo['id']}/places", json={**whole, "right": 0.5}).json()
    assert "the box is too small" in followed(client, job)[-1]["error"]
