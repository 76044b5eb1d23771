// Puppeteer, unmodified, against a session's cdp_url: the page that is there is the one the server drives.
import puppeteer from 'puppeteer-core';

import { browserUrl, pageUrl, report } from './arguments.mjs';

const browser = await puppeteer.connect({ browserWSEndpoint: browserUrl, defaultViewport: null, protocolTimeout: 20_000 });
const context = browser.defaultBrowserContext();
const pages = await context.pages();
const page = pages[0];
const result = { contexts: browser.browserContexts().length, pages: pages.length, firstUrl: page.url() };

await page.goto(pageUrl);
result.url = page.url();
result.title = await page.title();
await page.evaluate(() => { window.name = 'puppeteer-core'; });

const second = await browser.newPage();
await second.goto(pageUrl + '#second');
result.secondTitle = await second.title();
result.pagesWithSecond = (await context.pages()).length;
await second.close();

await browser.disconnect();
report(result);
