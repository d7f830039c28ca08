"""A Ray cluster of two workers, for all tests of it: it took 42 s to start on our busy machine."""

import pytest

from blurspace.jobs.on_ray import imported


@pytest.fixture(scope="session")
def cluster():
    pytest.importorskip("ray", reason='Ray is not here: pip install ".[ray]"')
    ray = imported()
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture
def two_workers(cluster, request):
    """What a test's file defines is sent with the work."""
    cluster.cloudpickle.register_pickle_by_value(request.module)
