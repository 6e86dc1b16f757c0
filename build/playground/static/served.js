// A browser loads no module from a folder that is opened as a file: say what to do, rather than wait.
if (location.protocol === "file:") {
  document.getElementById("verdict").dataset.state = "bad";
  document.getElementById("verdict-text").textContent =
    "Open this folder through a web server: run “python3 -m http.server” in it, and go to http://localhost:8000";
}
