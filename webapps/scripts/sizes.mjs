// Says how much the app weighs on the way to a phone, and fails when that is more than we allow ourselves.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMITS = { js: 60 * 1024, css: 12 * 1024 };
const folder = fileURLToPath(new URL("../dist/assets/", import.meta.url));

const weights = { js: 0, css: 0 };
for (const name of readdirSync(folder).sort()) {
  const kind = name.split(".").pop();
  const size = gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  if (kind in weights) weights[kind] += size;
  process.stdout.write(`  ${name.padEnd(36)}${(size / 1024).toFixed(1).padStart(7)} KB gzipped\n`);
}
for (const [kind, weight] of Object.entries(weights)) {
  const said = `${kind}: ${(weight / 1024).toFixed(1)} of ${LIMITS[kind] / 1024} KB gzipped`;
  process.stdout.write(`${said}\n`);
  if (weight > LIMITS[kind]) {
    process.stderr.write(`The build is too heavy. ${said}.\n`);
    process.exitCode = 1;
  }
}
