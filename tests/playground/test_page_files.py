"""Networks in files: the page saves what `pynn.Network.load` reads, and opens what it saves."""

import json
import random
import struct
from base64 import b64encode

import numpy as np
from long import IS_LONG
from page_files import opened, saved

import pynn


def network(sizes=(2, 3, 1), hidden="tanh", output="sigmoid", **options):
    return pynn.Network(
        list(sizes), activation=hidden, output_activation=output, random_state=3, **options
    )


def content_of(net, folder):
    net.save(folder / "net.safetensors")
    return (folder / "net.safetensors").read_bytes()


def is_loaded(page):
    page.until("document.getElementById('shape').textContent.endsWith('loaded')")
    page.until("location.hash.includes('start=')")


def refusal(page, content):
    """Open a file that the page refuses; return what it says."""
    page.tab.evaluate("document.getElementById('notice').hidden = true")
    opened(page, content)
    page.until("!document.getElementById('notice').hidden")
    return page.text("notice")


def test_a_saved_network_is_read_by_python_and_has_the_costs_of_the_page(page, tmp_path):
    page.open("data=three&layers=5.relu-4.gelu&steps=120")
    page.until("document.getElementById('steps').textContent === '120'")
    file = saved(page, tmp_path)
    assert file.name == "pynn-2-5-4-3.safetensors"
    net = pynn.Network.load(file)
    assert net.layer_sizes == (2, 5, 4, 3)
    assert net.activations == ("relu", "gelu", "softmax")
    assert net.cost_function == "cross_entropy"


def test_a_network_of_python_is_shown_trained_further_and_part_of_the_link(page, tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 2))
    net = network((2, 5, 4, 1)).fit(X, X[:, :1] > 0, epochs=5)
    page.open()
    opened(page, content_of(net, tmp_path))
    is_loaded(page)
    assert page.text("shape") == "2–5–4–1, loaded"
    again = pynn.Network.load(saved(page, tmp_path))
    np.testing.assert_array_equal(again.parameters, net.parameters)
    page.tab.click("#epoch")
    page.until("location.hash.includes('steps=20&')")
    link, figures = page.hash(), page.figures()
    page.open(link[1:])
    page.until("document.getElementById('steps').textContent === '20'")
    assert (page.hash(), page.figures()) == (link, figures)
    page.tab.click("#rewind")
    page.until("document.getElementById('steps').textContent === '0'")
    again = pynn.Network.load(saved(page, tmp_path))
    np.testing.assert_array_equal(again.parameters, net.parameters)


def test_another_size_or_seed_leaves_the_loaded_network_and_undo_returns_to_it(page, tmp_path):
    page.open()
    opened(page, content_of(network(), tmp_path))
    is_loaded(page)
    link = page.hash()
    page.tab.click("[aria-label='Layer 1: add a neuron']")
    assert page.text("shape") == "2–4–1"
    page.tab.click("#undo")
    assert page.text("shape") == "2–3–1, loaded"
    page.tab.click("#new-weights")
    assert page.text("shape") == "2–3–1"
    page.tab.click("#undo")
    is_loaded(page)
    assert page.hash() == link


def test_a_script_of_a_loaded_network_begins_with_its_parameters(page, tmp_path):
    page.open()
    opened(page, content_of(network(), tmp_path))
    is_loaded(page)
    page.tab.click("#code-open")
    page.tab.wait_for_selector("#code[open]")
    script = page.tab.input_value("#code-text")
    assert "It was loaded with these parameters." in script
    found = {}
    exec(script, found)
    np.testing.assert_array_equal(found["net"].parameters, network().parameters)


def test_a_network_that_does_not_suit_the_data_gets_data_that_it_suits(page, tmp_path):
    page.open("data=moons")
    opened(page, content_of(network((4, 3, 1), output="identity"), tmp_path))
    is_loaded(page)
    assert "data=plane&" in page.hash()
    assert "features=x.y.xx.yy&" in page.hash()


def test_a_network_of_the_page_gets_the_data_that_it_was_saved_with(page, tmp_path):
    page.open("data=spiral&noise=30&features=x.siny&layers=3.tanh")
    file = saved(page, tmp_path)
    page.open("data=hills")
    opened(page, file.read_bytes())
    is_loaded(page)
    for part in ("data=spiral&", "noise=30&", "features=x.siny&", "layers=3.tanh&"):
        assert part in page.hash()


def test_float64_is_rounded_with_a_message(page, tmp_path):
    net = network(dtype="float64")
    page.open()
    assert "rounded to float32" in refusal(page, content_of(net, tmp_path))
    is_loaded(page)
    again = pynn.Network.load(saved(page, tmp_path))
    np.testing.assert_array_equal(again.parameters, net.parameters.astype(np.float32))


REFUSED = [
    (network(bias=False), "no biases"),
    (network((2, 4, 4, 1), residual=True), "residual"),
    (network(norm="layer"), "norm"),
    (network(input_scale=True), "input_scale"),
    (network((2, *[3] * 9, 1)), "up to 8 hidden layers of up to 16 units"),
    (network((2, 17, 1)), "up to 8 hidden layers of up to 16 units"),
    (network((8, 3, 1)), "8 inputs"),
    (network((2, 3, 2), output="identity"), "2 outputs are identity"),
    (network(output="exp"), "exp"),
    (network(output="identity", cost="huber"), "cost"),
    (network(hidden=pynn.LeakyReLU(0.2)), "leaky_relu"),
    (network(hidden=pynn.Parametric("relu")), "parametric"),
]


