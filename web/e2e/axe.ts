import AxeBuilder from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

// accessible asserts that axe finds nothing serious on the page as it is.
export async function accessible(page: Page): Promise<void> {
  // What fades in is fainter than it will be.
  await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity))
  // No page here has frames. Looking for some costs as much as the rest, and so do the
  // reports of what passed.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true)
    .options({ resultTypes: ['violations'] })
    .analyze()
  const bad = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.html.slice(0, 200)) }))
  expect(bad, `axe on ${page.url()}`).toEqual([])
}
