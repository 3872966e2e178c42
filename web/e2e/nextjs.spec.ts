import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, test as base, expect, type Page } from '@playwright/test'
import { beAtProvider, openPage, openWallets } from './fixtures'
import { binary, missing } from './setting'

// The Next.js example as its README has it started: one command, on another site than
// Latchkey. It was built by `make example-nextjs`.
const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const built = join(examples, 'nextjs/.next')
const why = missing ?? (existsSync(join(built, 'BUILD_ID')) ? undefined : 'examples/nextjs is not built: run `make example-nextjs`')

interface Example {
  app: string
  latchkey: string
  /** Runs something while Latchkey takes requests and does not answer them. */
  whileLatchkeyHangs(run: () => Promise<void>): Promise<void>
}

const test = base.extend<{ open: () => Promise<Page> }, { example: Example }>({
  example: [
    async ({ browserName: _ }, use) => {
      const [port, base] = [await freePort(), await freePort(2)]
      const env = { ...process.env, LATCHKEY_BIN: binary, LATCHKEY_PORT: `${port}`, PORT_BASE: `${base - 7}`, LATCHKEY_RATE_LIMITS: '10' }
      const child = spawn(join(examples, 'start'), ['nextjs'], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
      let log = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-8000)))
      const example: Example = {
        app: `http://127.0.0.1:${base}`,
        latchkey: `http://localhost:${port}`,
        async whileLatchkeyHangs(run) {
          await signalLatchkey(child, 'SIGSTOP')
          try {
            await run()
          } finally {
            await signalLatchkey(child, 'SIGCONT')
          }
        },
      }
      try {
        await expect(async () => {
          expect(child.exitCode, log).toBeNull()
          expect((await fetch(example.app)).status).toBe(200)
        }).toPass({ timeout: 120_000 })
        await use(example)
      } finally {
        const exited = new Promise((resolve) => child.once('exit', resolve))
        if (child.exitCode === null && child.kill('SIGTERM')) await exited
      }
    },
    { scope: 'worker' },
  ],
  open: async ({ browser, example }, use) => {
    const pages: Page[] = []
    await use(async () => {
      const page = await newPage(browser, example.app)
      pages.push(page)
      return page
    })
    await Promise.all(pages.map((page) => page.context().close()))
  },
})

test.skip(why !== undefined, why ?? '')

async function newPage(browser: Browser, baseURL: string): Promise<Page> {
  return (await browser.newContext({ baseURL })).newPage()
}

// freePort returns a port that is free, with the one that is so many before it.
async function freePort(before = 0): Promise<number> {
  for (;;) {
    const port = await listenOnce(0)
    if (port && (!before || (await listenOnce(port - before)))) return port
  }
}

// listenOnce returns the port that it could listen on, 0 if it could not.
async function listenOnce(port: number): Promise<number> {
  const server = createServer()
  if (!(await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))))) return 0
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return address === null || typeof address === 'string' ? 0 : address.port
}

// signalLatchkey stops the service alone, or lets it go on: of the processes that the
// command started, the one that serves.
async function signalLatchkey(child: ChildProcess, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  for (const pid of (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ')) {
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    if (line.includes('serve')) process.kill(Number(pid), signal)
  }
}

// onboard completes the sign-up that the proxy leads new people to.
async function onboard(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { name: /^Welcome/ })).toBeVisible()
  await page.goto('/dashboard')
  await expect(page).toHaveURL(/\/signup$/)
  await page.getByLabel('Your company').fill('Acme')
  await page.getByRole('button', { name: 'Complete onboarding' }).click()
  await expect(page.getByRole('heading', { name: 'Dashboard' })).toBeVisible()
}

