"""Embeddings in plain NumPy, for the oracle: formulas of their outputs and derivatives.

An embedding is any object with fields and class name as in pynn; nothing of pynn is imported.
"""

import numpy as np


def size(embedding):
    is_plain = embedding.size is None
    return len(embedding.edges) - 1 if is_plain else embedding.size


def shapes(embedding):
    kind, n_out = type(embedding).__name__, size(embedding)
    if kind == "Categories":
        return [(embedding.n, n_out)]
    if kind == "Periodic":
        m = embedding.n_frequencies
        return [(m,), (m,), (m, n_out - 1), (n_out - 1,)]
    return [] if embedding.size is None else [(len(embedding.edges) - 1, n_out), (n_out,)]


def encoded(edges, x):
    """Return the piecewise-linear encoding of x (n,), and its derivative: (n, n_bins) each."""
    left, right = np.array(edges[:-1]), np.array(edges[1:])
    lowest, highest = np.zeros(len(left)), np.ones(len(left))
    lowest[0], highest[-1] = -np.inf, np.inf
    r = (x[:, np.newaxis] - left) / (right - left)
    inside = (r >= lowest) & (r < highest)
    return np.clip(r, lowest, highest), inside / (right - left)


def forward(embedding, groups, x):
    kind = type(embedding).__name__
    if kind == "Categories":
        return groups[0][x.astype(int)]
    if kind == "Periodic":
        f, c, V, b = groups
        return np.column_stack([x, np.cos(2 * np.pi * (np.outer(x, f) + c)) @ V + b])
    code = encoded(embedding.edges, x)[0]
    return code if embedding.size is None else code @ groups[0] + groups[1]


def backward(embedding, groups, x, d):
    """Return the gradient of each group, and the derivative by x, from d (n, size)."""
    kind = type(embedding).__name__
    if kind == "Categories":
        table = np.zeros_like(groups[0])
        np.add.at(table, x.astype(int), d)
        return [table], np.zeros_like(x)
    if kind == "Periodic":
        f, c, V, _ = groups
        angle = 2 * np.pi * (np.outer(x, f) + c)
        d_turn = -2 * np.pi * np.sin(angle) * (d[:, 1:] @ V.T)
        gradients = [x @ d_turn, d_turn.sum(axis=0), np.cos(angle).T @ d[:, 1:], d[:, 1:].sum(0)]
        return gradients, d[:, 0] + d_turn @ f
    code, slope = encoded(embedding.edges, x)
    if embedding.size is None:
        return [], np.sum(d * slope, axis=1)
    return [code.T @ d, d.sum(axis=0)], np.sum(d @ groups[0].T * slope, axis=1)


class Embeddings:
    """Embeddings of some columns; parameters p are one flat vector."""

    def __init__(self, of_columns, n_in):
        self.of = dict(of_columns)
        self.n_in = n_in
        self.sizes = [size(self.of[j]) if j in self.of else 1 for j in range(n_in)]
        self.n_out = sum(self.sizes)
        self.n_parameters = sum(
            int(np.prod(shape)) for one in self.of.values() for shape in shapes(one)
        )

    def _columns(self, p):
        """Yield each column with its embedding, if any, its groups, and its place in the rows."""
        at = first = 0
        for column, n in enumerate(self.sizes):
            groups = []
            for shape in shapes(self.of[column]) if column in self.of else []:
                end = at + int(np.prod(shape))
                groups.append(p[at:end].reshape(shape))
                at = end
            yield column, self.of.get(column), groups, slice(first, first + n)
            first += n

    def forward(self, p, X):
        return np.column_stack(
            [
                X[:, j] if one is None else forward(one, groups, X[:, j])
                for j, one, groups, _ in self._columns(p)
            ]
        )

    def backward(self, p, X, d):
        """Return the gradient (n_parameters,) and the derivatives by X, from d (n, n_out)."""
        gradient, dx = [np.empty(0)], np.empty_like(X)
        for j, one, groups, place in self._columns(p):
            if one is None:
                dx[:, j] = d[:, place.start]
            else:
                found, dx[:, j] = backward(one, groups, X[:, j], d[:, place])
                gradient += map(np.ravel, found)
        return np.concatenate(gradient), dx
