"""Files that the page of the playground saves and opens."""


def saved(page, folder):
    """Save the network of the page; return the file."""
    with page.tab.expect_download() as found:
        page.tab.click("#save-network")
    file = folder / found.value.suggested_filename
    found.value.save_as(file)
    return file


def opened(page, content, name="network.safetensors"):
    """Open a file with this content, and wait until the page has read it."""
    with page.tab.expect_file_chooser() as chooser:
        page.tab.click("#load-network")
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    chooser.value.set_files(file)


PASTE = """(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const options = {bubbles: true, cancelable: true, clipboardData};
  document.body.dispatchEvent(new ClipboardEvent("paste", options));
}"""


def pasted(page, text):
    """Paste a text into the page."""
    page.tab.evaluate(PASTE, text)