test('a person signs in with Google, links a wallet, and signs in with it', async ({ open, example }) => {
  const page = await open()
  await page.goto('/')
  await page.getByRole('link', { name: 'Sign in with Google' }).click()
  await beAtProvider(page, { name: 'Ada', email: 'ada@gmail.com' })
  await onboard(page)
  await expect(page.getByText('Signed in as Ada (ada@gmail.com)')).toBeVisible()
  await expect(page.getByLabel('Session')).toHaveText('authenticated: 0 wallets')
  const { id } = (await (await page.request.get('/api/me')).json()) as { id: string }
  // A server of another origin knows the person by an access token.
  await page.getByRole('link', { name: 'What the API knows' }).click()
  await expect(page.getByLabel('User')).toHaveText(id)
  await page.goBack()
  const cookies = (await page.context().cookies(example.app)).filter(({ name }) => name.startsWith('latchkey-session'))
  expect(cookies).toHaveLength(1)
  expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Lax' })

  await page.getByRole('link', { name: 'Link a wallet' }).click()
  await page.getByRole('button', { name: 'Ethereum wallet', exact: true }).click()
  await page.getByRole('button', { name: 'Create test wallet' }).click()
  await page.getByRole('button', { name: 'Sign to link' }).click()
  await expect(page.getByText('Ethereum wallet added')).toBeVisible()
  await page.goto('/dashboard')
  await page.getByRole('button', { name: 'Update' }).click()
  await expect(page.getByLabel('Session')).toHaveText('authenticated: 1 wallets')
  await expect(page.getByRole('list', { name: 'Wallets' }).getByRole('listitem')).toHaveText(/^0x/)

  // Other tabs follow.
  const tab = await page.context().newPage()
  await tab.goto(`${example.app}/`)
  await expect(tab.getByRole('link', { name: 'Dashboard' })).toBeVisible()
  await page.getByText('Ada', { exact: true }).first().click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('link', { name: 'Sign in', exact: true })).toBeVisible()
  await expect(page).toHaveURL(`${example.app}/`)
  await expect(tab.getByRole('link', { name: 'Sign in', exact: true })).toBeVisible()
  await tab.close()
  expect((await page.request.get('/api/me')).status()).toBe(401)

  await page.getByRole('link', { name: 'Sign in with a wallet' }).click()
  await openWallets(page)
  await page.getByRole('button', { name: /^Test wallet 1/ }).click()
  await page.getByRole('button', { name: 'Sign to sign in' }).click()
  await expect(page.getByText('Signed in as Ada')).toBeVisible()
  expect(await (await page.request.get('/api/me')).json()).toEqual({ id, team: null })
})

test('a team: switch to it, act by a role, and lose the session to its panel', async ({ open, example }) => {
  const page = await open()
  await page.goto('/dashboard')
  await page.getByRole('link', { name: 'Continue with GitHub' }).click()
  await beAtProvider(page, { name: 'Bob', email: 'bob@example.com' })
  await onboard(page)
  await page.getByLabel('Title').fill('My own')
  await page.getByRole('button', { name: 'Add report' }).click()
  await expect(page.getByRole('list', { name: 'Reports' })).toContainText('My own')

  const panel = await page.context().newPage()
  await panel.goto(example.latchkey)
  await panel.getByLabel('Team name').fill('Night shift')
  await panel.getByRole('button', { name: 'Create team' }).click()
  await expect(panel.getByRole('heading', { name: 'Night shift' })).toBeVisible()
  // A webhook says so to the application.
  await expect(async () => {
    await page.reload()
    await page.getByRole('button', { name: 'Switch to Night shift' }).click({ timeout: 2_000 })
  }).toPass()
  await expect(page.getByText('Active in Night shift as owner')).toBeVisible()
  await page.getByLabel('Title').fill('Holders')
  await page.getByRole('button', { name: 'Add report' }).click()
  await page.getByRole('button', { name: 'Delete Holders' }).click()
  await expect(page.getByRole('list', { name: 'Reports' })).toBeEmpty()

  // What the admins of the team end has ended here, long before the next check.
  await openPage(panel, 'Sessions')
  const sessions = panel.getByRole('table', { name: 'Team sessions' })
  await sessions
    .getByRole('row', { name: /Bob/ })
    .getByRole('button', { name: /^End the session/ })
    .click()
  await panel.getByRole('button', { name: 'End session', exact: true }).click()
  await expect.poll(async () => (await page.request.get('/api/me')).status(), { timeout: 50_000 }).toBe(401)
  await page.reload()
  await expect(page.getByText('No team')).toBeVisible()
  await panel.close()
})

