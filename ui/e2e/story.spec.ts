/** What a first user does, from the master key to a revoked key, with real calls in between. */
import { execFileSync } from 'node:child_process';
import { expect, test } from './dashboard';
import { call, MASTER_KEY, MODEL, unique } from './services';

test('from the first sign-in to a revoked key', async ({ page, context }) => {
  test.setTimeout(120_000);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const name = unique('story');
  let key = '';

  await test.step('sign in with the master key; a wrong one says what to do', async () => {
    await page.goto('/keys');
    await expect(page).toHaveURL(/\/login/);
    await page.getByRole('button', { name: 'Use master key' }).click();
    await page.getByLabel('Master key').fill('sk-not-the-master-key');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText('DELTALLM_MASTER_KEY');
    await page.getByLabel('Master key').fill(MASTER_KEY);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'API keys', level: 1 })).toBeVisible();
    await expect(page).toHaveURL(/\/keys$/);
  });

  await test.step('create a key: shown once, copied, not lost by Escape', async () => {
    await page.keyboard.press('c');
    const dialog = page.getByRole('dialog', { name: 'Create API key' });
    await dialog.getByRole('button', { name: 'Create key' }).click();
    await expect(dialog.getByText('Give the key a name')).toBeVisible();
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Models').fill(MODEL);
    await page.keyboard.press('Enter'); // takes the highlighted model, must not submit the form
    await expect(dialog.getByLabel(MODEL, { exact: true })).toBeVisible();
    await dialog.getByRole('button', { name: 'Create key' }).click();
    const secret = page.getByTestId('secret');
    await expect(secret).toHaveText(/^sk-.{20,}$/);
    key = await secret.innerText();
    await page.getByRole('button', { name: 'Copy key', exact: true }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    // The example works as it stands, pasted into a shell.
    const example = await page.getByRole('dialog').locator('pre').innerText();
    await expect.poll(() => execFileSync('bash', ['-c', `${example} -s`], { encoding: 'utf8' })).toContain('"choices"');
    await page.keyboard.press('Escape');
    await expect(secret).toBeVisible();
    await expect(page.getByRole('button', { name: 'Done' })).toBeDisabled();
    await page.getByRole('checkbox', { name: 'I have stored the key' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await expect(secret).toBeHidden();
    await expect(page.getByRole('row', { name: new RegExp(name) })).toContainText('Active');
    expect(await page.content()).not.toContain(key);
  });

  await test.step('a call with the key appears live under Requests', async () => {
    await page.getByRole('link', { name: 'Requests', exact: true }).click();
    await expect(page.getByRole('status').filter({ hasText: 'Live' })).toBeVisible();
    const requestId = unique('call');
    // The proxy hears of a new key by its stream; the first call may be a moment too early.
    await expect.poll(async () => (await call(key, 'hello from the story', requestId)).status).toBe(200);
    // The newest row is this call; below it stands the one that curl made.
    const rows = page.getByRole('row', { name: new RegExp(name) });
    await expect(rows).toHaveCount(2);
    const row = rows.first();
    await expect(row).toContainText(MODEL);
    await row.click();
    const sheet = page.getByRole('dialog', { name: 'Request detail' });
    await expect(sheet).toContainText(requestId);
    await expect(sheet).toContainText(name);
    await expect(page).toHaveURL(/open=/);
    await page.keyboard.press('Escape');
    await expect(sheet).toBeHidden();
  });

  await test.step('block: the key is refused; unblock: it works again', async () => {
    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByLabel('Search keys').fill(name);
    await expect(page).toHaveURL(/q=story/);
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Block' }).click();
    const confirm = page.getByRole('alertdialog');
    await expect(confirm).toContainText('401');
    await confirm.getByRole('button', { name: 'Block key' }).click();
    await expect(page.getByRole('row', { name: new RegExp(name) })).toContainText('Blocked');
    await expect.poll(async () => (await call(key, 'am I blocked?')).status).toBe(401);
    expect((await call(key, 'am I blocked?')).body).toContain('key_blocked');
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Unblock' }).click();
    await expect(page.getByRole('row', { name: new RegExp(name) })).toContainText('Active');
    await expect.poll(async () => (await call(key, 'and now?')).status).toBe(200);
  });

  await test.step('revoke: gone from the list, refused for good', async () => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    const confirm = page.getByRole('alertdialog');
    await expect(confirm).toContainText('Still in use');
    await confirm.getByRole('button', { name: 'Revoke key' }).click();
    await expect(page.getByText('No key matches')).toBeVisible();
    await expect.poll(async () => (await call(key, 'still there?')).status).toBe(401);
  });

  await test.step('sign out', async () => {
    await page.getByRole('button', { name: /Administrator/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/login/);
    await page.goto('/models');
    await expect(page).toHaveURL(/\/login\?to=/);
  });
});
