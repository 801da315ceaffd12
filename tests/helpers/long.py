"""The one switch for tests that take minutes: PYNN_LONG=1 runs them, and more random examples."""

import os

import pytest

IS_LONG = os.environ.get("PYNN_LONG", "0") != "0"
only_long = pytest.mark.skipif(not IS_LONG, reason="takes minutes: PYNN_LONG=1 runs it")
