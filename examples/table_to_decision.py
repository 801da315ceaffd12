"""
From a table to a decision
==========================

Prices of used bicycles, with intervals, and which of them need a discount to be sold in time.

The table has numbers, categories, dates and missing values, made by a stated seed.
``TabularRegressor`` and ``TabularClassifier`` take it as it is: an array of objects here, or a
DataFrame. The first predicts prices with intervals, the second probabilities, and both tell which
columns they use.
"""

import matplotlib.pyplot as plt
import numpy as np

import pynn

rng, n = np.random.default_rng(0), 3000
news = {"city": 700, "racing": 2200, "mountain": 1500, "cargo": 4000}  # prices of new ones
kind = rng.choice([*news], n, p=[0.5, 0.2, 0.2, 0.1])
brand, year, day = (rng.integers(*limits, n) for limits in [(0, 30), (2005, 2025), (0, 365)])
kilometres, photos = rng.lognormal(8, 1, n).round(), rng.poisson(3, n)

price = np.array([news[one] for one in kind]) * 0.93 ** (2025 - year)
price *= np.exp(0.4 * np.sin(3 * brand) - kilometres / 3e4 + 0.15 * rng.normal(size=n))
chance = 1.5 * np.sin(day / 58) + 0.5 * photos - 1.5 + rng.logistic(size=n)
sold = np.where(chance > 0, "sold", "unsold")

columns = {
    "kind": np.where(rng.random(n) < 0.1, None, kind),
    "brand": [f"brand {i}" for i in brand],
    "year": year,
    "kilometres": np.where(rng.random(n) < 0.4, np.nan, kilometres),
    "advertised": np.datetime64("2025-01-01") + day,
    "photos": photos,
}
bicycles = np.array([*columns.values()], dtype=object).T
X, X_test = bicycles[:2000], bicycles[2000:]
print(*columns, *X[:3].tolist(), sep="\n")

# %%
# Prices are skewed, so the regressor learns their logarithm. The limits of an interval are
# transformed back like predictions.

log_price, log_test = np.split(np.log(price), [2000])
regressor = pynn.TabularRegressor(random_state=0).fit(X, log_price)
predicted, paid = np.exp(regressor.predict(X_test)), np.exp(log_test)
low, high = np.exp(regressor.predict_interval(X_test, coverage=0.9))
error = np.median(np.abs(predicted / paid - 1))
print(f"R² of the logarithm {regressor.score(X_test, log_test):.2f}, median error {error:.0%}")
print(f"predicted {predicted[0]:.0f}, 90% within {low[0]:.0f} to {high[0]:.0f}, paid {paid[0]:.0f}")
print(f"{np.mean((low <= paid) & (paid <= high)):.1%} of the prices are within their intervals")

# %%
# Offer a discount where a bicycle stays unsold with a probability above 40%. That is a decision
# about costs, so the probabilities must be right; the classifier calibrates them.

classifier = pynn.TabularClassifier(random_state=0).fit(X, sold[:2000])
unsold, is_unsold = classifier.predict_proba(X_test)[:, 1], sold[2000:] == "unsold"
temperature = classifier.temperature_
print(f"accuracy {classifier.score(X_test, sold[2000:]):.1%}, temperature {temperature:.2f}")
for name, some in {"full price": unsold <= 0.4, "discount": unsold > 0.4}.items():
    said, happened = unsold[some].mean(), is_unsold[some].mean()
    print(f"{name}: {some.sum()} bicycles, predicted {said:.1%} unsold, observed {happened:.1%}")

# %%
# Importance: how much the loss rises when the values of a column are shuffled. The price depends
# on other columns than the time of the sale.

importances = {"price": regressor.feature_importances_, "sale": classifier.feature_importances_}
print(f"{'':10}" + "".join(f"{target:>8}" for target in importances))
for name, *values in zip(columns, *importances.values(), strict=True):
    print(f"{name:10}" + "".join(f"{value:8.3f}" for value in values))

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharey=True)
for ax, (target, values) in zip(axes, importances.items(), strict=True):
    ax.barh([*columns], values)
    ax.set(title=target, xlabel="rise of the loss")
axes[0].invert_yaxis()
plt.show()
