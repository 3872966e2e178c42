import { type Page, test } from '@playwright/test'
import { accessible } from './axe'
import { fits } from './fixtures'

// Colours do not depend on the size, nor the layout on the colours: each once is enough.
const looks = [
  { size: 'desk', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { size: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
] as const

// shoot leaves pictures of a page in e2e/screenshots, at a desk in light and on a
// phone in dark, and asserts that it fits and that axe finds nothing serious: unless
// only its names differ from those of a page that axe has seen. The second engine has
// the same pages, so there it does nothing.
export async function shoot(page: Page, name: string, { axe = true } = {}): Promise<void> {
  if (test.info().project.name !== 'sqlite') return
  for (const { size, viewport, colorScheme } of looks) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize(viewport)
    await fits(page)
    if (axe) await accessible(page)
    await page.screenshot({ path: `e2e/screenshots/${name}-${size}.png`, fullPage: true, animations: 'disabled' })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(looks[0].viewport)
}
