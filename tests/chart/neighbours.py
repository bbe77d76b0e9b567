"""What a Pod finds beside it, in a network of its own where that is permitted: a name server, and an issuer's keys over TLS.

Started with a folder as its argument: `names.json` says which names there are, `issuer.pem` and `jwks.json` what the issuer
serves. Prints `ready`, and ends when nobody holds its standard input any more.
"""

import fcntl
import http.server
import json
import pathlib
import socket
import ssl
import struct
import sys
import threading

NAME_SERVER = ("127.0.0.53", 53)
ISSUER = ("127.0.0.1", 8444)


def loopback_up():
    """In a new network nothing is up, the loopback device included."""
    flags, up = 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x8 | 0x40)
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, flags, up)


def answer(question: bytes, names: dict[str, str]) -> bytes:
    """One answer to one question for an address."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    asked, kind = question[12 : at + 5], struct.unpack("!H", question[at + 1 : at + 3])[0]
    address = names.get(".".join(labels).lower())
    found = bool(address) and kind == 1
    head = question[:2] + struct.pack("!HHHHH", 0x8180 if address else 0x8183, 1, int(found), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(address) if found else b""
    return head + asked + record


def serve_names(names: dict[str, str]):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(NAME_SERVER)

    def serve():
        while True:
            question, caller = server.recvfrom(2048)
            server.sendto(answer(question, names), caller)

    threading.Thread(target=serve, daemon=True).start()


def serve_keys(folder: pathlib.Path):
    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = (folder / "jwks.json").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(ISSUER, Keys)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "issuer.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    given = pathlib.Path(sys.argv[1])
    if "--own-network" in sys.argv:
        loopback_up()
    serve_names(json.loads((given / "names.json").read_text(encoding="utf-8")))
    if (given / "issuer.pem").exists():
        serve_keys(given)
    print("ready", flush=True)
    sys.stdin.read()
