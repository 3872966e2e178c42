import { defineConfig } from '@playwright/test'
import { bin } from './e2e/postgres'
import type { Engine } from './e2e/service'
import { chromium, missing } from './e2e/setting'

if (!bin && process.env['CI']) throw new Error('browser tests cannot run without PostgreSQL: install it (Debian: apt-get install postgresql)')
if (missing && process.env['CI']) throw new Error(`browser tests cannot run without ${missing}`)
// The file is read by every worker; one word is enough.
if (missing && process.env['TEST_WORKER_INDEX'] === undefined) console.log(`browser tests skipped, for want of ${missing}`)

if (!bin && process.env['TEST_WORKER_INDEX'] === undefined) console.log('browser tests run on SQLite alone, for want of PostgreSQL')

export default defineConfig<object, { engine: Engine }>({
  testDir: 'e2e',
  outputDir: 'e2e/results',
  // Each has a service of its own. More of them would fight for the processor.
  workers: 2,
  fullyParallel: false,
  forbidOnly: Boolean(process.env['CI']),
  // Only what hangs is ended: a busy machine is slow, and that is no failure.
  timeout: 400_000,
  expect: { timeout: 120_000 },
  reporter: [['list']],
  // The three flows and passkeys run on both engines. All else here is of pages, which know no
  // engine; the API below them has tests of its own on both.
  projects: [
    { name: 'sqlite', use: { engine: 'sqlite' } },
    ...(bin
      ? [
          {
            name: 'postgres',
            testMatch: /(flows|link-request|passkeys)\.spec\.ts/,
            use: { engine: 'postgres' as const },
          },
        ]
      : []),
  ],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Vienna',
    actionTimeout: 120_000,
    // A trace costs a fifth of the tests' time: npm run e2e -- --trace retain-on-failure
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
})
