import { test } from "vitest";
import type { RealProgram } from "./real-programs.ts";

/** A test of each program whose name begins so, which says why one is left out. */
export function eachProgram(
  programs: readonly RealProgram[],
  prefix: string,
  what: string,
  run: (program: RealProgram) => Promise<void>,
): void {
  for (const program of programs.filter(({ name }) => name.startsWith(prefix))) {
    const why = program.leftOut === null ? "" : ` (left out: ${program.leftOut})`;
    test.skipIf(program.leftOut !== null)(`${program.name} ${what}${why}`, () => run(program));
  }
}
