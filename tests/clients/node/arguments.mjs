// What both clients take and give: a WebSocket URL and a page URL in, one line of JSON out, a bounded life.
export const [, , browserUrl, pageUrl] = process.argv;

if (!browserUrl || !pageUrl) {
  console.error('usage: node CLIENT.mjs WS_URL PAGE_URL');
  process.exit(2);
}

const LIFE_MS = 45_000;
setTimeout(() => {
  console.error(`not done after ${LIFE_MS} ms`);
  process.exit(3);
}, LIFE_MS).unref();

export function report(result) {
  process.stdout.write(JSON.stringify(result) + '\n');
}
