/** `test` with a page that fails on CSP violations and script errors, and one that is signed in already. */
import { test as base, expect, type Page } from '@playwright/test';
import { MASTER_KEY } from './services';

type Fixtures = { clean: undefined; admin: Page };

export const test = base.extend<Fixtures>({
  clean: [
    async ({ context }, use) => {
      const faults: string[] = [];
      const watch = (page: Page) => {
        page.on('pageerror', (e) => faults.push(String(e)));
        page.on('console', (m) => {
          if (m.type() === 'error' && /content.security.policy|violates/i.test(m.text())) faults.push(m.text());
        });
      };
      context.pages().forEach(watch);
      context.on('page', watch);
      await use(undefined);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
  admin: async ({ page, clean: _ }, use) => {
    await signIn(page);
    await use(page);
  },
});
export { expect };

/** A session by the API, for tests that are about something else than signing in. */
export async function signIn(page: Page) {
  const answer = await page.request.post('/api/v1/session', { data: { master_key: MASTER_KEY } });
  expect(answer.status()).toBe(200);
}

/** A key made by the API, for tests that are about something else than making one. */
export async function makeKey(page: Page, name: string): Promise<{ id: string; key: string }> {
  const answer = await page.request.post('/api/v1/keys', { data: { name } });
  expect(answer.status()).toBe(201);
  return answer.json();
}
