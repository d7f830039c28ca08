"""Is what is kept bounded, and forgotten in time?"""

import time

import pytest
import torch

from blurspace.web.app import build_server
from blurspace.web.limits import Limits, Refusal
from blurspace.web.visitors import File, Held, Outcome, Visitors


def held(size=100):
    file = File(bytes(size), "image/png", "a.png")
    return Held(file, 8, 8, 1, file)


def test_a_visitor_is_known_by_its_cookie_alone():
    visitors = Visitors(Limits())
    mine = visitors.welcome(None)
    assert visitors.welcome(mine.id) is mine
    assert visitors.welcome("guessed") is not mine
    assert visitors.find("guessed") is None
    assert len(mine.id) >= 32


def test_who_is_idle_is_forgotten_with_all_that_was_kept():
    visitors, gone = Visitors(Limits(idle_seconds=10)), []
    visitors.forgotten = lambda name, photos: gone.append((name, photos))
    one, two = visitors.welcome(None), visitors.welcome(None)
    photo = held()
    visitors.keep(one.photos, photo, most=3, what="photos")
    one.seen, two.seen = time.monotonic() - 11, time.monotonic() - 5
    visitors.sweep()
    assert visitors.find(one.id) is None
    assert visitors.find(two.id) is two
    assert gone == [(one.id, (photo.id,))]


def test_there_are_not_too_many_visitors():
    visitors = Visitors(Limits(visitors=2))
    looked = visitors.welcome(None)
    for _ in range(2):  # the second takes the place of the one who only looked
        visitors.keep(visitors.welcome(None).photos, held(), most=3, what="photos")
    assert visitors.find(looked.id) is None
    with pytest.raises(Refusal, match="2 visitors are here already"):
        visitors.welcome(None)


def test_who_is_uploading_stays_and_the_longest_idle_goes():
    server = build_server(Limits(visitors=3), device="cpu")
    uploads, fresh, idle = (server.visitors.welcome(None) for _ in range(3))
    uploads.seen, idle.seen = uploads.seen - 20, idle.seen - 10
    with server.upload(10, uploads):
        server.visitors.welcome(None)
        assert server.visitors._all.keys() >= {uploads.id, fresh.id}
        assert idle.id not in server.visitors._all
    assert uploads.keeps_nothing
    server.close()


def test_bytes_are_counted():
    visitors = Visitors(Limits(held_bytes=1000))
    mine = visitors.welcome(None)
    photo = held(600)
    visitors.keep(mine.photos, photo, most=3, what="photos")
    assert mine.nbytes == 600  # the view is the same bytes
    visitors.room(400)
    with pytest.raises(Refusal, match="full") as refused:
        visitors.room(401)
    assert refused.value.status == 503
    photo.results["x"] = Outcome({}, {"file": File(bytes(300), "image/png")})
    photo.previews["x"] = File(bytes(50), "image/png")
    photo.kernels["x"] = torch.zeros(1, 1, 5, 5)
    assert mine.nbytes == 1050


def test_things_are_counted():
    visitors = Visitors(Limits())
    mine = visitors.welcome(None)
    for _ in range(2):
        visitors.keep(mine.photos, held(), most=2, what="photos")
    with pytest.raises(Refusal, match="2 photos are kept already"):
        visitors.keep(mine.photos, held(), most=2, what="photos")


def test_the_oldest_goes():
    visitors = Visitors(Limits())
    of = {}
    names = [visitors.replace_oldest(of, Outcome({}, {}), most=2) for _ in range(3)]
    assert list(of) == names[1:]


def test_what_is_used_does_not_go():
    visitors = Visitors(Limits())
    of = {}
    first = visitors.replace_oldest(of, Outcome({}, {}), most=2)
    names = [visitors.replace_oldest(of, Outcome({}, {}), most=2, used={first}) for _ in range(3)]
    assert list(of) == [first, names[-1]]


def test_what_gives_way_makes_room():
    visitors = Visitors(Limits(held_bytes=1000))
    photo = held(400)
    visitors.keep(visitors.welcome(None).photos, photo, most=1, what="photos")

    def kept(size):
        return visitors.replace_oldest(photo.results, Outcome({}, {"file": File(bytes(size), "image/png")}), most=1)

    kept(500)
    last = kept(600)
    with pytest.raises(Refusal, match="full"):
        kept(601)
    assert list(photo.results) == [last]  # what gave no room is still there
