"""A Ray cluster of two workers, for all tests of it: it took 42 s to start on our busy machine."""

import os

import pytest


@pytest.fixture(scope="session")
def cluster():
    ray = pytest.importorskip("ray", reason="Ray is not here: pip install 'blurspace[ray]'")
    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"})
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture
def two_workers(cluster, request):
    """What a test's file defines is sent with the work."""
    cluster.cloudpickle.register_pickle_by_value(request.module)