def test_a_network_that_the_page_cannot_have_is_refused_with_the_reason(page, tmp_path):
    page.open()
    before = page.hash()
    for net, reason in REFUSED:
        message = refusal(page, content_of(net, tmp_path))
        assert message.startswith("network.safetensors is not a network for this page: ")
        assert reason in message
    assert page.hash() == before


def file_of(head, body=b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + body


def parts_of(content):
    """Return the header and the numbers of a file."""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:end]), content[end:]


def without_checksum(content):
    head, body = parts_of(content)
    del head["__metadata__"]["pynn.checksum"]
    return head, body


def changed(content, **tensor):
    head, body = without_checksum(content)
    head["weights.0"] |= tensor
    return file_of(head, body)


HOSTILE = {
    "empty": lambda good: b"",
    "text": lambda good: b"not a network at all, but some text",
    "truncated": lambda good: good[:-4],
    "longer": lambda good: good + b"\0" * 4,
    "a header of 2^63 bytes": lambda good: struct.pack("<Q", 2**63) + good[8:],
    "a header of 200,000 bytes": lambda good: file_of(b" " * 200_000 + b"{}"),
    "2 MB": lambda good: good + b"\0" * 2_000_000,
    "no JSON": lambda good: file_of(b"{,}"),
    "no UTF-8": lambda good: file_of(b'{"\xff": 1}'),
    "deep": lambda good: file_of(b"[" * 90_000),
    "a list": lambda good: file_of([1]),
    "overlapping": lambda good: changed(good, data_offsets=[0, 24]),
    "a gap": lambda good: changed(good, data_offsets=[20, 44]),
    "negative offsets": lambda good: changed(good, data_offsets=[-24, 0]),
    "offsets of no numbers": lambda good: changed(good, data_offsets=["0", None]),
    "a huge shape": lambda good: changed(good, shape=[2**40, 2**40]),
    "a fraction as shape": lambda good: changed(good, shape=[1.5, 4]),
    "another shape": lambda good: changed(good, shape=[3, 2]),
    "float16": lambda good: changed(good, dtype="F16"),
    "a prototype as dtype": lambda good: changed(good, dtype="__proto__"),
    "NaN": lambda good: file_of(*without_checksum(good[:-4] + struct.pack("<f", np.nan))),
    "infinity": lambda good: file_of(*without_checksum(good[:-4] + struct.pack("<f", np.inf))),
    "another number": lambda good: good[:-4] + struct.pack("<f", 1.5),
    "no metadata": lambda good: file_of({}),
    "huge layers": lambda good: file_of(
        {"__metadata__": {"pynn.Network": json.dumps({
            "layer_sizes": [999_999] * 3, "activation": ["tanh"], "output_activation": "sigmoid",
            "cost": "squared_error", "bias": True, "dtype": "float32", "classes": None})}}
    ),
}  # fmt: skip


def test_hostile_files_give_a_message_and_the_page_goes_on(page, tmp_path):
    good = content_of(network(), tmp_path)
    page.open()
    for name, make in HOSTILE.items():
        assert "is not a network for this page" in refusal(page, make(good)), name
    page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '1'")


JUNK = [0, -1, 2**53, 1e400, None, True, "", "tanh", "F64", "__proto__", [], {}, [2, 3], "é" * 50]


def mangled(rng, good):
    """Return a valid file with some bytes or parts of its header replaced."""
    if rng.random() < 0.4:
        content = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        return bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
    head, body = without_checksum(good)
    arguments = json.loads(head["__metadata__"]["pynn.Network"])
    place = rng.choice([head, arguments, arguments, head["weights.0"], head["biases.1"]])
    key = rng.choice([*place, "more"])
    place[key] = rng.choice([*JUNK, *place.values()])
    if isinstance(head.get("__metadata__"), dict):
        head["__metadata__"]["pynn.Network"] = json.dumps(arguments)
    return file_of(head, body)


OPEN_ALL = """async (files) => {
  const chooser = document.getElementById("network-file");
  const button = document.getElementById("load-network");
  const notice = document.getElementById("notice"), messages = [];
  for (const content of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([bytes], "mangled.safetensors"));
    notice.hidden = true;
    chooser.files = given.files;
    chooser.dispatchEvent(new Event("change"));
    while (button.ariaBusy === "true") await new Promise((resolve) => setTimeout(resolve, 1));
    messages.push(notice.hidden ? "" : notice.textContent);
  }
  return messages;
}"""


def accepts(content, file):
    """Whether Python reads a file, to a network whose parameters are finite."""
    file.write_bytes(content)
    try:
        return bool(np.isfinite(pynn.Network.load(file).parameters).all())
    except (ValueError, MemoryError):
        return False


def test_mangled_files_give_a_message_unless_python_reads_them(page, tmp_path):
    good, rng = content_of(network(), tmp_path), random.Random(5)
    files = [good, *(mangled(rng, good) for _ in range(3000 if IS_LONG else 150))]
    page.open()
    messages = page.tab.evaluate(OPEN_ALL, [b64encode(file).decode() for file in files])
    assert messages[0] == ""
    read = [not message for message in messages]
    for content, message in zip(files, messages, strict=True):
        if not message:
            assert accepts(content, tmp_path / "mangled.safetensors"), content
    assert 5 < sum(read) < 0.97 * len(read)
    page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '1'")
