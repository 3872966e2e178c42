import { en } from '..'

// add fills in areas of the English catalogue, which the first load leaves empty.
export function add(areas: Partial<typeof en.messages>): void {
  for (const [area, texts] of Object.entries(areas)) Object.assign(en.messages[area as keyof typeof areas], texts)
}
