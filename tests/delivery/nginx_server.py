"""A real nginx on loopback, for as long as a `with` lasts; the benchmark starts the same one."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CONFIG = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  sendfile on;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    add_header X-Repo-Commit 0123456789012345678901234567890123456789;  # huggingface_hub wants one
    location /slow/ {{ alias {root}/; limit_rate {slow_bps}; }}
    location /rangeless/ {{ alias {root}/; max_ranges 0; }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(root: Path, folder: Path, *, slow_bytes_per_s: int = 1_000_000) -> Iterator[str]:
    """Serve `root`; yields the address, with /slow/ (limited rate) and /rangeless/ (no ranges) under it."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert program, "install nginx (Debian: apt-get install nginx-light); .ci/run does"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    config = CONFIG.format(user=user, folder=folder, root=root, port=port, slow_bps=slow_bytes_per_s)
    (folder / "nginx.conf").write_text(config)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()
