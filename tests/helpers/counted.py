"""A source of blocks that counts how often it is read."""

import weakref


class Counted:
    """A source that counts how often it is begun and, for each block, others in memory then."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.begun, self.in_memory, self.made = 0, 0, []

    def __iter__(self):
        self.begun += 1
        return map(self._block, self.blocks)

    def _block(self, block):
        self.made.append(self.in_memory)
        X = block[0].copy()
        self.in_memory += 1
        weakref.finalize(X, self._forget)
        return X, block[1]

    def _forget(self):
        self.in_memory -= 1
