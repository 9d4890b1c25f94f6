"""Unit tests reach no network: whatever tries gets an error."""

import pytest
from pytest_socket import disable_socket


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if "unit" in item.path.parts:
        disable_socket(allow_unix_socket=True)
