import { expect, test } from './dashboard';
import { unique } from './services';

const SECRET = 'sk-e2e-0123456789-secret';

test('a credential is made, chosen by a model, rotated, and deleted when nothing uses it', async ({ admin: page }) => {
  const name = unique('credential');
  const model = unique('pooled');
  await page.goto('/credentials');
  await page.getByRole('button', { name: 'Create credential' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create credential' });
  await dialog.getByRole('button', { name: 'Create credential' }).click();
  await expect(dialog.getByText('Give the credential a name')).toBeVisible();
  await expect(dialog.getByText('API key is missing')).toBeVisible();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('API key').fill(SECRET);
  await dialog.getByRole('button', { name: 'Create credential' }).click();
  const row = page.getByRole('row', { name: new RegExp(name) });
  await expect(row).toContainText('sk-…cret');
  await expect(row).toContainText('Never');
  expect(await page.content()).not.toContain(SECRET);

  await test.step('a model of any provider that takes keys can use it', async () => {
    await page.goto('/models?add=true');
    const add = page.getByRole('dialog', { name: 'Add model' });
    await add.getByLabel('Provider', { exact: true }).click();
    await page.getByRole('option', { name: 'OpenAI', exact: true }).click();
    await add.getByLabel("Provider's model").fill('gpt-4o-mini');
    await add.getByLabel('Public name').fill(model);
    await add.getByRole('button', { name: 'Add model' }).click();
    await expect(add.getByText('Give a key, or choose a credential')).toBeVisible();
    await add.getByLabel('Credentials').fill(name);
    await page.getByRole('option', { name }).click();
    await add.getByRole('button', { name: 'Add model' }).click();
    await expect(page.getByRole('dialog', { name: `${model} is added` })).toBeVisible();
  });

  await test.step('it is rotated in one place', async () => {
    await page.goto(`/credentials?q=${name}`);
    await expect(row.getByRole('cell', { name: '1', exact: true })).toBeVisible();
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Rotate' }).click();
    const rotate = page.getByRole('dialog', { name: `Rotate ${name}` });
    await rotate.getByLabel('API key').fill('sk-e2e-0123456789-newer');
    await rotate.getByRole('button', { name: 'Rotate' }).click();
    await expect(row).toContainText('sk-…ewer');
    await expect(row).not.toContainText('Never');
  });

  await test.step('it stays while a model uses it', async () => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await expect(page.getByRole('alertdialog')).toContainText('1 model signs in with it');
    await page.getByRole('alertdialog').getByRole('button', { name: 'View models' }).click();
    await page.getByLabel('Search models').fill(model);
    await page.getByRole('button', { name: `Actions for ${model}` }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete deployment' }).click();
    await expect(page.getByText('No model matches')).toBeVisible();
    await page.goto(`/credentials?q=${name}`);
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete credential' }).click();
    await expect(page.getByText('No credential matches')).toBeVisible();
  });
});

test('each kind asks for its own fields', async ({ admin: page }) => {
  await page.goto('/credentials?create=true');
  const dialog = page.getByRole('dialog', { name: 'Create credential' });
  await dialog.getByLabel('Provider').click();
  await page.getByRole('option', { name: 'Google Vertex AI' }).click();
  await dialog.getByLabel('Kind').click();
  await page.getByRole('option', { name: 'Google credential file' }).click();
  await dialog.getByLabel('Name').fill('g');
  await dialog.getByLabel('JSON').fill('{"type":');
  await dialog.getByRole('button', { name: 'Create credential' }).click();
  await expect(dialog.getByText('This is not the JSON of a service account')).toBeVisible();
  await dialog.getByLabel('Provider').click();
  await page.getByRole('option', { name: 'AWS Bedrock' }).click();
  await dialog.getByLabel('Kind').click();
  await page.getByRole('option', { name: 'AWS access key' }).click();
  await expect(dialog.getByLabel('Secret access key')).toBeVisible();
});
