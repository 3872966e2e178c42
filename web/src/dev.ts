// The server marks its development mode in the page it serves. Vite's own
// server serves the page unmarked, and is for development by nature.
export const isDev = import.meta.env.DEV || document.querySelector('meta[name="latchkey-dev"]')?.getAttribute('content') === 'true'
