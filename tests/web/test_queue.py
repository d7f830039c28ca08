"""Is work done in order, one at a time, no more than fits; can it be stopped; is its time told?"""

import threading
import time

import pytest

from blurspace.errors import PictureError
from blurspace.run import Run
from blurspace.web.limits import Refusal
from blurspace.web.queue import Job, Queue


def ended(job, seconds=5.0):
    late = time.monotonic() + seconds
    while job.ended is None and time.monotonic() < late:
        time.sleep(0.005)
    assert job.ended is not None, job.state
    return job


@pytest.fixture
def queue():
    made = Queue(waiting=3)
    yield made
    made.close()


def blocked(queue, owner="me"):
    """A job that works until the event is set."""
    go, working = threading.Event(), threading.Event()

    def work(job):
        working.set()
        run = queue.run(job, Run())
        while not go.wait(0.005):
            run.check()
        return {}

    job = queue.add(Job(work, owner, "photo", "test", 1.0))
    assert working.wait(5)
    return job, go


def test_first_come_first_served(queue):
    first, go = blocked(queue)
    done = []
    others = [queue.add(Job(lambda job, n=n: done.append(n) or {}, "me", "", "test", 0.0)) for n in range(3)]
    assert [queue.place(job) for job in others] == [0, 1, 2]
    assert queue.told(others[2])["before"] == 2
    go.set()
    for job in (first, *others):
        ended(job)
    assert done == [0, 1, 2]


def test_a_full_queue_refuses_with_a_sentence(queue):
    _, go = blocked(queue)
    for _ in range(3):
        queue.add(Job(lambda job: {}, "me", "", "test", 0.0))
    with pytest.raises(Refusal, match="3 photos wait already") as refused:
        queue.add(Job(lambda job: {}, "me", "", "test", 0.0))
    assert (refused.value.status, refused.value.retry) == (503, 10)
    go.set()


def test_waiting_and_working_are_cancelled(queue):
    working, _ = blocked(queue)
    waiting = queue.add(Job(lambda job: {}, "me", "", "test", 0.0))
    queue.cancel(waiting)
    assert waiting.state == "cancelled"
    queue.cancel(working)
    assert ended(working).state == "cancelled"
    assert working.result is None


def test_what_takes_too_long_fails():
    queue = Queue(job_seconds=0.05)
    job, _ = blocked(queue)
    assert ended(job).state == "failed"
    assert "longer than" in job.error
    queue.close()


def test_a_bad_photo_ends_no_worker(queue):
    def bad(job):
        raise PictureError("it is\nno photo")

    def worse(job):
        raise KeyError("/home/somebody/secret")

    told = ended(queue.add(Job(bad, "me", "", "test", 0.0)))
    assert (told.state, told.error) == ("failed", "it is no photo")

    def full(job):
        raise Refusal(503, "the memory is full")

    assert ended(queue.add(Job(full, "me", "", "test", 0.0))).error == "the memory is full"
    told = ended(queue.add(Job(worse, "me", "", "test", 0.0)))
    assert "KeyError" in told.error
    assert "secret" not in told.error  # what an accident tells is not for visitors
    assert ended(queue.add(Job(lambda job: {"fine": 1}, "me", "", "test", 0.0))).result == {"fine": 1}


def test_nobody_sees_the_jobs_of_others(queue):
    job, go = blocked(queue, "me")
    assert queue.find(job.id, "me") is job
    assert queue.find(job.id, "you") is None
    go.set()


def test_who_leaves_takes_the_work_along(queue):
    job, _ = blocked(queue, "me")
    queue.forget("me")
    assert ended(job).state == "cancelled"
    assert queue.find(job.id, "me") is None


def test_the_end_of_the_server_ends_all_jobs():
    """Those that wait too: else their streams would run on."""
    queue = Queue(waiting=3)
    working, _ = blocked(queue)
    waiting = queue.add(Job(lambda job: {}, "me", "", "test", 0.0))
    queue.close()
    assert [ended(job, 2.0).state for job in (working, waiting)] == ["cancelled", "cancelled"]
    with pytest.raises(Refusal, match="the server is ending"):
        queue.add(Job(lambda job: {}, "me", "", "test", 0.0))


def test_the_share_never_goes_back_and_tells_the_time():
    job = Job(lambda job: {}, "me", "", "test", 20.0)
    assert job.seconds_left(1.0) is None
    job.state, job.started = "working", time.monotonic() - 10
    assert job.seconds_left(1.0) == pytest.approx(10, abs=0.5)  # by experience
    assert job.seconds_left(2.0) == pytest.approx(30, abs=0.5)  # on a slower machine
    job.step("looking for the blur", 2, 4)
    half = job.share
    assert job.seconds_left(1.0) == pytest.approx(10 * (1 - half) / half, abs=0.5)  # by what is done
    job.step("looking for the blur", 0, 4)  # once more, in another light
    assert job.share == half
    job.step("restoring", 1, 2)
    assert half < job.share < 1


def test_the_pace_is_learned(queue):
    def slow(job):
        time.sleep(0.05)
        return {}

    before = queue.pace
    ended(queue.add(Job(slow, "me", "", "test", 0.01)))
    assert queue.pace > before
