"""The page of the playground as a user sees it, driven by playwright."""

import subprocess
import sys

from places import ROOT


def join(file):
    """Write the page to this file."""
    command = [sys.executable, "-P", ROOT / "playground" / "join.py", file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Page:
    """A tab of the browser that shows the page."""

    def __init__(self, browser, file, **options):
        self.tab = browser.new_page(**options)
        self.tab.set_default_timeout(60_000)
        self.errors, self.requests = [], []
        self.tab.on("console", lambda message: self.errors.append(message.text))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.address = file.as_uri()

    def open(self, link=""):
        """Open a link of the room Plane, and wait until its network is shown."""
        self.follow(link)
        self.until("document.getElementById('training-cost').title !== ''")

    def follow(self, link=""):
        """Open a link of any room, in a new page."""
        if self.tab.url != "about:blank":
            self.tab.goto("about:blank")  # otherwise the page would stay, and only follow the hash
        self.tab.goto(f"{self.address}#{link}")

    def go(self, link):
        """Follow a link of the room Plane in the page that is open."""
        self.tab.evaluate("(link) => { location.hash = link; }", link)
        self.until("location.hash.startsWith('#room=')")  # the address follows the state

    def go_through(self, links):
        """Follow links one after the other, whatever they are."""
        follow = """async (links) => {
          for (const link of links) {
            location.hash = link;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }"""
        self.tab.evaluate(follow, links)

    def until(self, condition):
        self.tab.wait_for_function(f"() => {condition}")

    def text(self, name):
        return self.tab.inner_text(f"#{name}")

    def cost(self):
        return float(self.tab.get_attribute("#training-cost", "title"))

    def figures(self):
        names = ("training-cost", "test-cost", "training-score", "test-score")
        return [self.tab.get_attribute(f"#{name}", "title") for name in names]

    def hash(self):
        self.tab.wait_for_timeout(200)  # the address follows the state after 150 ms
        return self.tab.evaluate("location.hash")

    def scrolls_sideways(self):
        return self.tab.evaluate("document.documentElement.scrollWidth > innerWidth")

    def close(self):
        """Check that nothing went wrong and nothing was fetched."""
        self.tab.close()
        assert self.errors == []
        assert {url.split(":")[0] for url in self.requests} <= {"file", "blob", "about"}
