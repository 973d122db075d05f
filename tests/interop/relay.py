"""A relay on the loopback that counts the bytes of the one connection it is for."""

import socket
import threading

CHUNK = 1 << 16


class Relay:
    """Takes one connection, and passes everything on to `port`. Leaving the block ends it.

    `up` and `down` are counted before the bytes are passed on: who has an answer finds it counted, and its question.
    """

    def __init__(self, port):
        self.up = self.down = 0
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = []
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        for one in (self._listener, *self._sockets):
            one.close()

    def taken(self):
        return self.up, self.down

    def _serve(self):
        try:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._to))
        except OSError:  # we have left the block, or there is no server: the client will say so
            return
        self._sockets += [client, server]
        threading.Thread(target=self._pass, args=(server, client, "down"), daemon=True).start()
        self._pass(client, server, "up")

    def _pass(self, source, sink, direction):
        try:
            while chunk := source.recv(CHUNK):
                setattr(self, direction, getattr(self, direction) + len(chunk))
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one of them is gone
            return
