"""A playground in real Chromium, served by Python's own static server, driven by playwright-core."""

import contextlib
import functools
import http.server
import json
import subprocess
import threading

from onnxtwin.runtime_checks.browser.runner import chromium, installed

SCRIPT = """
import { chromium } from "playwright-core";

const [origin, executablePath, options] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic"];
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage(JSON.parse(options));
const complaints = [];
const asked = [];
page.on("pageerror", (error) => complaints.push(error.message));
page.on("console", (said) => said.type() === "error" && complaints.push(said.text()));
page.on("request", (request) => asked.push(request.url()));
await page.goto(origin);
await page.waitForSelector('#verdict:not([data-state="busy"])');
const settled = () => page.evaluate(() => new Promise((done) => setTimeout(done, 150)));
const field = (label) => page.getByLabel(label, { exact: true });
await settled();
const verdict = await page.textContent("#verdict-text");
const said = await (async () => { %s })();
const state = await page.getAttribute("#verdict", "data-state");
console.log(JSON.stringify({ verdict, said, complaints, asked, state }));
await browser.close();
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of a folder on a static server."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def browse(folder, body="", **options):
    """What a script with ``page``, ``field(label)`` and ``settled()`` returns, with what the page said."""
    runner = installed()
    with served(folder) as origin:
        done = subprocess.run(
            ["node", "--input-type=module", "-", origin, chromium(), json.dumps(options)],
            input=SCRIPT % body,
            cwd=runner,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"origin": origin}
