import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freshDatabase } from './postgres'
import { binary } from './setting'

export type Engine = 'sqlite' | 'postgres'

// Service is the real binary in development mode, on a port and a database of
// its own.
export interface Service {
  url: string
  /** Runs a command of `latchkey admin` and returns what it prints. */
  admin(...args: string[]): Promise<string>
  /** The address that signs in as one of the people of the demonstration. */
  demo(role: 'owner' | 'admin' | 'member' | 'operator'): Promise<string>
  /** Registers an application and returns its id. */
  client(...args: string[]): Promise<string>
  /** Imports users as an operator does, beside the service that runs. */
  import(csv: string): Promise<string>
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export async function startService(settings: Record<string, string> = {}, engine: Engine = 'sqlite', demo = false): Promise<Service> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-e2e-'))
  const port = await freePort()
  const url = `http://localhost:${port}`
  // Only what is named here: the binary refuses variables it does not know.
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    LATCHKEY_DATABASE_URL: engine === 'postgres' ? await freshDatabase() : `sqlite://${join(dir, 'e2e.db')}`,
    LATCHKEY_LISTEN: `127.0.0.1:${port}`,
    LATCHKEY_PUBLIC_URL: url,
    LATCHKEY_METRICS_LISTEN: 'off',
    LATCHKEY_RATE_LIMITS: '10', // all people of all tests have one address
    ...settings,
  }
  const child = spawn(binary, ['serve', '--dev', ...(demo ? ['--demo'] : [])], { env, cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  // Kept beside the log, whose beginning is dropped.
  const demos = new Map<string, string>()
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      for (const [, role, address] of log.matchAll(/^demo: (\w+) (\S+)\n/gm)) demos.set(role!, address!)
      log = log.slice(-8000)
    })
  await ready(url, child, () => log)
  return {
    url,
    async demo(role) {
      for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
        const address = demos.get(role)
        if (address) return address
        if (child.exitCode !== null) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`there is no demonstration for ${role}:\n${log}`)
    },
    async admin(...args) {
      return (await promisify(execFile)(binary, ['admin', ...args], { env, cwd: dir })).stdout
    },
    async client(...args) {
      const made = await promisify(execFile)(binary, ['client', 'create', ...args, '--json'], { env, cwd: dir })
      return (JSON.parse(made.stdout) as { client_id: string }).client_id
    },
    async import(csv) {
      const source = join(dir, 'users.csv')
      await writeFile(source, csv)
      return (await promisify(execFile)(binary, ['import', '--from', 'csv', '--source', source], { env, cwd: dir })).stdout
    },
    async stop() {
      if (child.exitCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGTERM')
        await exited
      }
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function ready(url: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + 120_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the service ended:\n${log()}`)
    try {
      if ((await fetch(`${url}/readyz`)).ok) return
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error(`the service did not become ready:\n${log()}`)
}
