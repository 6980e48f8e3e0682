import { defineConfig } from "vitest/config";

/** The libs are imported from source through the `veil-src` condition, so no build stands between an edit and its test. */
const fromSource = { ssr: { resolve: { conditions: ["veil-src", "node", "default"] } } };

/** How long tests wait for what has to come, unless they name a time: see the setup file. */
const patient = {
  setupFiles: ["libs/testing/test-support/src/patience.setup.ts"],
  expect: { poll: { timeout: 45_000 } },
};

export default defineConfig({
  ...fromSource,
  test: {
    projects: [
      {
        ...fromSource,
        test: {
          ...patient,
          name: "unit",
          include: ["{libs/*,services,tools}/*/src/**/*.test.ts", "tests/{documents,model}/**/*.test.ts"],
          exclude: ["**/*.integration.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        ...fromSource,
        test: {
          ...patient,
          name: "integration",
          include: ["{libs/*,services,tools}/*/src/**/*.integration.test.ts", "services/*/test/**/*.test.ts"],
          globalSetup: ["libs/testing/test-support/src/engines.global-setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        ...fromSource,
        test: {
          ...patient,
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts", "tests/observability/**/*.test.ts", "tests/clients/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
