"""
What a neural network is
========================

A neural network is a long sum with a few bends in it. No number of it is hidden, and this page
looks at them: how one neuron decides, what several can do that one cannot, how wrong a network is,
and how it finds numbers that make it less wrong. The page is one script; pynn computed everything
that it shows.
"""

# %%
# One neuron draws a line
# -----------------------
# A neuron multiplies each of its inputs by a number of its own, a *weight*. It adds up the products
# and one more number, its *bias*, and bends the *weighted sum* with an *activation*. The sigmoid
# brings any sum between 0, no, and 1, yes; a sum of 0 becomes ½, undecided.
#
# Two switches, up or down, are two inputs, 1 or 0. This neuron says whether any of them is up: one
# weight of 10 outweighs the bias of −5, which says no as long as nobody objects.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import pynn
from pynn import displays

switches = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
sigmoid = {"activation": "sigmoid", "output_activation": "sigmoid"}
sigmoid |= {"cost": "squared_error", "dtype": "float64"}

neuron = pynn.Network([2, 1], **sigmoid)
neuron.weights[0][:] = [[10], [10]]
neuron.biases[0][:] = -5
for (first, second), answer in zip(switches, neuron.predict(switches)[:, 0], strict=True):
    z = first * 10 + second * 10 - 5
    print(f"{first:.0f}·10 + {second:.0f}·10 − 5 = {z:3.0f}, sigmoid → {answer:.4f}")

# %%
# Wherever 10·first + 10·second = 5 the neuron is undecided. That is a straight line; on one side of
# it the answer is no, on the other one yes. Other weights turn the line, another bias shifts it,
# larger weights make the step across it steeper. A line is all that a neuron has to say.

displays.decision_boundary(neuron, switches, [0, 1, 1, 1])
plt.show()

# %%
# What one neuron cannot do
# -------------------------
# A lamp on a staircase has a switch at either end and is lit when exactly one of them is up. No
# straight line has (0, 1) and (1, 0) on one side and (0, 0) and (1, 1) on the other, so no neuron
# can light it, whatever its weights. Two lines could: *any of them is up* and *not both are*. Each
# is a neuron's work, and a third neuron asks both of them.

lit = np.array([[0.0], [1.0], [1.0], [0.0]])
by_hand = pynn.Network([2, 2, 1], **sigmoid)
by_hand.weights[0][:] = [[10, -10], [10, -10]]  # one column for each neuron
by_hand.biases[0][:] = [-5, 15]
by_hand.weights[1][:] = [[10], [10]]
by_hand.biases[1][:] = -15
print(by_hand.predict(switches).ravel().round(3))

displays.NetworkDisplay.from_estimator(by_hand, switches, row=1)
plt.show()

# %%
# Weights are drawn blue above 0 and orange below. This is the network with the second switch up;
# and these are its two lines:

displays.decision_boundary(by_hand, switches, lit.ravel().astype(int))
plt.show()

# %%
# That is a neural network: layers of neurons, each of which reads the outputs of the layer before.
# The neurons in between are called *hidden*, because no target says what they should output.
#
# The bend matters. Without it a hidden layer adds nothing, since a sum of sums is a sum: two layers
# of weights are then exactly one, and draw one line.

straight = pynn.Network([2, 2, 1], activation="identity", dtype="float64", random_state=0)
(W_1, W_2), (b_1, b_2) = straight.weights, straight.biases
one_layer = switches @ (W_1 @ W_2) + (b_1 @ W_2 + b_2)
print("two layers without a bend are one:", np.allclose(straight.predict(switches), one_layer))

# %%
# How wrong is it?
# ----------------
# Nobody sets thirteen thousand weights by hand. They start at random, so the network starts by
# talking nonsense, and a single number says how much: the *cost*. Here it is half the square of
# what is missing from the right answer, averaged over all examples.

net = pynn.Network([2, 2, 1], random_state=0, **sigmoid)
print("says  ", net.predict(switches).ravel().round(3))
print("should", lit.ravel())
print(f"cost   {net.cost(switches, lit):.4f}")

# %%
# A list of nudges
# ----------------
# Which of the nine numbers should change, and which way? Try it: raise one by a little and see what
# becomes of the cost. The change per unit is that number's *sensitivity*. The sensitivities of all
# numbers make a list as long as the network, the *gradient*: for each number, which way is up, and
# how steeply. What lowers the cost the fastest is to nudge each the other way, by a multiple of its
# sensitivity that is the same for all, the *learning rate*.

