// Builds the browser assets into the folder given as the only argument.
// Nothing that a page loads may name another host: the pages work offline.

import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const output = process.argv[2];
if (!output) {
  console.error("usage: node build.mjs OUTPUT_FOLDER");
  process.exit(2);
}

const swagger = (name) => join("node_modules", "swagger-ui-dist", name);

async function copyWithoutSourceMap(name) {
  const text = await readFile(swagger(name), "utf8");
  await writeFile(join(output, name), text.replace(/\n?(\/\*|\/\/)# sourceMappingURL=.*\s*$/, "\n"));
}

await mkdir(output, { recursive: true });

// swagger-ui-dist is bundled and minified already.
await copyWithoutSourceMap("swagger-ui.css");
await copyWithoutSourceMap("swagger-ui-bundle.js");
await copyFile(swagger("swagger-ui-bundle.js.LICENSE.txt"), join(output, "swagger-ui-bundle.js.LICENSE.txt"));
await copyFile(swagger("LICENSE"), join(output, "swagger-ui.LICENSE.txt"));
await copyFile(swagger("NOTICE"), join(output, "swagger-ui.NOTICE.txt"));

await build({
  entryPoints: [join("src", "swagger-init.js")],
  outdir: output,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2020"],
  legalComments: "linked",
  logLevel: "warning",
});
