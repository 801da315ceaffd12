"""MLPClassifier and MLPRegressor, in steps: each file calls only those before it.

settings → perceptron → samples → supervised → descent, learners, validation, record, state →
epochs, quasi_newton → hooks, resumption → training → classifier, regressor
"""
