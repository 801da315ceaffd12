"""
Trask's network in eleven lines
===============================

Andrew Trask's "A Neural Network in 11 lines of Python" (2015) has three inputs, four hidden units
and one output, all sigmoid and without biases. It learns four rows by gradient descent on half the
sum of the squared errors, with the learning rate 1 and all rows in each update. Initial weights are
uniform between -1 and 1, from NumPy's seed 1. The program prints the mean absolute error before the
first update and after every 10,000th: 0.49641, 0.00858, 0.00579, 0.00463, 0.00396, 0.00351.

So its last figure, 0.0035, is the error after 50,000 updates. The program continues to 60,000
without printing; the error is then 0.0032.
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
# The initial weights are drawn in the same way as his. The cost here is the mean over the four
# rows, his is the sum; so his learning rate of 1 is 4 here.

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
# The cost after each update. At first it hardly changes. Then the hidden units begin to differ, and
# it falls by a factor of a hundred.

display = LossCurveDisplay.from_estimator(net, log=True)
display.ax_.set(xscale="log", xlabel="updates", title="Trask's 3-4-1 network")
plt.show()
