import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The nodes that a real control plane of Kubernetes has: etcd, its API and its controller of EndpointSlices, without machines. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  ssr: { resolve: { conditions: ["veil-src", "node", "default"] } },
  test: {
    include: ["tests/discovery/**/*.check.ts"],
    setupFiles: ["libs/testing/test-support/src/patience.setup.ts"],
    expect: { poll: { timeout: 45_000, interval: 200 } },
    testTimeout: 180_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    bail: 1,
  },
});
