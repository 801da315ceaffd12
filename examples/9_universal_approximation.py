"""
Any curve, given enough units
=============================

George Cybenko's "Approximation by superpositions of a sigmoidal function" (1989) proves that one
hidden layer with enough sigmoid units approximates any continuous function on a cube to any
accuracy. Michael Nielsen's "Neural Networks and Deep Learning" (2015), chapter 4, shows it by hand
on the curve 0.2 + 0.4 x² + 0.3 x sin(15 x) + 0.05 cos(50 x) between 0 and 1: each unit is a step
where the curve goes up or down.

Neither says how many units are needed. Here 1, 2, 5, 20 and 100 units start as evenly spaced steps
and are trained. The mean error falls from 0.08 to less than 0.001.
"""

import matplotlib.pyplot as plt
import numpy as np

import pynn

x = np.linspace(0, 1, 401)[:, np.newaxis]
y = 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)

# %%
# A sigmoid with weight w and bias -w s is a step at s, which is steeper for larger w. The output
# starts as a flat line at the mean of the curve. Training finds the height and the place of each
# step.


def fitted(n_units):
    net = pynn.Network(
        [1, n_units, 1],
        activation="sigmoid",
        initializer="zeros",
        dtype="float64",
        random_state=0,  # of the order of rows, in which sums are rounded
    )
    steps = (np.arange(n_units) + 0.5) / n_units
    net.weights[0][:] = 4 * n_units
    net.biases[0][:] = -4 * n_units * steps
    net.biases[1][:] = y.mean()
    for epochs, rate in ((3000, 0.01), (1000, 0.001)):
        net.fit(x, y, epochs=epochs, batch_size=len(x), optimizer=pynn.Adam(rate))
    return net


# %%
# Twenty units have a step for each rise and fall of the slow and of the fast wave. With a hundred,
# the two curves look the same.

fig, axes = plt.subplots(2, 3, figsize=(10, 5.5), layout="constrained")
print("units  parameters  mean error  greatest error")
sizes = (1, 2, 5, 20, 100)
mean_errors = []
for ax, n_units in zip(axes.flat, sizes, strict=False):
    net = fitted(n_units)
    error = np.abs(net.predict(x) - y)
    mean_errors.append(error.mean())
    print(f"{n_units:5}  {net.n_parameters:10}  {error.mean():10.5f}  {error.max():14.5f}")
    ax.plot(x, y, color="gray", linewidth=4, alpha=0.5, label="curve")
    ax.plot(x, net.predict(x), color="tab:red", label="network")
    ax.set_title(f"{n_units} unit{'s' * (n_units > 1)}: mean error {error.mean():.4f}")
axes[0, 0].legend()
axes[1, 2].loglog(sizes, mean_errors, "o-", color="tab:red")
axes[1, 2].set(xlabel="hidden units", title="mean error")
plt.show()
