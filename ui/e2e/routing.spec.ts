/** Policies of the router and of groups, and what became of a request under them. */
import type { Page } from '@playwright/test';
import { expect, makeKey, test } from './dashboard';
import { API_URL, unique } from './services';

/** A deployment of the built-in provider; `failure_percent` makes it fail. */
async function addModel(page: Page, model_name: string, failure_percent = 0) {
  const data = { model_name, provider: 'mock', upstream_model: failure_percent ? 'echo-broken' : 'echo', mock: { failure_percent } };
  const answer = await page.request.post('/api/v1/models', { data });
  expect(answer.status()).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

async function ask(key: string, model: string, requestId: string): Promise<number> {
  const response = await fetch(`${API_URL}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-request-id': requestId },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'which way?' }] }),
  });
  await response.text();
  return response.status;
}

const policy = (page: Page) => page.getByRole('form', { name: 'Policy' });
const save = (page: Page) => policy(page).getByRole('button', { name: 'Save' }).click();

test("the router's strategy sticks, and goes back to what the file says", async ({ admin: page }) => {
  const strategy = policy(page).getByRole('combobox', { name: 'Strategy' });
  await page.goto('/routing');
  await page.getByRole('link', { name: 'Edit router' }).click();
  await strategy.click();
  await page.getByRole('option', { name: /^least-busy/ }).click();
  await save(page);
  await expect(page.getByText('The router is saved')).toBeVisible();
  await expect(policy(page).getByRole('button', { name: 'Save' })).toBeDisabled();
  await expect(strategy).toContainText('least-busy');
  await page.reload();
  await expect(strategy).toContainText('least-busy');
  await page.getByRole('button', { name: 'Reset to file' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Reset to file' }).click();
  await expect(page.getByText('The router is reset')).toBeVisible();
  await expect(strategy).toContainText('Default');
  await expect(page.getByRole('button', { name: 'Reset to file' })).toHaveCount(0);
});

test("a group's fallbacks stick, a refusal stands at its field, and a call tells its way", async ({ admin: page }) => {
  const broken = unique('team/broken');
  const standby = unique('standby');
  const ids = [await addModel(page, broken, 100), await addModel(page, standby)];
  const fallbacks = policy(page).getByRole('list', { name: 'Fallbacks' });

  await test.step('fallbacks keep their order', async () => {
    await page.goto('/routing');
    await page.getByLabel('Search groups').fill(broken);
    await page.getByRole('link', { name: broken }).click();
    for (const name of [unique('nobody'), standby]) {
      await policy(page).getByRole('combobox', { name: 'Fallbacks', exact: true }).click();
      await page.getByLabel('Search fallbacks').fill(name);
      await page.getByRole('option', { name }).click();
    }
    await policy(page)
      .getByRole('button', { name: `Move ${standby} up` })
      .click();
    await policy(page).getByLabel('Retries').fill('0');
    await save(page);
    await expect(page.getByText(`${broken} is saved`)).toBeVisible();
    await page.reload();
    await expect(fallbacks.getByRole('listitem')).toHaveCount(2);
    await expect(fallbacks.getByRole('listitem').first()).toContainText(standby);
    await expect(policy(page).getByLabel('Retries')).toHaveValue('0');
    await expect(page.getByRole('list', { name: 'Warnings' })).toContainText('which no deployment serves');
  });

  await test.step('what the server refuses stands at its field', async () => {
    const hedge = policy(page).getByRole('region', { name: 'Hedge' });
    await hedge.getByRole('button', { name: 'On', exact: true }).click();
    await hedge.getByLabel('Percentile').fill('100');
    await save(page);
    await expect(hedge.getByText('lies between 50 and 99')).toBeVisible();
    await expect(hedge.getByLabel('Percentile')).toBeFocused();
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    await page.getByRole('alertdialog', { name: 'Discard the changes?' }).getByRole('button', { name: 'Discard' }).click();
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  });

  await test.step('a policy is tried before it is saved', async () => {
    await page.goto(`/routing?group=${encodeURIComponent(broken)}`);
    await page.getByRole('textbox', { name: 'Failures of mock/echo-broken' }).fill('100');
    await page.getByRole('button', { name: 'Run simulation' }).click();
    const result = page.getByRole('region', { name: 'Simulation result', exact: true });
    await expect(result).toContainText('(100.0%)');
    await page.getByRole('textbox', { name: 'Failures of mock/echo-broken' }).fill('0');
    await page.getByRole('button', { name: 'Run simulation' }).click();
    await expect(result).toContainText('(0.0%)');
    await expect(result.getByRole('row', { name: /echo-broken/ })).toContainText('as given');
  });

  const { key, id } = await makeKey(page, unique('routing'));
  await test.step('the way of a call is told', async () => {
    let requestId = '';
    await expect
      .poll(async () => {
        requestId = unique('route');
        return ask(key, broken, requestId);
      })
      .toBe(200);
    await expect(async () => {
      await page.goto(`/requests?q=${requestId}`);
      await page.locator('tbody tr').first().click({ timeout: 2000 });
    }).toPass();
    const sheet = page.getByRole('dialog', { name: 'Request detail' });
    await sheet.getByRole('button', { name: 'Route', exact: true }).click();
    await expect(sheet.getByTestId('route-summary')).toContainText('answered, after 1 failed attempt');
    const attempts = sheet.getByRole('list', { name: 'Attempts' }).getByRole('listitem');
    await expect(attempts).toHaveCount(2);
    await expect(attempts.first()).toContainText('Failed');
    await expect(attempts.last()).toContainText('Answered');
    await expect(sheet.getByRole('table', { name: `Candidates of ${standby}` })).toContainText('Chosen');
  });

  await page.request.delete(`/api/v1/keys/${id}`);
  await page.request.delete(`/api/v1/routing/groups/${encodeURIComponent(broken)}`);
  for (const deployment of ids) await page.request.delete(`/api/v1/models/${deployment}`);
});

test('the list of requests holds calls, and other kinds on demand', async ({ admin: page }) => {
  await page.goto('/requests');
  await page.getByRole('button', { name: 'Kind' }).click();
  await expect(page.getByRole('menuitemradio', { name: 'Calls' })).toBeChecked();
  const listed = page.waitForResponse((r) => r.url().includes('/api/v1/requests?') && r.url().includes('kind=probe'));
  await page.getByRole('menuitemradio', { name: 'Checks' }).click();
  expect((await listed).status()).toBe(200);
  await expect(page).toHaveURL(/kind=probe/);
});
