#!/usr/bin/env python3
"""An echo server on Python's asyncio: a protocol whose methods the loop calls.

  asyncio PORT

Backpressure: when too much waits to be sent, the transport says so, and reading pauses.
"""

import asyncio
import os
import signal
import socket
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport  # TCP_NODELAY is asyncio's default

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    def eof_received(self):
        return False  # the transport closes itself when all is sent


async def main(port):
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, os._exit, 0)  # what is open, the kernel closes
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets have it from their listener. Set later, it would be too late for what had come.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    listener.bind(("127.0.0.1", port))
    # asyncio also takes its backlog for how often it accepts in a row, and goes on with that when no
    # descriptor is left. So it is told 1, and the kernel the true one.
    server = await loop.create_server(Echo, sock=listener, backlog=1)
    listener.listen(65535)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1])))
