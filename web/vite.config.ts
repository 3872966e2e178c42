import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// The service that `npm run dev` sends API calls to.
const service = process.env['LATCHKEY_URL'] ?? 'http://localhost:8080'

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // data: scripts and fonts are not in the policy, and small files compress
    // better as files of their own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The API reference is one large library, loaded on its own page only.
    chunkSizeWarningLimit: 1800,
  },
  server: {
    // The service takes writes from its own origin only, scheme and port included.
    proxy: Object.fromEntries(['/v1', '/dev', '/openapi.yaml', '/healthz'].map((path) => [path, { target: service, headers: { origin: new URL(service).origin } }])),
  },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'backends/*.test.mjs'] },
})
