// Waits for a document that has changed its address by itself to come to rest.

const MORE_MS = 1000;

// Until nothing has changed or arrived for `quietMs`, at most `mostMs`. A request that is under way cannot be seen, so
// an address that has brought nothing yet gets a longer moment.
noctule.quiet = (quietMs, mostMs) =>
  new Promise((resolve) => {
    const begun = performance.now();
    let last = begun;
    let changes = 0;
    const note = () => {
      last = performance.now();
      changes++;
    };
    const mutations = new MutationObserver(note);
    mutations.observe(document, { childList: true, subtree: true, characterData: true });
    const arrivals = new PerformanceObserver(note);
    arrivals.observe({ type: "resource" });
    const timer = setInterval(() => {
      const now = performance.now();
      const wanted = changes ? quietMs : Math.min(MORE_MS, quietMs * 2);
      if (now - last < wanted && now - begun < mostMs) return;
      clearInterval(timer);
      mutations.disconnect();
      arrivals.disconnect();
      resolve(true);
    }, 25);
  });
