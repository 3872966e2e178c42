import { readdirSync, readFileSync } from 'node:fs'

export const root = new URL('../', import.meta.url)

interface Manifest {
  name: string
  version: string
  exports: Record<string, unknown>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** What is published, by the name of its folder. */
export const packages: Record<string, Manifest> = Object.fromEntries(
  readdirSync(new URL('packages/', root)).map((name) => [name, JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, root), 'utf8')) as Manifest]),
)
