"""Takes what comes for UTF-8, strips it and answers with a line, as many tutorials do."""
import socketserver
import sys


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write((line.decode("utf-8").strip() + "\n").encode("utf-8"))


socketserver.ThreadingTCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("localhost", int(sys.argv[1])), Echo) as server:
    server.daemon_threads = True
    server.serve_forever()
