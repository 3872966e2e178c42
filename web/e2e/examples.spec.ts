import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@playwright/test'
import { newPerson, openWallets } from './fixtures'
import { binary, missing } from './setting'

test.skip(missing !== undefined, missing ?? '')

const script = fileURLToPath(new URL('../../examples/start', import.meta.url))

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)))
  if (free) await new Promise((resolve) => server.close(resolve))
  return free
}

// freePorts returns a port from which all that the examples are on are free.
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 15_000 + Math.floor(Math.random() * 10_000)
    const all = await Promise.all([0, 1, 3, 5, 53].map((n) => isFree(first + n)))
    if (all.every(Boolean)) return first
  }
}

// start starts examples by the one command that their pages name.
async function start(first: number, ...names: string[]): Promise<ChildProcess> {
  const env = { ...process.env, LATCHKEY_BIN: binary, LATCHKEY_PORT: String(first), PORT_BASE: String(first), GOFLAGS: '-trimpath -tags=netgo,osusergo' }
  const child = spawn(script, names, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-8000)
        if (said.includes('Interrupt to stop.')) resolve()
      })
    }
    child.once('exit', () => reject(new Error(`examples/start ended:\n${said}`)))
  })
  return child
}

test('people get to an application behind a proxy, and a backend knows them', async ({ browser }) => {
  const first = await freePorts()
  const [latchkey, backend, application, express] = [0, 1, 3, 5].map((n) => `http://localhost:${first + n}`) as [string, string, string, string]
  const examples = await start(first, 'go-gin', 'express-api', 'forward-auth')
  try {
    const page = await newPerson(browser, latchkey)
    await page.goto(`${application}/report?year=2026`)
    expect(page.url()).toContain(`${latchkey}/sign-in`)
    await openWallets(page)
    await page.getByRole('button', { name: 'Create test wallet' }).click()
    await page.getByRole('button', { name: 'Sign to sign in' }).click()
    await expect(page).toHaveURL(`${application}/report?year=2026`)
    const { id } = (await (await page.request.get(`${latchkey}/v1/me`)).json()) as { id: string }
    await expect(page.getByText(`User: ${id}`)).toBeVisible()

    const answer = await page.request.post(`${latchkey}/v1/token`, { data: { client_id: 'notes' }, headers: { origin: latchkey } })
    const { access_token } = (await answer.json()) as { access_token: string }
    const headers = { authorization: `Bearer ${access_token}` }
    for (const api of [backend, express]) {
      expect(await (await page.request.get(`${api}/api/me`, { headers })).json()).toEqual({ id, team: '', role: '' })
      expect((await page.request.get(`${api}/api/me`)).status()).toBe(401)
    }

    // The backend that asks Latchkey, by the key that the command made for it.
    expect((await page.request.delete(`${backend}/api/account/notes`, { headers })).status()).toBe(204)
    expect((await page.request.delete(`${latchkey}/v1/session`, { headers: { origin: latchkey } })).status()).toBe(204)
    expect((await page.request.delete(`${backend}/api/account/notes`, { headers })).status()).toBe(401)
    await page.goto(application)
    expect(page.url()).toContain(`${latchkey}/sign-in`)
    await page.context().close()
  } finally {
    const ended = new Promise((resolve) => examples.once('exit', resolve))
    examples.kill('SIGTERM')
    await ended
  }
  // Nothing that it started is left.
  for (const n of [0, 1, 3, 5, 53]) expect(await isFree(first + n)).toBe(true)
})
