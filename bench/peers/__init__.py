"""Who takes part: one small module for each, imported only in that peer's own process."""

from importlib import import_module

# name on the command line: (module, name in tables)
PEERS = {
    "pynn": ("pynn_network", "pynn"),
    "numpy": ("numpy_by_hand", "NumPy"),
    "sklearn": ("scikit_learn", "scikit-learn"),
    "torch": ("pytorch", "PyTorch"),
    "jax": ("jax_scan", "JAX"),
}


def load(name):
    """Return the class of a peer; ImportError if its library is missing."""
    return import_module(f"peers.{PEERS[name][0]}").Peer


def label(name):
    """Return a peer's name as tables print it."""
    return PEERS[name][1]
