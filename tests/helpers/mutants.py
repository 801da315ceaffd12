"""Changes of what JSON holds, for files whose content is false in some places."""

ODD = [
    *(None, True, False, 0, 1, -1, 2, 3, 255, 2**31, 2**63, 10**30, 1e308, float("nan"), 0.5),
    *("", "x", "relu", "huber", "float16", "\0", "__class__", [], [1], [[]], {}, {"a": 1}, {"": 2}),
    *([3, 4, 2], [3, 10**9, 2], {"leaky_relu": "x"}, {"huber": -1}, {"tuple": 3}, {"dict": [[1]]}),
]


def mutated(value, draw):
    """Change something in what JSON holds: a value, a key, or how many there are."""
    if isinstance(value, dict | list) and value and draw.random() < 0.9:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key, copy = draw.choice(keys), value.copy()
        match draw.random():
            case r if r < 0.1:
                del copy[key]
            case r if r < 0.2 and isinstance(copy, dict):
                copy[draw.choice(["x", "n_threads", "__dict__"])] = copy[key]
            case r if r < 0.2:
                copy.append(draw.choice(ODD))
            case _:
                copy[key] = mutated(copy[key], draw)
        return copy
    return draw.choice(ODD)
