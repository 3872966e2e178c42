// Fails if a package that goes to browsers is larger than it promises: bundled with
// its dependencies, minified and compressed.
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

// React comes with the application.
const limits = { client: 6 * 1024, react: 3 * 1024 }

for (const [name, limit] of Object.entries(limits)) {
  const entry = new URL(`../packages/${name}/dist/index.js`, import.meta.url).pathname
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, minify: true, format: 'esm', target: 'es2022', external: ['react', 'react/jsx-runtime'], write: false })
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length
  console.log(`@latchkey/${name}: ${size} bytes of ${limit}, minified and compressed`)
  if (size > limit) process.exitCode = 1
}
