"""What of a request reaches the server behind a proxy: all that Sockeye decides by, which no client of the cases shows.

`sockeye echo` does not look at Origin and Host, and a handler that does is refused nothing here. So a server that only
listens stands in for it, and the request is written by hand, with a port in Host that is not the proxy's own.
"""

import socket
import ssl

import proxies

SECONDS = 10

OFFER = "permessage-deflate; client_max_window_bits=12, x-other; y=1"
AUTHORITY = "chat.example:8443"
ORIGIN = f"https://{AUTHORITY}"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="

REQUEST = f"""\
GET /room?name=a%20b HTTP/1.1
Host: {AUTHORITY}
Upgrade: websocket
Connection: keep-alive, Upgrade
Origin: {ORIGIN}
Cookie: a=b
X-Forwarded-For: 192.0.2.1
Sec-WebSocket-Key: {KEY}
Sec-WebSocket-Version: 13
Sec-WebSocket-Protocol: v2.chat, v1.chat
Sec-WebSocket-Extensions: {OFFER}

""".replace("\n", "\r\n")

# As it has to arrive. X-Forwarded-For may come in one field or in two; all else in one.
EXPECTED = {
    "host": AUTHORITY,
    "upgrade": "websocket",
    "connection": "upgrade",
    "origin": ORIGIN,
    "cookie": "a=b",
    "x-forwarded-for": "192.0.2.1, 127.0.0.1",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    "sec-websocket-protocol": "v2.chat, v1.chat",
    "sec-websocket-extensions": OFFER,
}


def problems(stack, ways, certificates, directory, log):
    """What does not reach a server on each of these ways, one sentence each."""
    for way in ways:
        if not way.is_direct:
            seen = arrived(stack, way, certificates, directory / f"{way.key}-head", log(f"{way.key}-head"))
            yield from (f"head{way.text}: {problem}" for problem in differences(seen))


def arrived(stack, way, certificates, directory, log):
    """The head that a server behind the proxy got: the request line, and the fields by name."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.settimeout(SECONDS)
    upstream = "{}:{}".format(*listener.getsockname())
    proxy = proxies.Proxy(stack, way.kind, certificates, directory, upstream, log)
    with connect(proxy, way.tls, certificates) as client:
        client.sendall(REQUEST.encode())
        server, _ = listener.accept()
        with server:
            server.settimeout(SECONDS)
            return parse(receive_head(server))


def connect(proxy, tls, certificates):
    plain = socket.create_connection(("127.0.0.1", proxy.tls if tls else proxy.plain), SECONDS)
    if not tls:
        return plain
    return ssl.create_default_context(cafile=certificates.authority).wrap_socket(plain, server_hostname="localhost")


def receive_head(server):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = server.recv(4096)
        if not more:
            break
        head += more
    return head.decode()


def parse(head):
    line, *rest = head.split("\r\n")
    fields = {}
    for field in filter(None, rest):
        name, _, value = field.partition(":")
        name, value = name.lower(), value.strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return line, fields


def differences(seen):
    line, fields = seen
    expected = "GET /room?name=a%20b HTTP/1.1"
    if line != expected:
        yield f"expected {expected}, saw {line}"
    for name, value in EXPECTED.items():
        if fields.get(name, "").lower() != value.lower():
            yield f"expected {name}: {value}, saw {fields.get(name, 'none')}"
