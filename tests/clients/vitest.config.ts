import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Generates a client with every generator, builds it and runs it against the whole system. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  ssr: { resolve: { conditions: ["veil-src", "node", "default"] } },
  test: {
    include: ["tests/clients/**/*.{test,check}.ts"],
    testTimeout: 900_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
