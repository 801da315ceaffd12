"""The joined page and a browser, for all tests of the playground.

They need chromium and the package playwright (the extra playground-test), and are skipped without.
"""

import shutil

import browsing
import pytest


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """Return the page, joined."""
    file = tmp_path_factory.mktemp("playground") / "index.html"
    browsing.join(file)
    return file


@pytest.fixture(scope="session")
def browser():
    """Return Chromium, in which tests open tabs."""
    api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no chromium")
    with api.sync_playwright() as playwright:
        # the sandbox does not start for root, as whom containers run the tests
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def window(browser):
    """Return one window for many tests; a tab of it opens more quickly than a new window."""
    return browser.new_context()


@pytest.fixture
def page(window, page_file):
    """Return a tab, and check at the end that the console is empty and nothing was fetched."""
    found = browsing.Page(window, page_file)
    yield found
    found.close()
