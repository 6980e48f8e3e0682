import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { CompressedFile } from "../reply/compressed-file.ts";

/**
 * Additions to Swagger UI's own styles: no column for links between operations, which we have none of, air between the
 * columns of headers, and on a phone each answer below its status, since the columns don't fit beside each other.
 */
const SWAGGER_UI_STYLE = `
.swagger-ui .responses-table .response .response-col_links,
.swagger-ui .responses-table .responses-header .response-col_links { display: none; }
.swagger-ui .responses-inner .headers .header-col { padding: 4px 8px 4px 0; vertical-align: top; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 12px; }
  .swagger-ui .responses-table > thead { display: none; }
  .swagger-ui .responses-table, .swagger-ui .responses-table > tbody, .swagger-ui .responses-table > tbody > .response,
  .swagger-ui .responses-table > tbody > .response > td:not(.response-col_links) { display: block; }
  .swagger-ui .responses-table .response-col_status { padding-top: 16px; font-weight: 700; }
  .swagger-ui .responses-table .response-col_description { padding-top: 4px; }
  .swagger-ui .response-controls { flex-wrap: wrap; gap: 8px; }
}
`;

const ASSETS_PATH = "/docs/assets";
const MAX_AGE_SECONDS = 24 * 60 * 60;

const require = createRequire(import.meta.url);

interface Asset {
  readonly type: string;
  readonly read: () => Promise<Buffer>;
}

/** The only thing that ReDoc would fetch from an outside host: its maker's logo, beside its maker's name. */
const OUTSIDE_IMAGE = /https:\/\/cdn\.redoc\.ly\/[\w/.-]+/g;
const NO_IMAGE = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E";

/** Everything that the two pages need, by the name under which it is served. */
const ASSETS = {
  "swagger-ui.css": packageFile(
    "text/css",
    require.resolve("swagger-ui-dist/swagger-ui.css"),
    (text) => text + SWAGGER_UI_STYLE,
  ),
  "swagger-ui-bundle.js": packageFile("text/javascript", require.resolve("swagger-ui-dist/swagger-ui-bundle.js")),
  "favicon-32x32.png": packageFile("image/png", require.resolve("swagger-ui-dist/favicon-32x32.png")),
  // The validator that Swagger UI would ask by default is an outside host.
  "start-swagger-ui.js": ownFile(
    "text/javascript",
    `window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
`,
  ),
  "redoc.standalone.js": packageFile("text/javascript", require.resolve("redoc/bundles/redoc.standalone.js"), (text) =>
    text.replaceAll(OUTSIDE_IMAGE, NO_IMAGE),
  ),
  "start-redoc.js": ownFile(
    "text/javascript",
    `Redoc.init("/openapi.json", { hideDownloadButton: false }, document.getElementById("redoc"));
`,
  ),
  "redoc-page.css": ownFile("text/css", "body { margin: 0; padding: 0; }\n"),
} as const satisfies Record<string, Asset>;

export type AssetName = keyof typeof ASSETS;

/** Where a page finds one of the files. */
export function docsAssetPath(name: AssetName): string {
  return `${ASSETS_PATH}/${name}`;
}

/** Exactly the files that the two pages need, by their paths. */
export function docsAssets(): ReadonlyMap<string, CompressedFile> {
  const files = Object.entries(ASSETS).map(
    ([name, { type, read }]) => [`${ASSETS_PATH}/${name}`, new CompressedFile(type, MAX_AGE_SECONDS, read)] as const,
  );
  return new Map(files);
}

/** A file of an installed package. @param change what is served in its place */
function packageFile(type: string, path: string, change?: (text: string) => string): Asset {
  return {
    type,
    read: async () => {
      const bytes = await readFile(path);
      return change === undefined ? bytes : Buffer.from(change(bytes.toString()));
    },
  };
}

function ownFile(type: string, text: string): Asset {
  return { type, read: async () => Buffer.from(text) };
}
