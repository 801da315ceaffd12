"""The script of "Copy as Python" gives the numbers of the page to the bit.

Python computes with the instruction set "baseline", which like WebAssembly has no fused
multiply-adds. Inputs such as sin x, whose last bits differ between JavaScript and NumPy, stand in
the script as float32 numbers.
"""

import json
import os
import re
import subprocess
import sys

import browsing
from long import IS_LONG
from page_files import pasted, saved

import pynn

# what is trained: the link that replays it
REPLAYED = {
    "circle, Adam": "steps=1000",
    "xor, within an epoch": "data=xor&steps=1003",
    "gaussians, no hidden layer, SGD": "data=gaussians&layers=&rule=sgd&steps=1001",
    "spiral, sin, dropout, momentum": (
        "data=spiral&features=x.sinx.siny&layers=8.relu-8.tanh&rule=momentum&dropout=0.2"
        "&batchSize=20&steps=1000"
    ),
    "moons, products, L1, RMSprop": (
        "data=moons&features=x.xx.yy.xy&rule=rmsprop&l1=0.001&share=30&steps=1005&seed=4294967295"
    ),
    "three classes, squared error, AdamW": (
        "data=three&cost=squared_error&rule=adamw&batchSize=50&steps=1001&dropout=0.1"
    ),
    "plane, L2, Nesterov": "data=plane&rule=nesterov&l2=0.01&learningRate=0.01&steps=1000",
    "hills, Rprop": "data=hills&layers=4.mish-4.selu&rule=rprop&batchSize=400&steps=1000",
    "an edited start": "changes=0*3*0.5_0*24*-1.25&steps=1000",
    "the first table": "data=table&layers=4.tanh&steps=1000",
    "untrained": "seed=3",
}
# the script holds the parameters, as the run cannot be repeated from the seed
HELD = {
    "momentum, within an epoch": "rule=momentum&steps=1001",
    "Rprop, within an epoch": "rule=rprop&batchSize=50&steps=1001",
    "another rate on the way": "steps=1040&changes=0*learningRate*0.01_1000*learningRate*0.1",
    "a weight edited on the way": "steps=1040&changes=1000*3*0.5",
}

ONLY_LONG = {
    "xor, within an epoch", "gaussians, no hidden layer, SGD", "plane, L2, Nesterov",
    "Rprop, within an epoch",
}  # fmt: skip

RUN = """
import contextlib, io, json, sys
answers = []
for script in json.load(sys.stdin):
    printed, found = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        exec(compile(script, "playground.py", "exec"), found)
    answers.append([printed.getvalue(), found["net"].parameters.tolist()])
print(json.dumps(answers))
"""


def run(scripts):
    """Run scripts of the page; return what each prints and the parameters of its network."""
    environment = os.environ | {"PYNN_ISA": "baseline"}
    command = [sys.executable, "-P", "-W", "error", "-c", RUN]
    found = subprocess.run(
        command, input=json.dumps(scripts), env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def steps_of(link):
    named = re.search(r"steps=(\d+)", link)
    return f"{int(named[1]):,}" if named else "0"


def script_of(page):
    page.tab.click("#code-open")
    page.tab.wait_for_selector("#code[open]")
    script = page.tab.input_value("#code-text")
    page.tab.click("#code-close")
    return script


def check(page, links, folder):
    """Check costs and parameters of the scripts of these links; return the scripts by name."""
    in_page = {}
    for name, link in links.items():
        if name in ONLY_LONG and not IS_LONG:
            continue
        page.open(link)
        page.until(f"document.getElementById('steps').textContent === '{steps_of(link)}'")
        page.until("document.getElementById('play-label').textContent === 'Play'")
        parameters = pynn.Network.load(saved(page, folder)).parameters
        in_page[name] = script_of(page), page.figures()[:2], parameters.tolist()
    ran = run([script for script, _, _ in in_page.values()])
    for (name, (_, costs, expected)), (printed, found) in zip(in_page.items(), ran, strict=True):
        (training, training_cost), (test, test_cost) = (
            line.rsplit(" ", 1) for line in printed.splitlines()
        )
        assert (training, test) == ("training cost", "test cost"), name
        assert [float(training_cost), float(test_cost)] == [float(cost) for cost in costs], name
        assert found == expected, name
    return {name: script for name, (script, _, _) in in_page.items()}


def test_a_script_trains_to_the_costs_and_parameters_of_the_page_to_the_bit(page, tmp_path):
    for name, script in check(page, REPLAYED, tmp_path).items():
        assert ("net.fit(" in script) == (name != "untrained"), name
        assert "base64" not in script, name
        lines = script.splitlines()
        assert max(map(len, lines)) <= 100, name
        assert sum(not re.match(r"[-+e\d. ]+$", line) for line in lines) < 50, name  # numbers aside


def test_a_script_of_a_run_that_cannot_be_repeated_holds_the_parameters(page, tmp_path):
    for name, script in check(page, HELD, tmp_path).items():
        assert "net.fit(" not in script, name


def test_a_script_of_many_rows_reads_them_from_a_file_beside_it(page, tmp_path, monkeypatch):
    page.open("data=table")
    lines = [
        f"{i * 0.37 % 5:.3f},{i * i % 7},{'yes' if i % 5 > i % 3 else 'no'}" for i in range(450)
    ]
    pasted(page, "first,second,answer\n" + "\n".join(lines))
    page.until("document.getElementById('shape').textContent === '2–4–2–1'")
    page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '1'")
    script = script_of(page)
    page.tab.click("#code-open")
    with page.tab.expect_download() as found:
        page.tab.click("#code-csv")
    found.value.save_as(tmp_path / found.value.suggested_filename)
    monkeypatch.chdir(tmp_path)
    ((printed, _),) = run([script])
    costs = [float(line.rsplit(" ", 1)[1]) for line in printed.splitlines()]
    assert costs == [float(cost) for cost in page.figures()[:2]]


def test_a_script_needs_training_points(page):
    page.open("data=drawn")
    page.tab.click("#code-open")
    page.until("!document.getElementById('notice').hidden")
    assert "no training points" in page.text("notice")


def test_the_dialog_says_why_a_script_does_not_train(page):
    page.open(HELD["another rate on the way"])
    page.until("document.getElementById('steps').textContent === '1,040'")
    page.tab.click("#code-open")
    page.tab.wait_for_selector("#code[open]")
    assert "does not train" in page.text("code-notes")
    page.tab.keyboard.press("Escape")
    assert not page.tab.is_visible("#code")


def test_a_script_goes_to_the_clipboard(browser, page_file):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = browsing.Page(context, page_file)
    page.open()
    script = script_of(page)
    page.until("document.getElementById('code-status').textContent === 'Copied.'")
    assert page.tab.evaluate("navigator.clipboard.readText()") == script
    page.close()
    context.close()
