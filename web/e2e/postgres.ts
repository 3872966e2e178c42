import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// PostgreSQL for these tests: the server of LATCHKEY_TEST_DATABASE_URL, or one
// of their own that ends with this process, as internal/testkit/testpg has it.
const given = process.env['LATCHKEY_TEST_DATABASE_URL']
const debian = '/usr/lib/postgresql'

function binaries(): string | undefined {
  const places = (process.env['PATH'] ?? '').split(':')
  if (existsSync(debian)) {
    const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a))
    places.push(...versions.map((version) => join(debian, version, 'bin')))
  }
  return places.find((dir) => ['initdb', 'pg_ctl', 'postgres', 'createdb'].every((program) => existsSync(join(dir, program))))
}

export const bin = binaries()

// PostgreSQL refuses to run as root.
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // No such user.
    }
  }
  throw new Error('running as root, and there is no user postgres or nobody to run PostgreSQL as')
}

async function startPrivate(): Promise<string> {
  const dir = mkdtempSync('/tmp/e2epg-')
  const user = unprivileged()
  if (user) chownSync(dir, user.uid, user.gid)
  const supervise = readFileSync(new URL('../../internal/testkit/testpg/supervise.sh', import.meta.url), 'utf8')
  // It stops the server and removes the directory when our end of its standard
  // input is gone, however we end.
  const child = spawn('/bin/sh', ['-c', supervise, 'e2epg', bin!, dir], {
    cwd: dir,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    ...user,
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('ready\n')) resolve()
    })
    child.once('exit', () => reject(new Error(`PostgreSQL did not start: ${said}`)))
  })
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  ;(child.stdout as unknown as { unref(): void }).unref()
  return `postgres:///postgres?host=${dir}&user=postgres&sslmode=disable`
}

let server: Promise<string> | undefined

// freshDatabase answers the URL of a new, empty database.
export async function freshDatabase(): Promise<string> {
  server ??= given ? Promise.resolve(given) : startPrivate()
  const url = await server
  const name = `e2e_${randomBytes(8).toString('hex')}`
  execFileSync(join(bin!, 'createdb'), [`--maintenance-db=${url}`, name], { stdio: 'pipe' })
  return url.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${name}`)
}
