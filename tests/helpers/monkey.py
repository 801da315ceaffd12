"""A monkey at the playground: clicks, keys, drags and links of any kind, from a seed."""

import random

PLACES = """() => {
  for (const node of document.querySelectorAll("[data-monkey]")) delete node.dataset.monkey;
  const all = "button, input, select, textarea, canvas, label, .term, th, h2, #explain-text";
  const dialog = document.querySelector("dialog[open]");
  const found = [...(dialog ?? document).querySelectorAll(all)].filter((node) => (
    node.checkVisibility() && node.getClientRects().length && !node.disabled));
  return found.map((node, index) => {
    node.dataset.monkey = index;
    return node.id || node.ariaLabel || node.dataset.field || node.tagName.toLowerCase();
  });
}"""
CENTRE = """(index) => {
  const node = document.querySelector(`[data-monkey="${index}"]`);
  node?.scrollIntoView({block: "nearest"});
  const {x = 0, y = 0, width = 0, height = 0} = node?.getBoundingClientRect() ?? {};
  return {x, y, width, height, kind: node?.tagName, type: node?.type ?? ""};
}"""
CHOOSE = """([index, share]) => {
  const node = document.querySelector(`[data-monkey="${index}"]`);
  if (!node) return;
  const chosen = Math.floor(share * node.options.length);
  if (node.disabled || chosen === Math.max(0, node.selectedIndex)) return;
  node.selectedIndex = chosen;
  node.dispatchEvent(new Event("input", {bubbles: true}));
  node.dispatchEvent(new Event("change", {bubbles: true}));
}"""
PASTE = """(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste",
    {bubbles: true, cancelable: true, clipboardData}));
}"""
KEYS = [
    *" resx1238", "Tab", "Enter", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown",
    "Home", "End", "Delete", "Shift+Tab", "Control+z", "Control+z", "Control+y", "Control+Shift+z",
]  # fmt: skip
TEXTS = ["0", "1", "-1", "1e9", "0.5", "", "99999999999", "abc", "−3", "1e-300", "7"]
TABLES = [
    "a,b,c\n1,2,x\n3,4,y\n5,6,x\n", "a,b\n1,2\n1,3\n2,5\n", "x\n", "1,2,3\n4,5,6\n7,8,9\n",
    "p,q\n" + "\n".join(f"{i % 7},{i % 3}" for i in range(3000)), "<b>,=1\n1,2\n3,\n", "\x00\xff",
]  # fmt: skip
PIECES = [
    "data=", "layers=", "steps=", "room=", "spiral", "table", "drawn", "16.tanh", "-", "9", "&",
    "digits", "plane", "lesson=xor.1", "lesson=digits.2", "explain=3", "%", "1", "=", "ask=yes",
    "changes=5*rule*sgd", "start=AAAA", "taught=1.1", "drawing=", "points=c", "table=a_1_2",
]  # fmt: skip


class Monkey:
    """Do what `seed` says in a tab; `done` lists it."""

    def __init__(self, tab, seed):
        self.tab, self.rng, self.done = tab, random.Random(seed), []

    def act(self):
        acts = {self.touch: 60, self.press: 25, self.paste: 2, self.follow: 3, self.travel: 3,
                self.reload: 1, self.look: 3, self.wait: 3}  # fmt: skip
        (act,) = self.rng.choices(list(acts), acts.values())
        what = act()
        self.done.append(f"{act.__name__} {what!r}")

    def touch(self):
        """Click, drag, choose or type where a control is."""
        names = self.tab.evaluate(PLACES)
        index = self.rng.randrange(len(names))
        box = self.tab.evaluate(CENTRE, index)
        share = self.rng.random()
        if box["kind"] == "SELECT":
            self.tab.evaluate(CHOOSE, [index, share])
            return names[index], share
        x, y = box["x"] + box["width"] * share, box["y"] + box["height"] * self.rng.random()
        mouse = self.tab.mouse
        if box["kind"] == "CANVAS" and self.rng.random() < 0.5:
            mouse.move(x, y)
            mouse.down()
            mouse.move(box["x"] + self.rng.random() * box["width"], y + 30, steps=4)
            mouse.up()
        else:
            n = self.rng.choice([1, 1, 1, 2])
            mouse.click(x, y, click_count=n, button=self.rng.choice(["left"] * 9 + ["right"]))
        if box["type"] in ("number", "text", "textarea"):
            self.tab.keyboard.press("Control+a")
            self.tab.keyboard.type(self.rng.choice(TEXTS))
            self.tab.keyboard.press(self.rng.choice(["Enter", "Tab"]))
        return names[index], box["kind"]

    def press(self):
        key = self.rng.choice(KEYS)
        self.tab.keyboard.press(key)
        return key

    def paste(self):
        text = self.rng.choice(TABLES)
        self.tab.evaluate(PASTE, text)
        return text[:20]

    def follow(self):
        link = "".join(self.rng.choices(PIECES, k=self.rng.randrange(1, 9)))
        self.tab.evaluate("(link) => { location.hash = link; }", link)
        return link

    def travel(self):
        """Go back, or forward; the first entry of the history is no page."""
        forward = self.rng.random() < 0.3
        (self.tab.go_forward if forward else self.tab.go_back)()
        if self.tab.url == "about:blank":
            self.tab.go_forward()
        return forward

    def reload(self):
        self.tab.reload()

    def look(self):
        """Have another screen."""
        rng = self.rng
        size = {"width": rng.choice([360, 800, 1280, 1920]), "height": rng.choice([500, 900])}
        self.tab.set_viewport_size(size)
        self.tab.emulate_media(
            color_scheme=rng.choice(["dark", "light"]),
            reduced_motion=rng.choice(["reduce", "no-preference"]),
        )
        return size

    def wait(self):
        time = self.rng.choice([20, 100, 400])
        self.tab.wait_for_timeout(time)
        return time