test('who signed in a while ago verifies that it is them', async ({ open }) => {
  const page = await open()
  await page.goto('/dashboard/billing')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name: 'Cleo', email: 'cleo@gmail.com' })
  await onboard(page)
  await page.goto('/dashboard/billing')
  await expect(page.getByRole('heading', { name: 'Billing, verified by google' })).toBeVisible()
})

test('a server action does nothing for those who only know its name', async ({ open, request, example }) => {
  const page = await open()
  await page.goto('/dashboard')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name: 'Dan', email: 'dan@gmail.com' })
  await onboard(page)
  await page.getByLabel('Title').fill('By hand')
  const called = page.waitForRequest((sent) => 'next-action' in sent.headers())
  await page.getByRole('button', { name: 'Add report' }).click()
  const sent = await called
  await expect(page.getByRole('list', { name: 'Reports' })).toContainText('By hand')
  const headers = { 'next-action': sent.headers()['next-action']!, origin: example.app, 'content-type': sent.headers()['content-type']!, accept: 'text/x-component' }
  const send = (path: string) => request.post(example.app + path, { headers, data: sent.postDataBuffer()!, maxRedirects: 0 })
  const refused = await send('/dashboard')
  expect([refused.status(), refused.headers()['location']]).toEqual([303, '/api/auth/signin?redirectTo=%2Fdashboard'])
  // By way of a public page, Next.js sends it on to the page of the action, and makes nothing of what the proxy answers.
  const empty = await send('/')
  expect([empty.status(), await empty.text()]).toEqual([200, '{}'])
  await page.reload()
  await expect(page.getByRole('list', { name: 'Reports' }).getByRole('listitem')).toHaveCount(1)
})

test('no secret and no code of the server is in what browsers get', async () => {
  const files = await readdir(join(built, 'static'), { recursive: true, withFileTypes: true })
  const scripts = files.filter((file) => file.isFile() && /\.(js|css|txt|json|map)$/.test(file.name))
  expect(scripts.length).toBeGreaterThan(5)
  for (const file of scripts) {
    const text = await readFile(join(file.parentPath, file.name), 'utf8')
    for (const secret of ['never-in-a-bundle', 'AUTH_SECRET', 'AUTH_LATCHKEY_SECRET', 'A256GCM', '/oauth2/token', 'whsec_']) {
      expect(text.includes(secret), `${file.name} has ${secret}`).toBe(false)
    }
  }
})

test('while Latchkey hangs pages that need a person say so, and others work', async ({ open, example }) => {
  const page = await open()
  await page.goto('/dashboard')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name: 'Eve', email: 'eve@gmail.com' })
  await onboard(page)
  await example.whileLatchkeyHangs(async () => {
    await page.getByRole('button', { name: 'Update' }).click()
    await expect(page.getByLabel('Session')).toHaveText(/^unavailable/)
    expect((await page.goto('/'))?.status()).toBe(200)
    await expect(page.getByRole('heading', { name: 'On-chain analytics for your team' })).toBeVisible()
    // Somebody who is not signed in is not sent to where no one answers.
    const other = await open()
    expect((await other.goto('/dashboard'))?.status()).toBe(503)
    await expect(other.getByRole('heading', { name: 'Sign-in is unavailable' })).toBeVisible()
  })
  await page.goto('/dashboard')
  await page.getByRole('button', { name: 'Update' }).click()
  await expect(page.getByLabel('Session')).toHaveText('authenticated: 0 wallets')
})
