"""Scripts in whatever a web page is made of: nothing of it may run, nor become a tag."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
import tempfile

from events import HANGS_S

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def browsed(page, state=""):
    """What a browser makes of a page."""
    with tempfile.TemporaryDirectory() as user:
        words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={user}", "--dump-dom"]
        return subprocess.check_output([*words, f"file://{page}{state}"], text=True, timeout=HANGS_S)


def without_policy(page):
    """A page that may run any script, such as a test's."""
    page, count = re.subn(r"<meta http-equiv=[^>]*>", "", page)
    assert count == 1
    return page


#: What runs anywhere in a page: in text, in an attribute, in a style, as an address.
TAKEN = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
PAYLOAD = f"javascript:/*'\"></pre></template></title></svg>{TAKEN}*/"


def fields(value, path=()):
    """Places of a JSON document: every value and every key, of lists the first entry."""
    yield path, "value"
    if isinstance(value, dict):
        for key in value:
            yield (*path, key), "key"
            yield from fields(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from fields(value[0], (*path, 0))


def with_payload(document, path, what):
    """A copy of the document with the payload at that place."""
    changed = json.loads(json.dumps(document))
    if not path:
        return PAYLOAD
    inside = changed
    for step in path[:-1]:
        inside = inside[step]
    if what == "key":
        inside[PAYLOAD] = inside.pop(path[-1])
    else:
        inside[path[-1]] = PAYLOAD
    return changed


class Tags(html.parser.HTMLParser):
    """What a page is made of: its tags with the names of their attributes, but for figures' own drawings as often as may be."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.add((tag, *sorted(name for name, _ in attributes)))
        assert not any(name == "href" and re.match(r"\s*[a-z]+:", value) for name, value in attributes)
