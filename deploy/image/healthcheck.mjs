// Asks this container's own ops server; the path is the first argument, /healthz when there is none.
const path = process.argv[2] ?? "/healthz";
try {
  const answer = await fetch(`http://127.0.0.1:${process.env.METRICS_PORT}${path}`, {
    signal: AbortSignal.timeout(2_000),
  });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
