import { parseArgs } from "node:util";

export interface BenchArguments {
  readonly quick: boolean;
  /** Names of cases; all when empty. */
  readonly cases: readonly string[];
  /** How many keys are to be present, instead of what each case says; one run of each case for each of them. */
  readonly keys: readonly number[];
  readonly rounds: number;
  /** Where the JSON goes. */
  readonly out: string;
  /** The page whose table is replaced; null for none. */
  readonly markdown: string | null;
  readonly profileDir: string | null;
  readonly list: boolean;
  /** The figures of a system that nobody calls are measured instead of the cases; null when the cases are. */
  readonly fleet: FleetArguments | null;
}

export interface FleetArguments {
  readonly nodes: number;
  readonly workers: number;
  readonly collectors: number;
  /** How long it is watched, in each round. */
  readonly seconds: number;
}

export const USAGE = `npm run bench -- [--quick] [--case NAME]... [--keys N]... [--rounds N] [--out FILE] [--markdown FILE] [--profile DIR] [--list] [--fleet]

  --quick          a small run of three minutes that shows that everything works
  --case NAME      only this case; may be repeated
  --keys N         so many keys present instead of what each case says; may be repeated, to see how a case grows
  --rounds N       rounds that count (3; 1 when quick)
  --out FILE       where the figures go as JSON (.veil/bench.json)
  --markdown FILE  put the table between its markers in a page, for example docs/performance.md
  --profile DIR    the services leave CPU profiles there
  --list           list the cases
  --fleet          what a system costs that nobody calls, instead of the cases; with these sizes:
    --nodes N        Xray nodes (1), each of which holds all --keys (10,000)
    --workers N      workers (1)
    --collectors N   collectors (1)
    --seconds N      how long it is watched, in each round (60)

REDIS_URL and MONGODB_URI name engines to use instead of those that are started here.`;

/** @throws {TypeError} on an unknown option */
export function readArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      case: { type: "string", multiple: true, default: [] },
      keys: { type: "string", multiple: true, default: [] },
      rounds: { type: "string" },
      out: { type: "string", default: ".veil/bench.json" },
      markdown: { type: "string" },
      profile: { type: "string" },
      list: { type: "boolean", default: false },
      fleet: { type: "boolean", default: false },
      nodes: { type: "string", default: "1" },
      workers: { type: "string", default: "1" },
      collectors: { type: "string", default: "1" },
      seconds: { type: "string", default: "60" },
    },
  });
  const rounds = countOf("rounds", values.rounds ?? (values.quick || values.fleet ? "1" : "3"));
  const keys = values.keys.map((count) => countOf("keys", count));
  const fleet = {
    nodes: countOf("nodes", values.nodes),
    workers: countOf("workers", values.workers),
    collectors: countOf("collectors", values.collectors),
    seconds: countOf("seconds", values.seconds),
  };
  return {
    quick: values.quick,
    cases: values.case,
    keys,
    rounds,
    out: values.out,
    markdown: values.markdown ?? null,
    profileDir: values.profile ?? null,
    list: values.list,
    fleet: values.fleet ? fleet : null,
  };
}

function countOf(option: string, value: string): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1) throw new TypeError(`--${option} takes a number from 1`);
  return count;
}
