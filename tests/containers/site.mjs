// A web site that sends and takes bytes on port 8080, and a TLS 1.3 server on 127.0.0.1:9443.
import { createServer } from "node:http";
import { startTlsDecoy } from "./engines/dist/tls-decoy.js";

const chunk = Buffer.alloc(64 * 1024, 42);

createServer((incoming, outgoing) => {
  incoming.resume();
  incoming.on("end", () => {
    let left = Number(/^\/bytes\/(\d+)$/.exec(incoming.url ?? "")?.[1] ?? 0);
    outgoing.writeHead(200, { "content-length": left });
    const pump = () => {
      while (left > 0) {
        const part = chunk.subarray(0, Math.min(left, chunk.length));
        left -= part.length;
        if (!outgoing.write(part)) {
          outgoing.once("drain", pump);
          return;
        }
      }
      outgoing.end();
    };
    pump();
  });
}).listen(8_080, "0.0.0.0");
await startTlsDecoy({ serverName: "microsoft.com", port: 9_443 });
process.once("SIGTERM", () => process.exit(0));
