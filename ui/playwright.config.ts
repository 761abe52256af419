import { defineConfig } from '@playwright/test';
import { DASHBOARD_URL } from './e2e/services';

export default defineConfig({
  testDir: 'e2e',
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    baseURL: DASHBOARD_URL,
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    timezoneId: 'UTC',
    locale: 'en-GB',
    contextOptions: { reducedMotion: 'reduce' },
    // As root Chromium does not start with its process isolation switched on.
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
  },
});
