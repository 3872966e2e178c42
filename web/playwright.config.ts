import { defineConfig } from '@playwright/test'
import { chromium, missing } from './e2e/setting'

if (missing && process.env['CI']) throw new Error(`browser tests cannot run without ${missing}`)
// The file is read by every worker; one word is enough.
if (missing && process.env['TEST_WORKER_INDEX'] === undefined) console.log(`browser tests skipped, for want of ${missing}`)

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/results',
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env['CI']),
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
})
