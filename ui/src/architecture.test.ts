/** Imports go one way: app and routes → features → components → lib. A feature sees another feature only through its `api` folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = import.meta.dirname;
const LAYERS = ['lib', 'components', 'features', 'app'];
const MAX_LINES = 400;

const layerOf = (path: string) => (path.startsWith('routes/') ? 'app' : path.split('/')[0]!);
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (f) => /\.tsx?$/.test(f) && !f.includes('.gen.') && !f.endsWith('schema.d.ts') && f.includes('/'),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)]
    .map((m) => m[1]!)
    .flatMap((to) => {
      if (to.startsWith('@/')) return [to.slice(2)];
      if (to.startsWith('.')) return [relative(SRC, join(SRC, file, '..', to))];
      return [];
    });
}

describe('imports', () => {
  it.each(files)('%s', (file) => {
    for (const to of importsOf(file)) {
      expect(LAYERS.indexOf(layerOf(to)), `${file} imports ${to}`).toBeLessThanOrEqual(LAYERS.indexOf(layerOf(file)));
      const [, from] = file.split('/');
      const [layer, noun, folder] = to.split('/');
      if (layerOf(file) === 'features' && layer === 'features' && noun !== from) expect(folder, `${file} imports ${to}`).toBe('api');
    }
  });
});

it('no file outgrows one screen of attention', () => {
  const long = files.filter((f) => readFileSync(join(SRC, f), 'utf8').split('\n').length > MAX_LINES);
  expect(long).toEqual([]);
});
