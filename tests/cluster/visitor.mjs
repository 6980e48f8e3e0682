// Runs in a pod outside the release. As `site` it is a website that sends bytes on port 8080, and speaks TLS 1.3 on port 9443 as a
// target for Reality. As `load` it calls the API until there is a file /tmp/stop, and prints what was answered.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:tls";

const [what, plan] = process.argv.slice(2);
if (what === "site") serve();
else await load(JSON.parse(plan));

function serve() {
  process.once("SIGTERM", () => process.exit(0));
  createServer((incoming, outgoing) => {
    outgoing.end(Buffer.alloc(Number(/^\/bytes\/(\d+)$/.exec(incoming.url)?.[1] ?? 0), 42));
  }).listen(8_080);
  const [cert, key] = ["crt", "key"].map((end) => readFileSync(`/visitor/tls.${end}`));
  const decoy = createTlsServer({ cert, key, minVersion: "TLSv1.3" }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });
  decoy.on("tlsClientError", (_error, socket) => socket.destroy());
  decoy.listen(9_443);
}

/** Half of the calls make a key, the others read one that was made. Nothing is sent twice. */
async function load({ url, key, perSecond }) {
  const [made, under, answers] = [[], new Set(), {}];
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  let count = 0;
  const call = async () => {
    const isRead = count++ % 2 === 1 && made.length > 0;
    const path = isRead ? `/api/keys/${made.at(-1)}` : "/api/keys";
    let outcome;
    try {
      const answer = await fetch(url + path, { headers, ...(!isRead && { method: "POST", body: "{}" }) });
      const body = await answer.json();
      if (!isRead && answer.status === 200) made.push(body.key_id);
      outcome = `${answer.status}`;
    } catch (error) {
      outcome = error.cause?.code ?? String(error);
    }
    answers[outcome] = (answers[outcome] ?? 0) + 1;
  };
  const timer = setInterval(() => {
    const one = call().finally(() => under.delete(one));
    under.add(one);
  }, 1_000 / perSecond);
  while (!existsSync("/tmp/stop")) await new Promise((resolve) => setTimeout(resolve, 200));
  clearInterval(timer);
  await Promise.all(under);
  process.stdout.write(`${JSON.stringify({ made, answers })}\n`);
}
