import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// The binary under test and the browser, from the environment or where they
// usually are. The headless shell is Chromium without its windows, and costs half.
export const binary = process.env['LATCHKEY_BIN'] ?? fileURLToPath(new URL('../../bin/latchkey', import.meta.url))
const usual = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']
export const chromium = process.env['CHROMIUM_BIN'] ?? usual.find((path) => existsSync(path)) ?? '/usr/bin/chromium'

// missing says what these tests need and did not find; undefined: nothing.
export const missing =
  [
    [binary, 'the binary: run `make build`, or set LATCHKEY_BIN'],
    [chromium, 'Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM_BIN'],
  ]
    .filter(([path]) => !existsSync(path!))
    .map(([path, what]) => `${what} (not at ${path})`)
    .join('; ') || undefined
