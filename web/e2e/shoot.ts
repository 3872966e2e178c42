import { type Page, test } from '@playwright/test'
import { accessible } from './axe'
import { fits } from './fixtures'

const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }

// shoot leaves pictures of a page in e2e/screenshots, at both sizes, in light and
// in dark, and asserts that it fits and that axe finds nothing serious. Colours
// do not depend on the size, nor the layout on the colours: two of the four are
// enough for axe. The second engine has the same pages, so there it is done once.
export async function shoot(page: Page, name: string): Promise<void> {
  const first = test.info().project.name === 'sqlite'
  for (const scheme of first ? (['light', 'dark'] as const) : (['light'] as const)) {
    await page.emulateMedia({ colorScheme: scheme })
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport)
      await fits(page)
      if ((scheme === 'light') === (size === 'desk')) await accessible(page)
      if (first) await page.screenshot({ path: `e2e/screenshots/${name}-${size}-${scheme}.png`, fullPage: true, animations: 'disabled' })
    }
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(sizes.desk)
}
