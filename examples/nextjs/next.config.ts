import type { NextConfig } from 'next'

export default {
  // This folder, and not one above it that has a package-lock.json, too.
  turbopack: { root: import.meta.dirname },
  poweredByHeader: false,
} satisfies NextConfig
