import { encode } from "fast-png";
import { encodeQR } from "qr";

/** Modules of quiet zone around the symbol that ISO/IEC 18004 asks for. */
const BORDER_MODULES = 4;
/** The most bytes of a QR code that can lose a seventh of itself. Longer texts get one that can lose half of that. */
const MEDIUM_BYTES = 2_331;
/** The most bytes of a QR code. */
export const QR_BYTES = 2_953;
const PNG_PIXELS_PER_MODULE = 8;
const WHITE = 255;

/**
 * The QR code of a text, dark on a white ground of its own, so that it can be scanned from a dark page as well.
 *
 * @throws {Error} when the text is longer than a QR code holds, 2,953 bytes
 */
export function renderQr(text: string, format: "svg"): string;
export function renderQr(text: string, format: "png"): Uint8Array;
export function renderQr(text: string, format: "svg" | "png"): string | Uint8Array {
  const ecc = Buffer.byteLength(text) > MEDIUM_BYTES ? "low" : "medium";
  const modules = encodeQR(text, "raw", { ecc, border: BORDER_MODULES });
  return format === "svg" ? svg(modules) : png(modules);
}

/** One path, whose strokes are the runs of dark modules in each row. */
function svg(modules: readonly (readonly boolean[])[]): string {
  const size = modules.length;
  const strokes = modules.flatMap((row, y) => darkRuns(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${size}v${size}H0z"/><path fill="#000" d="${strokes.join("")}"/></svg>`
  );
}

function darkRuns(row: readonly boolean[]): (readonly [x: number, length: number])[] {
  const text = row.map((isDark) => (isDark ? "1" : "0")).join("");
  return [...text.matchAll(/1+/g)].map((run) => [run.index, run[0].length] as const);
}

function png(modules: readonly (readonly boolean[])[]): Uint8Array {
  const side = modules.length * PNG_PIXELS_PER_MODULE;
  const data = new Uint8Array(side * side).fill(WHITE);
  for (let y = 0; y < side; y += 1) {
    const row = modules[Math.floor(y / PNG_PIXELS_PER_MODULE)] ?? [];
    for (const [x, length] of darkRuns(row)) {
      const start = y * side + x * PNG_PIXELS_PER_MODULE;
      data.fill(0, start, start + length * PNG_PIXELS_PER_MODULE);
    }
  }
  return encode({ width: side, height: side, data, depth: 8, channels: 1 });
}
