"""What a network is and computes: sizes, parameters, activations, costs; no learning."""
