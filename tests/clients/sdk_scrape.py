"""Every call of the official SDK that reads a page, unmodified; runs inside an environment that has only the SDK.

Usage: ``python sdk_scrape.py ARTICLE_URL PDF_URL`` in the environment of ``sdk_session.py``. The article has a title,
navigation, a link and a picture; a model behind the server follows the schema that it is sent. Prints one JSON object.
"""

import json
import sys
from importlib.metadata import version
from typing import Any

from notte_sdk import NotteClient
from pydantic import BaseModel


class Article(BaseModel):
    """What is asked of the model."""

    title: str
    bats: int


def main(article: str, pdf: str) -> dict[str, Any]:
    """What each call brought."""
    client = NotteClient()
    is_old = version("notte-sdk").startswith("1.8.")
    seen: dict[str, Any] = {"sdk": version("notte-sdk")}
    seen["client"] = client.scrape(article)
    seen["client_main"] = client.scrape(article, only_main_content=True)
    seen["client_pdf"] = client.scrape(pdf)
    with client.Session(max_duration_minutes=5, idle_timeout_minutes=2) as session:
        session.execute(type="goto", url=article)
        seen["main"] = session.scrape(only_main_content=True)
        seen["no_links"] = session.scrape(scrape_links=False)
        seen["images_in_text"] = session.scrape(scrape_images=True)
        seen["selector"] = session.scrape(selector="nav")
        seen["ignored"] = session.scrape(ignored_tags=["nav", "footer"])
        seen["placeholders"] = session.scrape(use_link_placeholders=True)
        seen["instructed"] = session.scrape(instructions="How many bats?")
        data = session.scrape(response_format=Article, instructions="The article")
        seen["schema"] = {"is": type(data).__name__, **data.model_dump()}
        wrapped = session.scrape(response_format=Article, raise_on_failure=False)
        seen["wrapped"] = {"success": wrapped.success, "error": wrapped.error, "data": wrapped.data.model_dump()}
        if is_old:
            images = session.scrape(only_images=True)
            seen["images"] = [image.model_dump(mode="json") for image in images]
        acted = session.execute(type="scrape", only_main_content=True)
        seen["action"] = {"success": acted.success, "markdown": acted.data.markdown if acted.data else None}
        try:
            session.scrape(selector="#missing")
        except Exception as error:
            seen["missing"] = {"is": type(error).__name__, "says": str(error)}
        seen["session_id"] = session.session_id
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
