"""playground: the page that trains networks in a browser, with a user's network and data."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path
from typing import Any

import pynn
from pynn.given import described
from pynn.model.atomic import replace

__all__ = ["Playground", "page", "playground", "run", "show"]

_FILE = "playground.html"  # of the package; CMakeLists.txt installs it
_BEFORE = '<script type="application/octet-stream" id="embedded-core">'  # what the page is given
_HEIGHT = 900  # pixels in a notebook


def page() -> str:
    """Return the page of the playground: one HTML file, which needs no server and no network.

    Raises
    ------
    FileNotFoundError
        If pynn is not installed but only on the path.
    """
    for folder in pynn.__path__:  # an editable installation has two: sources, and what is built
        path = os.path.join(folder, _FILE)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise FileNotFoundError(
        f"there is no {_FILE} in {' or '.join(pynn.__path__)}: install pynn again, with "
        "`pip install .` or `pip install -e .`"
    )


class Playground:
    """The page of the playground, as `playground` makes it. Notebooks show it.

    Parameters
    ----------
    html : str
        The page.

    Examples
    --------
    >>> import pynn
    >>> pynn.playground()
    Playground(...)
    """

    def __init__(self, html: str) -> None:
        self._html = html

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, which works without pynn.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        content = self._html.encode()
        replace(path, lambda file: file.write(content))

    def open(self) -> str:
        """Write the page to a new temporary folder, and open it in the browser.

        Returns
        -------
        str
            Path of the file.
        """
        path = self._save_somewhere()
        show(path)
        return path

    def _save_somewhere(self) -> str:
        path = os.path.join(tempfile.mkdtemp(prefix="pynn-"), _FILE)
        self.save(path)
        return path

    def __repr__(self) -> str:
        return f"Playground({len(self._html):,} bytes; open() shows it, save(path) writes it)"

    def _repr_html_(self) -> str:
        # Without allow-same-origin, the page has no access to the notebook.
        return (
            f'<iframe title="pynn playground" srcdoc="{escape(self._html)}" '
            'sandbox="allow-scripts allow-downloads" allow="clipboard-write" '
            f'style="width:100%;height:{_HEIGHT}px;border:0"></iframe>'
        )


def show(path: str) -> bool:
    """Open a file in the browser; return whether there is one."""
    return webbrowser.open(Path(path).absolute().as_uri())


def run(output: str | None, *, opens: bool) -> None:
    """Run the command ``pynn playground``.

    Parameters
    ----------
    output : str or None
        Path of the file, or None for one in a new temporary folder.
    opens : bool
        Whether to open it in the browser.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    found = Playground(page())
    path = found._save_somewhere() if output is None else output
    if output is not None:
        found.save(output)
    print(path, flush=True)
    if opens and not show(path):
        print("There is no browser here: open this file in a browser elsewhere.", file=sys.stderr)


def playground(net: Any = None, X: Any = None, y: Any = None) -> Playground:
    """Open a network and data in the playground, where training can be watched in a browser.

    Notebooks display the result; its method `~Playground.open` shows it in the browser, and
    `~Playground.save` writes it to a file. The page is one HTML file that contains the compiled
    core of pynn, computes in float32, and sends nothing anywhere. The network and the rows become
    part of this file.

    Parameters
    ----------
    net : Network, or fitted MLPClassifier or MLPRegressor, optional
        Network to start with. It may have at most 32 inputs, 8 hidden layers of 16 units and 8
        classes; an output sigmoid, softmax or identity; and no options of layers except activations
        without parameters. Without `X`, it has 2 inputs, the coordinates of the plane. By default,
        the page starts with its own network.
    X : table of shape (n_samples, n_features), optional
        Up to 20,000 rows: an array, a list of rows, or a DataFrame of pandas or polars. Without
        `net`, the page scales numbers and turns categories into one-hot columns, at most 32
        inputs in all; with `net`, all columns are numbers, and are passed to it as they are.
    y : array-like of shape (n_samples,), optional
        Classes or numbers to learn. Required with `X`.

    Returns
    -------
    Playground

    Raises
    ------
    ValueError
        If the page does not take such a network or such rows; the message names the limit.
    TypeError
        If an argument has another type.
    NotFittedError
        If an estimator is not fitted.

    Examples
    --------
    >>> import pynn
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = pynn.Network([2, 4, 1], output_activation="sigmoid", random_state=0)
    >>> pynn.playground(net, X, y).save("xor.html")  # doctest: +SKIP
    """
    html = page()
    given = described(net, X, y)
    if given is not None:
        block = f'<script type="application/json" id="given">{given}</script>\n'
        html = html.replace(_BEFORE, block + _BEFORE, 1)
    return Playground(html)
