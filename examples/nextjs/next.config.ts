import type { NextConfig } from 'next'

export default {
  // This folder, not one above it that also has a package-lock.json.
  turbopack: { root: import.meta.dirname },
  poweredByHeader: false,
} satisfies NextConfig
