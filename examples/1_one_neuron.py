"""
One neuron by hand
==================

Per Harald Borgen's "Learning How To Code Neural Networks" (2015) begins with a single neuron. The
inputs 1 and 0, the weights 7 and 3 and a bias of -2 give a weighted sum of 5. Its sigmoid is
0.9933, or 1 when rounded.

His inputs are the answers to two questions of a spam filter: is there more than one capitalised
word in the mail, and is there the word "viagra"?
"""

import matplotlib.pyplot as plt
import numpy as np

import pynn
from pynn.displays import NetworkDisplay

# %%
# A neuron multiplies each input by its weight, adds the products and the bias, and maps the sum to
# the range from 0 to 1.

z = 1 * 7 + 0 * 3 - 2
a = 1 / (1 + np.exp(-z))
print(f"1 * 7 + 0 * 3 - 2 = {z}, sigmoid({z}) = {a:.4f}, rounded {a:.0f}")

# %%
# The same neuron as the smallest possible network, and the products that it sums up.

net = pynn.Network([2, 1], output_activation="sigmoid", cost="binary_cross_entropy")
net.weights[0][:] = [[7], [3]]
net.biases[0][:] = -2
print(net.neuron_inputs(layer=1, unit=0, X=[[1, 0]]))

# %%
# The output for each kind of mail.

mails = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
names = ["neither", "viagra", "capitals", "both"]
sums = mails @ net.weights[0] + net.biases[0]
outputs = net.predict(mails)
print("mail      capitals  viagra  weighted sum  output")
for name, (capitals, viagra), (z,), (a,) in zip(names, mails, sums, outputs, strict=True):
    verdict = "spam" if a > 0.5 else "no spam"
    print(f"{name:8}  {capitals:8}  {viagra:6}  {z:12g}  {a:.4f}  {verdict}")

# %%
# The network with its weights, and the activations for a mail that has only capitals.

NetworkDisplay.from_estimator(net, mails, row=2, input_names=["capitals", "viagra"])
plt.show()

# %%
# The four outputs lie on one curve. It is flat where the output is close to 0 or 1.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
z = np.linspace(-6, 10, 200)
ax.plot(z, 1 / (1 + np.exp(-z)))
ax.axhline(0.5, color="gray", linewidth=0.8, linestyle="--")
ax.scatter(sums, outputs, s=60, color="tab:red", zorder=3)
for name, (z,), (a,) in zip(names, sums, outputs, strict=True):
    ax.annotate(name, (z, a), xytext=(8, -16), textcoords="offset points", fontsize=12)
ax.set(xlabel="weighted sum", ylabel="output: sigmoid", title="One neuron as a spam filter")
plt.show()

# %%
# Where do weights come from? They are learned. A neuron that starts with zeros and trains only on
# the four mails and the outputs of the first neuron finds 7, 3 and -2 by gradient descent.

pupil = pynn.Network(
    [2, 1], output_activation="sigmoid", cost="binary_cross_entropy", initializer="zeros"
)
pupil.fit(mails, outputs, epochs=30_000, batch_size=4, optimizer=pynn.SGD(4.0))
(w1, w2), b = pupil.weights[0][:, 0], pupil.biases[0][0]
print(f"learned: weights {w1:.2f} and {w2:.2f}, bias {b:.2f}")
