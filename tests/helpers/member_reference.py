"""The oracle of networks whose members share weights: each member is a plain oracle of its own.

Member k has the weights r_k[:, None] * W * s_k in its hidden layers; its gradient becomes that of
W, r_k and s_k by the chain rule. Nothing here multiplies rows, as the core does.
"""

from itertools import pairwise

import numpy as np
import reference

ROWS_APART = 1 << 40  # between the masks of dropout of two members


class Members(reference.Network):
    """Members of one plain oracle; the parameters are s, W0, b0, r0, s0, W1, ... and the heads."""

    def __init__(self, plain, n_members):
        vars(self).update(vars(plain))
        self.plain, self.n_members = plain, n_members

    def split(self, p):
        """Return the scale and, for each layer, its groups; r and s are None in the last."""
        K, sizes, at = self.n_members, self.layer_sizes, 0

        def take(*shape):
            nonlocal at
            at += int(np.prod(shape))
            return p[at - int(np.prod(shape)) : at].reshape(shape)

        scale, layers = take(sizes[0] * self.input_scale), []
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            is_output = layer == len(sizes) - 2
            W = take(K, n_in, n_out) if is_output else take(n_in, n_out)
            b = take(K, n_out * self.bias)
            layers.append(
                (W, b, None, None) if is_output else (W, b, take(K, n_in), take(K, n_out))
            )
        assert at == p.size
        return scale, layers

    def member(self, p, k):
        """Return the parameters of member k for the plain oracle."""
        scale, layers = self.split(p)
        parts = [scale]
        for W, b, r, s in layers:
            own = W[k] if r is None else r[k][:, np.newaxis] * W * s[k]
            parts += [own.ravel(), b[k]]
        return np.concatenate(parts)

    def of_each(self, function, *arguments, factors=()):
        """Return what each member's plain oracle returns; factors are those of each."""
        return [
            getattr(self.plain, function)(*(f(k) if callable(f) else f for f in arguments),
                                          **({"factors": factors[k]} if factors else {}))
            for k in range(self.n_members)
        ]  # fmt: skip

    def predict(self, p, X):
        return np.mean(self.predict_members(p, X), axis=0)

    def predict_members(self, p, X):
        return np.array(self.of_each("predict", lambda k: self.member(p, k), X))

    def views(self, p):
        layers = self.split(p)[1]
        return [W for W, *_ in layers], [b for _, b, *_ in layers]

    def cost(self, p, X, y, sample_weight=None, alpha=0.0, l1=0.0, factors=()):
        costs = self.of_each(
            "cost", lambda k: self.member(p, k), X, y, sample_weight, factors=factors
        )
        penalty = np.sum(self.strengths(p, alpha) / 2 * p**2 + self.strengths(p, l1) * np.abs(p))
        return np.mean(costs) + penalty

    def gradient(self, p, X, y, sample_weight=None, alpha=0.0, l1=0.0, factors=()):
        gradient = self.strengths(p, alpha) * p + self.strengths(p, l1) * np.sign(p)
        d_scale, d_layers = self.split(gradient)
        _, layers = self.split(p)
        gradients = self.of_each(
            "gradient", lambda k: self.member(p, k), X, y, sample_weight, factors=factors
        )
        for k, of_member in enumerate(gradients):
            of_member = of_member / self.n_members
            d_scale += self.plain.scale(of_member) if self.input_scale else 0
            d_weights, d_biases = self.plain.views(of_member)
            for i, ((W, _, r, s), (dW, db, dr, ds)) in enumerate(
                zip(layers, d_layers, strict=True)
            ):
                db[k] += d_biases[i]
                if r is None:
                    dW[k] += d_weights[i]
                    continue
                dW += r[k][:, np.newaxis] * d_weights[i] * s[k]
                dr[k] += np.sum(d_weights[i] * W * s[k], axis=1)
                ds[k] += np.sum(d_weights[i] * W * r[k][:, np.newaxis], axis=0)
        return gradient

    def rate_factors(self, p, weights=1, biases=1, scale=1):
        result = np.ones_like(p)
        own_scale, layers = self.split(result)
        own_scale[...] = scale
        n = len(layers)
        each = zip(layers, np.broadcast_to(weights, n), np.broadcast_to(biases, n), strict=True)
        for (W, *others), of_weights, of_biases in each:
            W[...] = of_weights
            for group in others:
                if group is not None:
                    group[...] = of_biases
        return result

    def limited(self, p, max_norm):
        p = p.copy()
        for W in self.views(p)[0]:
            norms = np.linalg.norm(W, axis=-2, keepdims=True)
            W *= np.minimum(1, max_norm / np.maximum(norms, 1e-300))
        return p

    def factors(self, seed, update, n_rows, dropout):
        hidden = self.layer_sizes[1:-1]
        rates = np.broadcast_to(dropout, len(hidden))
        return [
            [
                reference.dropout_factors(
                    seed, update, layer, n_rows, n_out, float(rate), k * ROWS_APART
                )
                for layer, (n_out, rate) in enumerate(zip(hidden, rates, strict=True))
            ]
            for k in range(self.n_members)
        ]
