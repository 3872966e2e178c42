import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packages, root } from './packages.js'

// What npm would publish, installed in an empty folder.
const here = fileURLToPath(root)
const folder = mkdtempSync(join(tmpdir(), 'latchkey-pack-'))
const run = (command: string, args: string[], cwd = folder) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
// Not published with the rest: what an application has of its own.
const ofApplications = ['react', 'viem', 'wagmi', '@types/react', '@types/node', '@types/express']

let tarballs: string[]

beforeAll(() => {
  run('npm', ['pack', '--silent', '--pack-destination', folder, ...Object.keys(packages).flatMap((name) => ['--workspace', `packages/${name}`])], here)
  tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--legacy-peer-deps', ...tarballs.map((name) => `./${name}`)])
  const missing = new Set([...ofApplications, ...Object.values(packages).flatMap(({ peerDependencies = {} }) => Object.keys(peerDependencies))])
  for (const name of missing) {
    if (name.includes('/')) mkdirSync(join(folder, 'node_modules', name.split('/')[0]!), { recursive: true })
    symlinkSync(join(here, 'node_modules', name), join(folder, 'node_modules', name))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

const modules = Object.values(packages).flatMap(({ name, exports }) => Object.keys(exports).map((entry) => name + entry.slice(1)))

test('every entry can be imported', () => {
  expect(tarballs).toHaveLength(Object.keys(packages).length)
  const exported = run('node', ['--input-type=module', '-e', `for (const name of ${JSON.stringify(modules)}) console.log(name, Object.keys(await import(name)).length > 0)`])
  expect(exported.trim().split('\n').sort()).toEqual(modules.map((name) => `${name} true`).sort())
})

test('every entry has types', () => {
  writeFileSync(join(folder, 'all.ts'), modules.map((name, i) => `import * as it${i} from '${name}'\nexport const a${i}: object = it${i}`).join('\n'))
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', '--jsx', 'react-jsx']
  run('node', [join(here, 'node_modules/typescript-native/bin/tsc'), ...options, 'all.ts'])
})

test('no test and no source is published', () => {
  for (const tarball of tarballs) {
    const files = run('tar', ['-tzf', tarball]).trim().split('\n')
    expect(files.filter((file) => !/^package\/(dist\/[\w.-]+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(file))).toEqual([])
    expect(files).toContain('package/README.md')
    expect(files).toContain('package/LICENSE')
  }
})
