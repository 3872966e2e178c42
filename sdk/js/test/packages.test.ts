import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { packages, root } from './packages.js'

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }

test('there is one version', () => {
  for (const { name, version: its, dependencies = {}, peerDependencies = {} } of Object.values(packages)) {
    expect([name, its]).toEqual([name, version])
    for (const [dependency, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
      if (dependency.startsWith('@latchkey/')) expect([name, dependency, range]).toEqual([name, dependency, version])
    }
  }
  const elsewhere = [
    ['../go/pack_test.go', /^const version = "v([^"]+)"/m],
    ['../python/pyproject.toml', /^version = "([^"]+)"/m],
    ['../../api/openapi.yaml', /^ {2}version: (\S+)/m],
  ] as const
  for (const [path, pattern] of elsewhere) {
    expect([path, pattern.exec(read(path))?.[1]]).toEqual([path, version])
  }
})

test('packages depend on nothing but jose and openapi-fetch', () => {
  for (const [folder, { dependencies = {} }] of Object.entries(packages)) {
    for (const dependency of Object.keys(dependencies)) expect([folder, dependency]).toEqual([folder, expect.stringMatching(/^(jose|openapi-fetch|@latchkey\/.+)$/)])
  }
})

test('the lock names packages, and no place that they came from', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved": "(?!packages\/)/)
})

// That it is the code of that file is checked with the other documents.
test('the code of the pages is taken from files, which are compiled here', () => {
  for (const folder of Object.keys(packages)) {
    const page = read(`packages/${folder}/README.md`)
    const taken = page.match(/^<!-- from sdk\/js\/(packages|test)\/\S+ -->\n```tsx?$/gm)
    expect([folder, taken?.length]).toEqual([folder, page.match(/^```tsx?$/gm)?.length])
  }
})
