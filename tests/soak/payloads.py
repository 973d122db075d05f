"""What is said: messages of all sizes, texts and bytes, that compress well or not at all, each unlike the others.

Not here: who says them.
"""

import random

MIB = 1 << 20

# Sizes in bytes and how often each kind comes. Those at which a frame's header changes have a line of their own; most
# messages are small, and a few are large, as anywhere.
SIZES = [
    (6, (0, 0)),
    (4, (1, 1)),
    (5, (125, 127)),
    (45, (8, 124)),
    (24, (128, 4096)),
    (10, (4097, 32768)),
    (2, (65535, 65537)),
    (3, (65538, 262144)),
    (1, (MIB, MIB)),
]
WEIGHTS = [weight for weight, _ in SIZES]

# A prime number of bytes, so that what is taken from anywhere in it does not repeat soon.
NOISE_BYTES = 1_200_007
WORDS = "příliš žluťoučký kůň úpěl ďábelské ódy; the quick brown fox; 日本語のテキスト; 👩‍🚀 𝄞 ".split(" ")

FRAGMENTS = 24


class Payloads:
    """Makes them; the same seed makes the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self._noise = self.random.randbytes(NOISE_BYTES)
        self._text = " ".join(self.random.choices(WORDS, k=100_000)).encode()

    def size(self, largest=MIB):
        low, high = self.random.choices([sizes for _, sizes in SIZES], WEIGHTS)[0]
        return min(self.random.randint(low, high), largest)

    def message(self, name, largest=MIB):
        """A text or bytes that begin with this name, as far as there is room for it."""
        size = self.size(largest)
        kind = self.random.randrange(3)
        begin = f"{name} ".encode()[:size]
        if kind == 0:
            return begin + self.slice(self._noise, size - len(begin))
        if kind == 1:
            return (begin + self.slice(self._text, size - len(begin))).decode(errors="ignore")
        return begin + b"\0" * (size - len(begin))

    def slice(self, source, size):
        if size <= 0:
            return b""
        at = self.random.randrange(len(source))
        taken = source[at : at + size]
        while len(taken) < size:
            taken += source[: size - len(taken)]
        return taken

    def repeatable(self, speaker, number, size):
        """What this speaker says as this number: whoever knows the three can tell what it must be."""
        begin = f"{speaker} {number} {size} "
        at = (speaker * 7919 + number * 104_729) % (NOISE_BYTES - size)
        return begin.encode() + self._noise[at : at + size]

    def pieces(self, message):
        """The message in fragments, some of them empty; of a text, each a text."""
        count = self.random.randint(2, FRAGMENTS)
        cuts = sorted(self.random.randint(0, len(message)) for _ in range(count - 1))
        return [message[low:high] for low, high in zip([0, *cuts], [*cuts, len(message)])]
