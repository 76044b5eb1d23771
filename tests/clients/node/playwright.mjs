// Playwright, unmodified, against a session's cdp_url: the page that is there is the one the server drives.
import { chromium } from 'playwright-core';

import { browserUrl, pageUrl, report } from './arguments.mjs';

const browser = await chromium.connectOverCDP(browserUrl, { timeout: 20_000 });
const contexts = browser.contexts();
const context = contexts[0];
const page = context.pages()[0];
const result = { contexts: contexts.length, pages: context.pages().length, firstUrl: page.url() };

await page.goto(pageUrl);
result.url = page.url();
result.title = await page.title();
await page.evaluate(() => { window.name = 'playwright-core'; });

const second = await context.newPage();
await second.goto(pageUrl + '#second');
result.secondTitle = await second.title();
result.pagesWithSecond = context.pages().length;
await second.close();

// Over CDP this only disconnects; the browser belongs to the server.
await browser.close();
report(result);
