import { expect, makeKey, test } from './dashboard';
import { call, MODEL, unique } from './services';

test('teams: create, edit, use for a key, delete', async ({ admin: page }) => {
  const name = unique('team');
  const keyName = unique('key');
  await page.goto('/teams');
  await page.getByRole('button', { name: 'Create team' }).first().click();
  await page.getByRole('dialog').getByLabel('Name').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Create team' }).click();
  await page.getByLabel('Search teams').fill(name);
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: `Edit ${name}` });
  await edit.getByLabel('Models').fill(MODEL);
  await page.keyboard.press('Enter'); // takes the highlighted model, must not submit the form
  await expect(edit.getByLabel(MODEL, { exact: true })).toBeVisible();
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('row', { name: new RegExp(name) })).toContainText(MODEL);

  await page.goto('/keys?create=true');
  const dialog = page.getByRole('dialog', { name: 'Create API key' });
  await dialog.getByLabel('Name').fill(keyName);
  await dialog.getByLabel('Team').click();
  await page.getByLabel('Search team').fill(name);
  await page.getByRole('option', { name }).click();
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await page.getByRole('checkbox', { name: 'I have stored the key' }).click();
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('row', { name: new RegExp(keyName) })).toContainText(name);

  // The list by team is asked of the server, and its address is a link.
  await page.goto('/teams');
  await page.getByLabel('Search teams').fill(name);
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'View keys' }).click();
  await expect(page).toHaveURL(/team=/);
  await expect(page.getByRole('row', { name: new RegExp(keyName) })).toBeVisible();
  await expect(page.getByRole('table').getByRole('row')).toHaveCount(2);

  await page.goto(`/teams?q=${name}`);
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('alertdialog')).toContainText('It still has 1 key');
  await page.getByRole('alertdialog').getByRole('button', { name: 'View keys' }).click();

  await page.getByRole('button', { name: `Actions for ${keyName}` }).click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke key' }).click();
  await expect(page.getByText('No key matches')).toBeVisible();
  await page.goto('/teams');
  await page.getByLabel('Search teams').fill(name);
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete team' }).click();
  await expect(page.getByText('No team matches')).toBeVisible();
});

test('lists page by cursor', async ({ admin: page }) => {
  const prefix = unique('page');
  for (let i = 0; i < 52; i++) await makeKey(page, `${prefix}-${String(i).padStart(2, '0')}`);
  await page.goto(`/keys?q=${prefix}`);
  const rows = page.getByRole('table').getByRole('row');
  await expect(rows).toHaveCount(51);
  await page.getByRole('button', { name: 'Load more' }).click();
  await expect(rows).toHaveCount(53);
  await expect(page.getByRole('button', { name: 'Load more' })).toHaveCount(0);
  const keys = await (await page.request.get(`/api/v1/keys?q=${prefix}&limit=100`)).json();
  for (const k of keys.data) await page.request.delete(`/api/v1/keys/${k.id}`);
});

test('Escape on a changed form asks before the draft is thrown away', async ({ admin: page }) => {
  await page.goto('/keys?create=true');
  const dialog = page.getByRole('dialog', { name: 'Create API key' });
  await dialog.getByLabel('Name').fill('draft');
  await page.keyboard.press('Escape');
  await expect(dialog.getByText('Discard this key?')).toBeVisible();
  await dialog.getByRole('button', { name: 'Keep editing' }).click();
  await expect(dialog.getByLabel('Name')).toHaveValue('draft');
});

test('requests: filters live in the URL, pausing holds new rows back', async ({ admin: page }) => {
  const { key, id } = await makeKey(page, unique('filter'));
  const first = unique('first');
  await expect.poll(async () => (await call(key, 'one', first)).status).toBe(200);
  await page.goto(`/requests?key=${id}&status=success`);
  const rows = page.getByRole('table').getByRole('row');
  await expect(rows).toHaveCount(2);
  await page.getByRole('button', { name: 'Pause' }).click();
  const second = unique('second');
  expect((await call(key, 'two', second)).status).toBe(200);
  await expect(page.getByRole('button', { name: /^Show \d+ new request/ })).toBeVisible();
  await expect(rows).toHaveCount(2);
  await page.getByRole('button', { name: /^Show \d+ new request/ }).click();
  await expect(rows).toHaveCount(3);

  await page.getByLabel('Search request ID').fill(second);
  await expect(page).toHaveURL(new RegExp(`q=${second}`));
  await expect(rows).toHaveCount(2);
  await page.reload();
  await expect(page.getByLabel('Search request ID')).toHaveValue(second);
  await page.getByRole('button', { name: 'Status', exact: false }).click();
  await page.getByRole('menuitemradio', { name: 'Failed' }).click();
  await expect(page.getByText('No request matches')).toBeVisible();
  await page.getByRole('button', { name: 'Reset filters' }).click();
  await expect(page).not.toHaveURL(/q=/);
  await page.request.delete(`/api/v1/keys/${id}`);
});

test('the overview counts what was called', async ({ admin: page }) => {
  const { key, id } = await makeKey(page, unique('overview'));
  await expect.poll(async () => (await call(key, 'count me')).status).toBe(200);
  await expect
    .poll(async () => (await (await page.request.get('/api/v1/spend/summary?group_by=model')).json()).total.requests)
    .toBeGreaterThan(0);
  await page.goto('/?metric=requests');
  await expect(page.getByRole('img', { name: /Requests per hour/ })).toBeVisible();
  await page.getByRole('img', { name: /Requests per hour/ }).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(page.locator('p[aria-live=polite]').filter({ hasText: /:00 – .*: [1-9]/ })).toHaveCount(1);
  await page
    .getByRole('group', { name: 'Breakdown' })
    .getByRole('link', { name: new RegExp(MODEL) })
    .click();
  await expect(page).toHaveURL(/requests\?model=/);
  await page.request.delete(`/api/v1/keys/${id}`);
});

test('keyboard: palette, rows, detail', async ({ admin: page }) => {
  const { key, id } = await makeKey(page, unique('keyboard'));
  await expect.poll(async () => (await call(key, 'for the keyboard')).status).toBe(200);
  await page.goto('/');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.keyboard.press('ControlOrMeta+k');
  await page.getByLabel(/Search pages/).fill('requests');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/requests/);
  const row = page.locator('tbody tr').first();
  await row.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Request detail' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.request.delete(`/api/v1/keys/${id}`);
});
