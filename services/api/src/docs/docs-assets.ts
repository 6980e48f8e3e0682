import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";
import { type RequestHandler, Router } from "express";

const assetsPath = "/docs/assets";

const require = createRequire(import.meta.url);

/** Files of the installed packages, by the name under which they are served. */
const packageFiles = {
  "swagger-ui.css": require.resolve("swagger-ui-dist/swagger-ui.css"),
  "swagger-ui-bundle.js": require.resolve("swagger-ui-dist/swagger-ui-bundle.js"),
  "favicon-32x32.png": require.resolve("swagger-ui-dist/favicon-32x32.png"),
};

/** The only thing that ReDoc would fetch from an outside host: its maker's logo, beside its maker's name. */
const outsideImage = /https:\/\/cdn\.redoc\.ly\/[\w/.-]+/g;
const noImage = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E";

/** Files of our own, and changed ones. The validator that Swagger UI would ask by default is an outside host. */
const ownFiles = {
  "start-swagger-ui.js": {
    type: "text/javascript",
    text: `window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
`,
  },
  "start-redoc.js": {
    type: "text/javascript",
    text: `Redoc.init("/openapi.json", { hideDownloadButton: false }, document.getElementById("redoc"));
`,
  },
  "redoc.standalone.js": {
    type: "text/javascript",
    text: readFileSync(require.resolve("redoc/bundles/redoc.standalone.js"), "utf8").replaceAll(outsideImage, noImage),
  },
  "redoc-page.css": {
    type: "text/css",
    text: `body { margin: 0; padding: 0; }
`,
  },
} as const;

export type AssetName = keyof typeof packageFiles | keyof typeof ownFiles;

const maxAgeMs = 24 * 60 * 60 * 1_000;

/** Where a page finds one of the files. */
export function docsAssetPath(name: AssetName): string {
  return `${assetsPath}/${name}`;
}

/** Serves exactly the files that the two pages need. */
export function docsAssets(): Router {
  const router = Router({ caseSensitive: true });
  for (const [name, path] of Object.entries(packageFiles)) router.get(`${assetsPath}/${name}`, sendPackageFile(path));
  for (const [name, file] of Object.entries(ownFiles)) {
    router.get(`${assetsPath}/${name}`, (_request, response) => {
      response
        .set("Cache-Control", `public, max-age=${maxAgeMs / 1_000}`)
        .type(file.type)
        .send(file.text);
    });
  }
  return router;
}

function sendPackageFile(path: string): RequestHandler {
  const root = dirname(path);
  return (_request, response, next) => {
    response.sendFile(basename(path), { root, maxAge: maxAgeMs, dotfiles: "allow" }, (error?: Error) => {
      if (error !== undefined && !response.headersSent) next(error);
    });
  };
}
