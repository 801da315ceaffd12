"""
Rare classes
============

The effect of ``class_weight``, and hidden activations as features for another model.

The task is to detect one of ten digits, so 1 image in 10 belongs to the rare class. Half of the
pixels are covered to make it hard. With class_weight, the model finds more images of the rare class
and misclassifies more of the others. Then the activations of the hidden layer serve as features for
a nearest-neighbour search, compared with the pixels.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn

X, digits = load_digits(return_X_y=True)
X, y = X[:, :32], digits == 8  # the upper half of each image
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
settings = {"hidden_layer_sizes": (20,), "alpha": 1.0, "learning_rate_init": 0.01, "tol": 1e-3}


def perceptron(class_weight):
    return pynn.MLPClassifier(**settings, class_weight=class_weight, random_state=0)


models = {
    "class_weight=None": perceptron(None),
    "class_weight={True: 3}": perceptron({True: 3}),
    'class_weight="balanced"': perceptron("balanced"),
    "pixels -> neighbours": KNeighborsClassifier(),
    "hidden layer -> neighbours": make_pipeline(perceptron("balanced"), KNeighborsClassifier()),
}

# %%
# Recall is the share of the rare images that are found. Precision is the share of the images
# classified as rare that are rare.

print(f"{y_train.sum()} of {len(y_train)} training images are of the rare class")
print(f"{'':26}  recall  precision  balanced accuracy")
figures = []
for name, model in models.items():
    said = make_pipeline(StandardScaler(), model).fit(X_train, y_train).predict(X_test)
    recall, precision, balanced = (
        score(y_test, said) for score in (recall_score, precision_score, balanced_accuracy_score)
    )
    figures.append((recall, precision))
    print(f"{name:26}  {recall:6.0%}  {precision:9.0%}  {balanced:17.3f}")

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for label, values, offset in zip(
    ("recall", "precision"), np.transpose(figures), (-0.2, 0.2), strict=True
):
    ax.barh(np.arange(len(models)) + offset, 100 * values, height=0.4, label=label)
ax.set(yticks=range(len(models)), yticklabels=models, xlabel="%")
ax.invert_yaxis()
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# Nearest neighbours by pixels and by hidden activations.

hidden = models['class_weight="balanced"'].transform(X_test)
print(f"transform turns {X_test.shape[1]} pixels into {hidden.shape[1]} features")
