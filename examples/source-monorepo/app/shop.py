"""The shop: a stand-in for an application. It answers who it is, and nothing else."""

from http.server import BaseHTTPRequestHandler, HTTPServer


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"shop\n")


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", 8000), Shop).serve_forever()
