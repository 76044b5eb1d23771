"""The use cases of the page; the only door that other tags may open."""

from noctule.page.service.deeds import Deed, PageDeed, Sighted, Upload
from noctule.page.service.files import Files
from noctule.page.service.perceiving import Sight
from noctule.page.service.scraping import Scraped, ScrapePage, Scraping
from noctule.page.service.service import PageService

__all__ = [
    "Deed",
    "Files",
    "PageDeed",
    "PageService",
    "ScrapePage",
    "Scraped",
    "Scraping",
    "Sight",
    "Sighted",
    "Upload",
]
