"""Draws reading.png, the picture in README: its ten lines' network at work on one digit."""

from io import BytesIO
from pathlib import Path

import matplotlib
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import pynn
from pynn.displays import NetworkDisplay

matplotlib.use("Agg")
from matplotlib import pyplot as plt

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
net = pynn.Network([64, 30, 10], output_activation="softmax", cost="cross_entropy", random_state=0)
net.fit(X_train, y_train, epochs=30, batch_size=10, optimizer=pynn.Adam(0.001))

figure, (left, right) = plt.subplots(
    ncols=2, width_ratios=[1, 2], figsize=(6.8, 4.6), layout="constrained"
)
left.imshow(X_test[0].reshape(8, 8), cmap="gray_r")
left.set(xticks=[], yticks=[], title="64 pixels")
NetworkDisplay.from_estimator(net, X_test[:1], ax=right)
buffer = BytesIO()
figure.savefig(buffer, dpi=110)
few_colours = Image.open(buffer).convert("RGB").quantize(256)
few_colours.save(Path(__file__).with_suffix(".png"), optimize=True)
