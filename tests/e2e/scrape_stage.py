"""What the tests of scraping share: a site, a model behind HTTP, and a server that knows both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e import page_stage
from tests.support.model_server import ModelServer

ARTICLE = """<!doctype html><html lang="en"><head><title>Bats at dusk</title></head><body>
<nav><a href="/home">Home</a> <a href="/about">About</a></nav>
<main><article><h1>Bats at dusk</h1>
<p>Every evening in the warm half of the year forty noctules leave the old oak beside the mill and hunt above the river
until the last light is gone. <a href="/more">More about noctules</a> is on a page of its own.</p>
<p>They come back before dawn, one after the other, and can be heard from the path long before they can be seen. Nobody
knows why they chose this oak and not the younger one, whose holes are larger and drier by far.</p>
<img src="/bat.png" alt="A noctule in flight" width="400" height="300">
<table><tr><th>Hour</th><th>Bats</th></tr><tr><td>dusk</td><td>40</td></tr></table>
<pre><code class="language-python">print("bats")</code></pre>
</article></main>
<footer>Imprint and privacy</footer></body></html>"""

PRICES = '[[price]]\nmodel = "custom/*"\nfrom = 2025-01-01\ninput = "1"\noutput = "10"\n'


@dataclass(frozen=True)
class Stage(page_stage.Stage):
    """Everything at hand. ``article`` is the address of a page with navigation around its content."""

    model: ModelServer
    article: str

    def scrape(self, client: httpx.Client, url: str, **fields: Any) -> httpx.Response:
        """One shot."""
        return client.post("/scrape", json={"url": url, **fields})


@contextmanager
def staged(folder: Path, **environment: str) -> Iterator[Stage]:
    """A started server with a model of a known price."""
    prices = folder / "prices.toml"
    prices.write_text(PRICES)
    with ModelServer() as model:
        settings = {
            "NOCTULE_LLM_BASE_URL": model.base_url,
            "NOCTULE_LLM_MODEL": "a-model",
            "NOCTULE_LLM_PRICES_FILE": str(prices),
            **environment,
        }
        with page_stage.staged(folder, **{name: value for name, value in settings.items() if value}) as stage:
            article = stage.pages.add("/article", ARTICLE)
            yield Stage(stage.server, stage.site, stage.pages, model, article)
