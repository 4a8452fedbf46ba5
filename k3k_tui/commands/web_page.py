"""The page that a browser shows the dashboard in."""

from __future__ import annotations

from html import escape
from string import Template

# It takes everything from this server: nobody else learns that it is open. The names of classes and attributes are
# what textual-serve's script looks for.
_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<link rel="stylesheet" href="static/css/xterm.css">
<style>
@font-face { font-family: "Roboto Mono"; src: url("static/fonts/RobotoMono-VariableFont_wght.ttf"); }
@font-face {
  font-family: "Roboto Mono"; font-style: italic;
  src: url("static/fonts/RobotoMono-Italic-VariableFont_wght.ttf");
}
html, body { height: 100%; margin: 0; background: #0f151c; }
body { color: #e3e9f0; font: 16px "Roboto Mono", monospace; }
.notice { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; gap: 1em; }
.notice a { color: #5cb4ef; }
.ended, .-first-byte .starting { display: none; }
.-closed .ended { display: flex; background: #0f151c; z-index: 10; }
.textual-terminal { position: absolute; inset: 0; }
</style>
<script src="static/js/textual.js"></script>
</head>
<body>
<div class="notice starting">Opening the dashboard ...</div>
<div class="notice ended"><span>The dashboard was left.</span> <a href="">Open it again</a></div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="$socket" data-font-size="$size"></div>
</body>
</html>
"""
)
_REFUSED = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>k3k</title></head>
<body><p>This dashboard opens only at the address that <code>k3k serve</code> has printed, with its token.</p></body>
</html>
"""


def page(title: str, socket: str, size: int) -> str:
    """Return the page.

    Args:
        title: of the window.
        socket: URL of the WebSocket.
        size: of the font in pixels.
    """
    return _PAGE.substitute(title=escape(title), socket=escape(socket), size=size)


def refusal() -> str:
    """Return what somebody without the token sees."""
    return _REFUSED


def policy(socket: str) -> str:
    """Return what the page may load: nothing but this server's own.

    Args:
        socket: URL of the WebSocket, which some browsers do not count as the page's own origin.
    """
    origin = "/".join(socket.split("/")[:3])
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "font-src 'self' data:",
            "img-src 'self' data:",
            f"connect-src 'self' {origin}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
