"""
Trask's network in eleven lines
===============================

Andrew Trask's "A Neural Network in 11 lines of Python" (2015) has three inputs, four hidden units
and one output, all sigmoid and without biases. It learns four rows, all of them in each update,
by gradient descent at rate 1 on the sum of the squared errors, halved; weights begin uniform
between -1 and 1, from NumPy's seed 1. Its program prints the mean absolute error after every
10,000th update, first before the first one: 0.49641, 0.00858, 0.00579, 0.00463, 0.00396, 0.00351.

So 0.0035, its last figure, is the error after 50,000 updates. The program goes on to 60,000 and
prints no more; by then the error is 0.0032.
"""

import matplotlib.pyplot as plt
import numpy as np

import pynn
from pynn.displays import LossCurveDisplay

PRINTED = [
    0.496410031903,
    0.00858452565325,
    0.00578945986251,
    0.00462917677677,
    0.00395876528027,
    0.00351012256786,
]
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([0, 1, 1, 0])  # the first input or the second, but not both; the third is always 1

# %%
# The weights are drawn as he draws them. The cost here is a mean over the four rows, where his is a
# sum; a rate of 1 on the sum is one of 4 on the mean.

np.random.seed(1)
net = pynn.Network(
    [3, 4, 1],
    activation="sigmoid",
    output_activation="sigmoid",
    cost="squared_error",
    bias=False,
    dtype="float64",
)
for W in net.weights:
    W[:] = 2 * np.random.random(W.shape) - 1


def error():
    return np.abs(net.predict(X)[:, 0] - y).mean()


errors = [error()]
for start in range(0, 60_000, 10_000):
    optimizer = pynn.SGD(4.0) if start == 0 else None  # None goes on with the same
    net.fit(X, y, epochs=10_000, batch_size=4, shuffle=False, optimizer=optimizer)
    errors.append(error())

print("updates  mean absolute error  Trask's figure  difference")
for n, (here, his) in enumerate(zip(errors, PRINTED, strict=False)):
    print(f"{10_000 * n:7,}  {here:.17f}  {his:.12f}  {abs(here - his):10.0e}")
print(f" 60,000  {errors[-1]:.17f}  not printed")
print("outputs:", net.predict(X)[:, 0].round(4), "for", y)

# %%
# The cost after each update. At first nothing seems to happen; then the hidden units begin to
# differ, and it falls by a factor of a hundred.

display = LossCurveDisplay.from_estimator(net, log=True)
display.ax_.set(xscale="log", xlabel="updates", title="Trask's 3-4-1 network")
plt.show()
