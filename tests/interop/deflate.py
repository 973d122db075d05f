"""permessage-deflate: what is offered to which server, and what `sockeye echo` has to answer (RFC 7692 section 7.1).

Not here: what is then said on the connection (conversation.mjs, conversation.py).
"""

import collections

NAME = "permessage-deflate"
TAKEOVER = "--context-takeover"
OFF = "--no-deflate"

# One server for each. Without a flag no message may refer to an earlier one, in neither direction.
FLAGS = ("", TAKEOVER, OFF)

SERVER_TAKEOVER = "server_no_context_takeover"
CLIENT_TAKEOVER = "client_no_context_takeover"
SERVER_BITS = "server_max_window_bits"
CLIENT_BITS = "client_max_window_bits"

# zlib's, and so the same in Node and in Python.
HUFFMAN_ONLY, RLE, FIXED = 2, 3, 4

# `alternatives`: dictionaries of parameters, the preferred one first; True is a parameter without a value.
# `by_itself`: the client is given no options, and so offers what its users offer. `zlib`: how the client compresses.
Offer = collections.namedtuple("Offer", "alternatives by_itself zlib")


def offer(*alternatives, by_itself=False, **zlib):
    return Offer(list(alternatives), by_itself, zlib)


BARE = {CLIENT_BITS: True}
BY_ITSELF = offer(BARE, by_itself=True)
NOTHING = offer()
EVERYTHING = offer({SERVER_TAKEOVER: True, CLIENT_TAKEOVER: True, SERVER_BITS: 9, CLIENT_BITS: 9})

OFFERS = [
    BY_ITSELF,
    NOTHING,
    offer({}),
    offer({SERVER_TAKEOVER: True}),
    offer({CLIENT_TAKEOVER: True, CLIENT_BITS: True}),
    offer({SERVER_TAKEOVER: True, CLIENT_TAKEOVER: True}),
    # Each number of bits once for either side; only one of the two is small, or neither.
    *(offer({SERVER_BITS: bits, CLIENT_BITS: 24 - bits}) for bits in range(9, 16)),
    EVERYTHING,
    # zlib cannot compress with 8 bits. In our direction that is to be declined; in the client's it is a hint.
    offer({SERVER_BITS: 8, CLIENT_BITS: True}),
    offer({CLIENT_BITS: 8}),
    offer({SERVER_BITS: 8}, {SERVER_BITS: 10, CLIENT_BITS: True}),
    # Blocks of each type, and many small ones.
    offer(BARE, level=0),
    offer(BARE, strategy=HUFFMAN_ONLY),
    offer(BARE, strategy=RLE),
    offer(BARE, strategy=FIXED),
    offer(BARE, level=9, memLevel=1),
]


def conversations(client, flags, is_direct):
    """All of the client's conversations, in the order of the table; to a proxy, which answers nothing itself, few."""
    offers = [offered for offered in OFFERS if client.can_offer(offered)]
    few = [offered for offered in offers if offered in (BY_ITSELF, NOTHING, EVERYTHING)]
    some = {flag: offers if is_direct and flag != OFF else few for flag in flags}
    return [Conversation(flag, offered) for flag in flags for offered in some[flag]]


def answer(alternatives, flag):
    """The parameters that the server has to answer with; None if it has to decline."""
    if flag == OFF:
        return None
    offered = next((one for one in alternatives if one.get(SERVER_BITS) != 8), None)
    if offered is None:
        return None
    both = (SERVER_TAKEOVER, CLIENT_TAKEOVER)
    answered = {name: True for name in both if flag != TAKEOVER or name in offered}
    if SERVER_BITS in offered:
        answered[SERVER_BITS] = offered[SERVER_BITS]
    # 15 is what holds without the parameter. Of 8 nothing is said: many who offer it then compress with 9.
    if offered.get(CLIENT_BITS) in range(9, 15):
        answered[CLIENT_BITS] = offered[CLIENT_BITS]
    return answered


def line(parameters):
    """As it stands in the header."""
    return "; ".join([NAME, *(name if value is True else f"{name}={value}" for name, value in parameters.items())])


def elements(header):
    """What a header says, by which two can be compared: the order of parameters has no meaning."""
    return [sorted(part.strip() for part in one.split(";")) for one in header.split(",")] if header else []


class Conversation:
    """What one client offered to one server, and what came of it."""

    def __init__(self, flag, offered):
        self.flag = flag
        self.offer = offered
        self.heard = False
        self.answered = None
        self.problem = None

    def plan(self, url):
        """What the client is told."""
        return {"url": url, **self.offer._asdict()}

    def hear(self, offered, answered, failed=None):
        """What the client tells: both headers, "" for none; what it offered is None if it does not know."""
        self.heard, self.answered = True, answered
        expected = ", ".join(map(line, self.offer.alternatives))
        agreed = answer(self.offer.alternatives, self.flag)
        wanted = "" if agreed is None else line(agreed)
        if offered is not None and elements(offered) != elements(expected):
            self.problem = f"expected the client to offer {expected or 'nothing'}, saw {offered or 'nothing'}"
        elif elements(answered) != elements(wanted):
            self.problem = f"expected the answer {wanted or 'none'}, saw {answered or 'none'}"
        else:
            self.problem = failed

    @property
    def offer_text(self):
        """The offer, for the table."""
        header = ", ".join(map(line, self.offer.alternatives)) or "nothing"
        more = ["by itself"] if self.offer.by_itself else [f"zlib {name} {n}" for name, n in self.offer.zlib.items()]
        return f"{header} ({', '.join(more)})" if more else header
