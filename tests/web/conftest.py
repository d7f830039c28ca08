"""A client of a server in memory."""

import warnings

import pytest

from blurspace.web.app import build_app, build_server
from blurspace.web.limits import Limits

from .quick import HERE

with warnings.catch_warnings():  # starlette prefers httpx2, and takes httpx
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient


@pytest.fixture
def serve():
    """Start a server with some limits; gives a client of it, which knows the server."""
    opened = []

    def start(token=None, **limits):
        server = build_server(Limits(**limits), device="cpu")
        client = TestClient(build_app(server, token=token), base_url=HERE, raise_server_exceptions=True)
        client.__enter__()
        client.server = server
        opened.append(client)
        return client

    yield start
    for client in opened:
        client.__exit__(None, None, None)
