import { expect, test } from './dashboard';
import { MODEL, unique } from './services';

test('a test call shows latency, tokens, cost and the answer', async ({ admin: page }) => {
  await page.goto('/models');
  await page.getByRole('button', { name: `Test ${MODEL}`, exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Test ${MODEL}` });
  await dialog.getByLabel('Prompt').fill('echo this back');
  await dialog.getByRole('button', { name: 'Run test call' }).click();
  const result = dialog.getByRole('region', { name: 'Test result' });
  await expect(result).toContainText('HTTP 200');
  await expect(result).toContainText('echo this back');
  for (const fact of ['Latency', 'Tokens in', 'Tokens out', 'Cost']) await expect(result).toContainText(fact);
});

test('a model made here can be called and deleted here', async ({ admin: page }) => {
  const name = unique('model');
  await page.goto('/models');
  await page.getByRole('button', { name: 'Add model' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Add model' });
  await dialog.getByRole('button', { name: 'Add model' }).click();
  await expect(dialog.getByText('Choose a provider', { exact: true }).last()).toBeVisible();
  await dialog.getByLabel('Provider', { exact: true }).click();
  await page.getByRole('option', { name: /mock/i }).click();
  await dialog.getByLabel("Provider's model").fill('echo');
  await expect(dialog.getByLabel('Public name')).toHaveValue('echo');
  await dialog.getByLabel('Public name').fill(name);
  await dialog.getByRole('button', { name: 'Price, timeout, limits and more' }).click();
  await dialog.getByLabel('Input price').fill('abc');
  await dialog.getByRole('button', { name: 'Add model' }).click();
  await expect(dialog.getByText('Write USD per million tokens')).toBeVisible();
  await dialog.getByLabel('Input price').fill('0.15');
  await dialog.getByLabel('Output price').fill('0.60');
  await dialog.getByRole('button', { name: 'Add model' }).click();

  const added = page.getByRole('dialog', { name: `${name} is added` });
  await added.getByLabel('Prompt').fill('are you there');
  // The proxy hears of the new deployment a moment later.
  await expect(async () => {
    await added.getByRole('button', { name: 'Run test call' }).click();
    await expect(added.getByRole('region', { name: 'Test result' })).toContainText('HTTP 200', { timeout: 3000 });
  }).toPass();
  await added.getByRole('button', { name: 'Close' }).last().click();

  await page.getByLabel('Search models').fill(name);
  const row = page.getByRole('row', { name: new RegExp(name) });
  await expect(row).toContainText('Dashboard');
  await expect(row).toContainText('$0.15 / $0.60');
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('alertdialog')).toContainText('only deployment');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete deployment' }).click();
  await expect(page.getByText('No model matches')).toBeVisible();
});
