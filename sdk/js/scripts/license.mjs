// Copies the license into each package, where npm packs it.
import { copyFile, readdir } from 'node:fs/promises'

const packages = new URL('../packages/', import.meta.url)
for (const name of await readdir(packages)) await copyFile(new URL('../../../LICENSE', import.meta.url), new URL(`${name}/LICENSE`, packages))
