// Runs histories of the model check (tests/model), more of them than `npm test` does, or one with its trace.
import { parseArgs } from "node:util";
import { runVitest } from "./run-tests.mjs";

/** Options, and the variables by which the test files learn of them. */
const VARIABLES = {
  seeds: "VEIL_MODEL_RUNS",
  first: "VEIL_MODEL_FIRST",
  seed: "VEIL_MODEL_SEED",
  skew: "VEIL_MODEL_SKEW",
};

/**
 * @param {string[]} args `--seeds` how many histories, `--first` the first one's seed, `--seed` one to be traced, `--skew` by
 * how many milliseconds clocks may be wrong
 * @returns {Promise<number>} the exit code: 0 when every promise held
 */
export async function runModel(args) {
  const options = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, { type: "string" }]));
  const { values } = parseArgs({ args, options });
  for (const [name, value] of Object.entries(values)) {
    const number = Number(value);
    if (!Number.isSafeInteger(number) || number < 0) throw new TypeError(`--${name} must be a whole number`);
    process.env[VARIABLES[name]] = String(number);
  }
  return runVitest(["--project", "unit", "tests/model/lifecycle"]);
}
