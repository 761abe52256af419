import { expect, signIn, test } from './dashboard';
import { MASTER_KEY, unique } from './services';

test('a viewer: generated password, own password, no way to change the gateway', async ({ admin: page, browser }) => {
  const email = `${unique('viewer')}@example.com`;
  await page.goto('/users?create=true');
  const dialog = page.getByRole('dialog', { name: 'Create user' });
  await dialog.getByLabel('Email').fill('not an address');
  await dialog.getByRole('button', { name: 'Create user' }).click();
  await expect(dialog.getByText('Write an email address')).toBeVisible();
  await dialog.getByLabel('Email').fill(email);
  await dialog.getByRole('button', { name: 'Create user' }).click();
  const password = await page.getByTestId('generated-password').innerText();
  await page.getByRole('button', { name: 'Done' }).click();

  const theirs = await browser.newContext();
  const viewer = await theirs.newPage();
  await viewer.goto('/login');
  await viewer.getByLabel('Email').fill(email);
  await viewer.getByLabel('Password').fill('wrong password');
  await viewer.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(viewer.getByRole('alert')).toContainText('Email or password is wrong');
  await viewer.getByLabel('Password').fill(password);
  await viewer.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(viewer.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await viewer.goto('/keys');
  await expect(viewer.getByRole('heading', { name: 'API keys', level: 1 })).toBeVisible();
  await expect(viewer.getByRole('button', { name: 'Create key' })).toHaveCount(0);

  await viewer.getByRole('button', { name: /Viewer/ }).click();
  await viewer.getByRole('menuitem', { name: 'Change password' }).click();
  const change = viewer.getByRole('dialog', { name: 'Change password' });
  await change.getByLabel('Current password').fill('not this one');
  await change.getByLabel('New password', { exact: true }).fill('a much better password');
  await change.getByLabel('New password again').fill('a much better password');
  await change.getByRole('button', { name: 'Change password' }).click();
  await expect(change.getByLabel('Current password')).toHaveAttribute('aria-invalid', 'true');
  await change.getByLabel('Current password').fill(password);
  await change.getByRole('button', { name: 'Change password' }).click();
  await expect(viewer.getByText('Password changed')).toBeVisible();

  // The session ends under the open page: a dialog over it, the page as it was.
  await viewer.getByLabel('Search keys').fill('kept');
  await expect(viewer).toHaveURL(/q=kept/);
  await theirs.clearCookies();
  await viewer.getByRole('button', { name: 'State', exact: true }).click();
  await viewer.getByRole('menuitemradio', { name: 'Active' }).click();
  const again = viewer.getByRole('dialog', { name: 'Sign in again' });
  await expect(again.getByLabel('Email')).toHaveValue(email);
  await viewer.keyboard.press('Escape');
  await expect(again).toBeVisible();
  await again.getByLabel('Password').fill('a much better password');
  await again.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(again).toBeHidden();
  await expect(viewer.getByLabel('Search keys')).toHaveValue('kept');
  await expect(viewer.getByText('No key matches')).toBeVisible();
  await theirs.close();

  await page.getByLabel('Search users').fill(email);
  await page.getByRole('button', { name: `Actions for ${email}` }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete user' }).click();
  await expect(page.getByText('No user matches')).toBeVisible();
});

test('a member sees what to ask for, and nothing else', async ({ admin: page, browser }) => {
  const email = `${unique('member')}@example.com`;
  const made = await page.request.post('/api/v1/users', { data: { email, role: 'member' } });
  const { id, password } = await made.json();
  const theirs = await browser.newContext();
  const member = await theirs.newPage();
  await member.request.post('/api/v1/session', { data: { email, password } });
  await member.goto('/keys');
  await expect(member.getByRole('heading', { name: 'You are signed in as a member' })).toBeVisible();
  await expect(member.getByRole('navigation').getByRole('link')).toHaveCount(0);
  await theirs.close();
  await page.request.delete(`/api/v1/users/${id}`);
});

test('a change that meets a lost session is sent again after signing in', async ({ admin: page, context }) => {
  const name = unique('resent');
  await page.goto('/teams?create=true');
  const dialog = page.getByRole('dialog', { name: 'Create team' });
  await dialog.getByLabel('Name').fill(name);
  await context.clearCookies();
  await dialog.getByRole('button', { name: 'Create team' }).click();
  await expect(page.getByRole('dialog', { name: 'Sign in again' })).toBeVisible();
  await signIn(page);
  // Signed in elsewhere in this browser is not enough for the page: it waits for its own form.
  await expect(page.getByRole('dialog', { name: 'Sign in again' })).toBeVisible();
  await page.getByRole('dialog', { name: 'Sign in again' }).getByLabel('Master key').fill(MASTER_KEY);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByText(`${name} created`)).toBeVisible();
  await expect(page.getByRole('row', { name: new RegExp(name) })).toBeVisible();
  const { data } = await (await page.request.get(`/api/v1/teams?q=${name}`)).json();
  await page.request.delete(`/api/v1/teams/${data[0].id}`);
});

test('the theme: system, light, dark, kept over a reload', async ({ admin: page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/');
  const html = page.locator('html');
  await expect(html).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('button', { name: 'Theme: System' }).click();
  await page.getByRole('menuitem', { name: 'Light' }).click();
  await expect(html).toHaveAttribute('data-theme', 'light');
  await page.reload();
  await expect(html).toHaveAttribute('data-theme', 'light');
  await page.getByRole('button', { name: 'Theme: Light' }).click();
  await page.getByRole('menuitem', { name: 'System' }).click();
  await expect(html).toHaveAttribute('data-theme', 'dark');
});
