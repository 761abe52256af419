// Fails when a page loads more than its budget. Reads the manifest of the last build; no network, no dependency.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = { js: 165, css: 14, chunk: 75 };
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

const gzipKb = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000;

/** The chunks that must be there before `roots` run: everything imported statically, however deep. */
function closure(roots) {
  const seen = new Set();
  const visit = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    for (const next of manifest[key].imports ?? []) visit(next);
  };
  roots.forEach(visit);
  return [...seen];
}

const layout = 'src/routes/_app.tsx?tsr-split=component';
const pages = { '/login': ['src/routes/login.tsx?tsr-split=component'] };
for (const name of ['index', 'requests', 'models', 'routing', 'credentials', 'keys', 'teams', 'users'])
  pages[name === 'index' ? '/' : `/${name}`] = [layout, `src/routes/_app/${name}.tsx?tsr-split=component`];

let failed = false;
const report = (name, kb, budget) => {
  const over = kb > budget;
  failed ||= over;
  console.log(`${over ? 'FAIL' : 'ok  '} ${name.padEnd(28)} ${kb.toFixed(1).padStart(6)} kB gzip of ${budget}`);
};

for (const [path, roots] of Object.entries(pages)) {
  const files = closure(['index.html', ...roots]).map((key) => manifest[key].file);
  report(
    `first load of ${path}`,
    [...new Set(files)].reduce((sum, f) => sum + gzipKb(f), 0),
    BUDGET_KB.js,
  );
}
const css = new Set(Object.values(manifest).flatMap((c) => c.css ?? []));
report(
  'styles',
  [...css].reduce((sum, f) => sum + gzipKb(f), 0),
  BUDGET_KB.css,
);

const loaded = new Set(closure(['index.html']));
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry || key.includes('tsr-split')) continue;
  const own = closure([key]).filter((k) => !loaded.has(k) && !closure([layout]).includes(k));
  const kb = own.reduce((sum, k) => sum + gzipKb(manifest[k].file), 0);
  if (kb > 20) report(`dialog ${chunk.name}`, kb, BUDGET_KB.chunk);
}
process.exit(failed ? 1 : 0);
