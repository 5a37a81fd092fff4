"""Binds to ::1, which localhost may be."""
import socket
import sys
import threading


def serve(peer):
    while data := peer.recv(1024):
        peer.sendall(data)


listener = socket.create_server(("::1", int(sys.argv[1])), family=socket.AF_INET6)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=[connection], daemon=True).start()
