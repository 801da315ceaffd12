"""MLPClassifier and MLPRegressor: scikit-learn's perceptrons on one Network each."""
