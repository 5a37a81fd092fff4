"""An echo server with a table of twenty peers. Who comes when it is full is accepted and never
heard. Given "ends" behind its port, it ends when a peer resets its connection."""

import selectors
import socket
import sys

SLOTS = 20
ready = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
ready.register(listener, selectors.EVENT_READ)
unheard = []
peers = 0
while True:
    for key, _ in ready.select():
        if key.fileobj is listener:
            peer, _ = listener.accept()
            if peers < SLOTS:
                peers += 1
                ready.register(peer, selectors.EVENT_READ)
            else:
                unheard.append(peer)
            continue
        try:
            data = key.fileobj.recv(4096)
            if data:
                key.fileobj.sendall(data)
                continue
        except OSError:
            if "ends" in sys.argv:
                sys.exit(1)
        ready.unregister(key.fileobj)
        key.fileobj.close()
        peers -= 1
