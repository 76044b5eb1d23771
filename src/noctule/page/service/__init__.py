"""The use cases of the page; the only door that other tags may open."""

from noctule.page.service.deeds import Deed, Sighted, Upload
from noctule.page.service.files import Files
from noctule.page.service.perceiving import Sight
from noctule.page.service.scraping import Scraped, ScrapePage, Scraping
from noctule.page.service.service import PageService

__all__ = [
    "Deed",
    "Files",
    "PageService",
    "ScrapePage",
    "Scraped",
    "Scraping",
    "Sight",
    "Sighted",
    "Upload",
]
