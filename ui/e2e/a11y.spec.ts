/** Every page and dialog × theme × width: no axe violation, no sideways scrolling. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, makeKey, signIn, test } from './dashboard';
import { call, unique } from './services';

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

type Place = { path: string; ready: (page: Page) => Promise<unknown> };
const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, level: 1 }).waitFor();
const dialog = (page: Page) => page.getByRole('dialog').waitFor();
const PLACES: Place[] = [
  { path: '/', ready: heading('Overview') },
  { path: '/requests', ready: heading('Requests') },
  { path: '/models', ready: heading('Models') },
  { path: '/routing', ready: heading('Routing') },
  { path: '/routing?router=true', ready: heading('Router') },
  { path: '/routing?group=mock%2Fecho', ready: heading('mock/echo') },
  { path: '/credentials', ready: heading('Credentials') },
  { path: '/keys', ready: heading('API keys') },
  { path: '/teams', ready: heading('Teams') },
  { path: '/users', ready: heading('Users') },
  { path: '/keys?create=true', ready: dialog },
  { path: '/models?add=true', ready: dialog },
  { path: '/credentials?create=true', ready: dialog },
  { path: '/teams?create=true', ready: dialog },
  { path: '/users?create=true', ready: dialog },
  { path: '/nowhere', ready: (page) => page.getByText('There is no such page').waitFor() },
];

const NOTHING = {
  requests: 0,
  input_tokens: 0,
  output_tokens: 0,
  spend_usd: '0',
  unpriced_requests: 0,
  errors: 0,
  group: null,
  label: null,
};

async function check(page: Page, where: string) {
  // Fetches after the first paint, and popups that fade in.
  await page.waitForTimeout(600);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    // biome-ignore lint/suspicious/noExplicitAny: axe is injected as a global
    (runOnly) => (window as any).axe.run(document, { runOnly }),
    RULES,
  );
  const faults = violations.map(
    (v: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
      `${v.id}: ${v.nodes[0]?.html.slice(0, 160)} ${v.nodes[0]?.failureSummary}`,
  );
  expect.soft(faults, where).toEqual([]);
  expect
    .soft(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${where} scrolls sideways`)
    .toBeLessThanOrEqual(0);
}

for (const scheme of ['light', 'dark'] as const)
  for (const width of [1440, 390])
    test(`${scheme}, ${width} px wide`, async ({ page }) => {
      test.setTimeout(180_000);
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      await page.goto('/login');
      await page.getByRole('heading', { name: 'Sign in to DeltaLLM' }).waitFor();
      await check(page, '/login');
      await signIn(page);
      const { key, id } = await makeKey(page, unique('axe'));
      await expect.poll(async () => (await call(key, 'something to look at')).status).toBe(200);
      for (const { path, ready } of PLACES) {
        await page.goto(path);
        await ready(page);
        await check(page, path);
      }
      // States a gateway in use does not show: before the first call, and while the database is away.
      await page.route('**/api/v1/spend/summary*', (route) => route.fulfill({ json: { data: [], total: NOTHING } }));
      await page.goto('/');
      await page.getByRole('heading', { name: 'Three steps to the first call' }).waitFor();
      await check(page, 'first steps');
      await page.unroute('**/api/v1/spend/summary*');
      const away = { error: { message: 'The database does not answer.', type: 'api_error', param: null, code: 'internal_error' } };
      await page.route('**/api/v1/keys?*', (route) => route.fulfill({ status: 500, json: away }));
      await page.goto('/keys');
      await expect(page.getByRole('alert')).toContainText('The database does not answer.');
      await check(page, 'error');
      await page.unroute('**/api/v1/keys?*');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText(/^axe-/).first().waitFor();
      await page.goto('/requests');
      await page
        .locator(width < 500 ? 'main ul button' : 'tbody tr')
        .first()
        .click();
      await dialog(page);
      await check(page, 'request detail');
      await page.getByRole('button', { name: 'Route', exact: true }).click();
      await page.getByTestId('route-summary').waitFor();
      await check(page, 'request route');
      await page.goto('/keys');
      await page
        .getByRole('button', { name: /^Actions for/ })
        .first()
        .click();
      await page.getByRole('menuitem', { name: 'Revoke' }).click();
      await page.getByRole('alertdialog').waitFor();
      await check(page, 'confirm');
      await page.request.delete(`/api/v1/keys/${id}`);
    });
