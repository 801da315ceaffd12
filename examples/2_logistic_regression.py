"""
Logistic regression is a network without hidden layer
=====================================================

One sigmoid neuron with the cross-entropy as its cost is the logistic regression of statistics (D.
R. Cox, "The regression analysis of binary sequences", 1958). Trained to convergence, it must agree
with scikit-learn's LogisticRegression. Here the coefficients and probabilities are the same to
1e-4, for 569 tumours with 30 measurements each. With one softmax output for each class, the same
holds for three kinds of iris.

The penalties are equivalent. LogisticRegression minimises ½ Σ w² + C Σ cost, a network mean cost +
½ alpha Σ w². Dividing the first by C and by the number of rows gives the second, with alpha = 1 /
(C n_rows).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import pynn

C = 1.0


def both(X, y, n_outputs, names):
    """Fit a regression and a network, and print how far they are apart."""
    theirs = LogisticRegression(C=C, tol=1e-8, max_iter=1000).fit(X, y)
    net = pynn.Network([X.shape[1], n_outputs], initializer="zeros", dtype="float64", **names)
    net.fit(
        X,
        y,
        epochs=5000,
        batch_size=len(X),
        optimizer=pynn.SGD(0.5, momentum=0.95),
        alpha=1 / (C * len(X)),
    )
    outputs = net.predict(X)
    expected = theirs.predict_proba(X)[:, -n_outputs:]
    print(f"  coefficients  {np.abs(net.weights[0].T - theirs.coef_).max():.1e}")
    print(f"  intercepts    {np.abs(net.biases[0] - theirs.intercept_).max():.1e}")
    print(f"  probabilities {np.abs(outputs - expected).max():.1e}")
    return net, theirs


# %%
# Two classes: one sigmoid output. The measurements are standardised.

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
print("tumours, 30-1 sigmoid: greatest difference from LogisticRegression")
net, theirs = both(X, y, 1, {"output_activation": "sigmoid", "cost": "binary_cross_entropy"})

# %%
# Left: the coefficients of both models. Right: the output of the neuron for each tumour.

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.axline((0, 0), slope=1, color="gray", linewidth=0.8)
left.scatter(theirs.coef_[0], net.weights[0][:, 0], s=40, color="tab:red", zorder=3)
left.set(xlabel="LogisticRegression", ylabel="network", title="30 coefficients")
z = X @ net.weights[0][:, 0] + net.biases[0]
order = np.argsort(z)
right.plot(z[order], net.predict(X)[order], color="gray", linewidth=0.8)
for label, name, color in ((0, "malignant", "tab:red"), (1, "benign", "tab:blue")):
    rows = y == label
    right.scatter(z[rows], net.predict(X[rows])[:, 0], s=20, alpha=0.5, color=color, label=name)
right.set(xlabel="weighted sum", ylabel="probability of benign", title="569 tumours")
right.legend()
plt.show()

# %%
# Three classes: three softmax outputs, whose probabilities add up to 1.

X, y = load_iris(return_X_y=True)
print("iris, 4-3 softmax: greatest difference from LogisticRegression")
X = StandardScaler().fit_transform(X)
net, theirs = both(X, y, 3, {"output_activation": "softmax", "cost": "cross_entropy"})