tried = np.empty(net.n_parameters)
before = net.cost(switches, lit)
for i in range(net.n_parameters):
    net.parameters[i] += 1e-6
    tried[i] = (net.cost(switches, lit) - before) / 1e-6
    net.parameters[i] -= 1e-6
print("tried one by one", tried.round(4))
print("all at once     ", net.gradient(switches, lit).round(4))

# %%
# A nudge, and another look: the slope is different now. Some thousand nudges later the network
# lights the lamp, and nobody has told the hidden neurons how to share the work.

LEARNING_RATE = 2.0
path = [net.parameters.copy()]
for _ in range(5000):
    net.parameters[:] -= LEARNING_RATE * net.gradient(switches, lit)
    path.append(net.parameters.copy())
print("says  ", net.predict(switches).ravel().round(3))
print(f"cost   {before:.4f} → {net.cost(switches, lit):.4f}")

# %%
# The cost is a landscape over nine numbers. Here is a slice of it, along the two directions in
# which the path went furthest. This is *gradient descent*: down the steepest slope, a step at a
# time.

displays.CostLandscapeDisplay.from_estimator(net, switches, lit, path=path[::50])
plt.show()

# %%
# Of the first twelve seeds two do not get there: they come to a plain where two of the four answers
# are ½, so flat that a million nudges more hardly help. With more hidden neurons this is rarer.
#
# Whose fault is it?
# ------------------
# To try out each number is slow: a network of 13,002 of them would have to be asked 13,002 times
# for a single step. All sensitivities come out of one pass forward and one back. The output's own,
# ∂C/∂a below, is plain: how much more wrong would it be, if it said a little more? That times the
# slope of the bend is its *delta*, ∂C/∂z. A hidden neuron reaches the cost only through those that
# read it, so its sensitivity is the sum of their deltas, each times the weight between them. Layer
# by layer the fault is handed back to those who had a share in it, which is all that *back
# propagation* means. A weight's own is the activation that it carries times the delta where it
# leads: who said nothing is not to blame.

print(net.trace(switches[1:2], lit[1:2]).text())

# %%
# Every example asks for nudges of its own, and the network gets the mean of all wishes. Usually a
# few examples at a time, a *mini-batch*, are asked before each step.

wishes, downhill = -net.per_sample_gradient(switches, lit), -net.gradient(switches, lit)
print("the mean of all wishes leads downhill:", np.allclose(wishes.mean(axis=0), downhill))

# %%
# Reading digits
# --------------
# Nothing about this is special to switches. Take the 64 pixels of a small picture as inputs, ten
# outputs, one for each digit, and 30 neurons in between, whose bend is at 0: what is below becomes
# 0. That of the output is the softmax, ten shares of 1; its cost, the cross-entropy, grows without
# end as the share of the right digit goes to 0. ``fit`` runs the loop above in compiled code, on
# mini-batches; its rule, Adam, fits a step to each number. An *epoch* is a pass over all pictures.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
softmax = {"output_activation": "softmax", "cost": "cross_entropy", "random_state": 0}
learning = {"batch_size": 10, "validation_data": (X_test, y_test)}

reader = pynn.Network([64, 30, 10], **softmax)
reader.fit(X_train, y_train, epochs=30, **learning)
reader.summary()
print(f"read correctly, of those never seen: {reader.history['val_score'][-1]:.1%}")

# %%
# What do hidden neurons look for? The weights of each are a picture: ink on blue pixels speaks for
# it, ink on orange ones against. Do not look for strokes and loops. Nobody asked for them, and many
# other patterns do as well.

displays.WeightsDisplay.from_estimator(reader, units=range(12))
plt.show()

# %%
# And this is the network at work on one picture that it has not seen.

displays.ActivationsDisplay.from_estimator(reader, X_test)
plt.show()

# %%
# Learning by heart
# -----------------
# The cost that was lowered is that of the examples at hand; what matters is that of all others. A
# network with room enough learns a few examples by heart. So some are kept from it, and once it
# does no better on these, it has learned enough.

crammer = pynn.Network([64, 100, 10], **softmax)
crammer.fit(X_train[:100], y_train[:100], epochs=200, **learning)
models = {"30 neurons, 1347 pictures": reader, "100 neurons, 100 pictures": crammer}
displays.LossCurveDisplay.from_estimator(models, log=True)
plt.show()

# %%
# That is all there is: sums, bends, one number that says how wrong, and a list of nudges. What
# remains is to do it fast, to choose the sizes, and to find good data, which is the
# hardest part. Other examples go on from here: Mazur's network, number by number; thirteen thousand
# nudges for one digit; a curve that is made of bends.
