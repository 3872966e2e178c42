// Next.js knows its own modules by these names, which have no extension and no entry in its
// package.json: a bundler finds them, and TypeScript does in the mode of Node.js by this.
declare module 'next/headers' {
  export * from 'next/headers.js'
}
declare module 'next/navigation' {
  export * from 'next/navigation.js'
}
