// Leaves a brotli and a gzip copy beside every text asset, so that the server
// compresses nothing at run time, and tells what the first page loads.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
const worthIt = 1024
// The most script, in bytes of gzip, that the sign-in page may load at first.
const mostScript = 150 * 1024

const sizes = new Map()
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name)
  if (!entry.isFile() || !/\.(js|css|svg|json)$/.test(entry.name)) continue
  const plain = await readFile(file)
  const gzip = gzipSync(plain, { level: 9 })
  const brotli = brotliCompressSync(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
  })
  sizes.set(file.slice(dist.length), { plain: plain.length, gzip: gzip.length, brotli: brotli.length })
  if (plain.length < worthIt) continue
  await writeFile(`${file}.gz`, gzip)
  await writeFile(`${file}.br`, brotli)
}

const index = await readFile(join(dist, 'index.html'), 'utf8')
const first = [...index.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((m) => m[1])
const kilobytes = (n) => `${(n / 1024).toFixed(1)} KB`
for (const kind of ['js', 'css']) {
  const total = { gzip: 0, brotli: 0 }
  for (const name of first.filter((f) => f.endsWith(kind))) {
    total.gzip += sizes.get(name)?.gzip ?? 0
    total.brotli += sizes.get(name)?.brotli ?? 0
  }
  console.log(`first load, ${kind}: ${kilobytes(total.gzip)} gzip, ${kilobytes(total.brotli)} brotli`)
  if (kind === 'js' && total.gzip > mostScript) {
    console.error(`first load has more script than ${kilobytes(mostScript)} (gzip): load what the sign-in page does not need later`)
    process.exitCode = 1
  }
}
// What speaks to wallets is loaded when it is needed, and not before.
const walletCode = /eip6963:|wallet_requestPermissions/
for (const name of first.filter((f) => f.endsWith('js'))) {
  if (!walletCode.test(await readFile(join(dist, name), 'utf8'))) continue
  console.error(`first load has wallet code in ${name}`)
  process.exitCode = 1
}
