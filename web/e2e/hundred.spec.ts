import { type Browser, test as base, expect, type Page } from '@playwright/test'
import { fits, newPerson, skipUnlessRunnable } from './fixtures'
import { type Service, startService } from './service'
import { shoot } from './shoot'

skipUnlessRunnable()

// All of a file see one demonstration, which is not changed.
const test = base.extend<object, { demo: Service }>({
  demo: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from it
    async ({}, use) => {
      const service = await startService({}, 'sqlite', true)
      try {
        await use(service)
      } finally {
        await service.stop()
      }
    },
    { scope: 'worker' },
  ],
})

const desk = { width: 1280, height: 800 }
const widths = [320, 390, 800, 1024, 1440]

// open is a page of a person of the demonstration, and the address of their first page.
async function open(browser: Browser, service: Service, role: 'owner' | 'operator'): Promise<{ page: Page; at: string }> {
  const page = await newPerson(browser, service.url)
  await page.addInitScript(() => {
    const seen = { shift: 0 }
    Object.assign(window, { seen })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) seen.shift += entry.value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await page.goto(await service.demo(role))
  await page.waitForURL(/\/(overview|admin)/)
  return { page, at: role === 'operator' ? '/admin' : new URL(page.url()).pathname.replace(/\/[a-z]+$/, '') }
}

// keepsMeasure asserts that a loaded page jumps nowhere, is three screens at most at a
// desk, and at no width scrolls sideways or has a table that leaves its card. It waits for
// rows and never for a quiet network: a team's pages keep a stream open.
async function keepsMeasure(page: Page, name: string): Promise<void> {
  expect(await page.evaluate(() => (window as unknown as { seen: { shift: number } }).seen.shift), `layout shift of ${name}`).toBeLessThan(0.1)
  expect(await page.evaluate(() => document.documentElement.scrollHeight), `height of ${name}`).toBeLessThanOrEqual(3 * desk.height)
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 })
    await fits(page)
    const out = await page.evaluate(
      () =>
        [...document.querySelectorAll('table')].filter((table) => {
          const card = table.closest('section')
          return card !== null && table.getBoundingClientRect().right > card.getBoundingClientRect().right
        }).length,
    )
    expect(out, `tables beyond their card on ${name} at ${width}`).toBe(0)
  }
  await page.setViewportSize(desk)
}

for (const [role, pages] of [
  ['owner', ['sessions', 'members', 'invitations', 'audit', 'overview']],
  ['operator', ['users', 'teams', 'sessions', 'duplicates', 'audit', 'overview']],
] as const)
  test(`a team of a hundred fits every width and is three screens at most: ${role}`, async ({ browser, demo }) => {
    const { page, at } = await open(browser, demo, role)
    for (const name of pages) {
      await page.goto(`${at}/${name}`)
      const shown = name === 'overview' ? page.getByRole('region', { name: /per day$/ }) : page.getByRole('table').getByRole('row').nth(1)
      await expect(shown).toBeVisible()
      await keepsMeasure(page, name)
      if (name === 'overview' || name === 'sessions') await shoot(page, `demo-${role}-${name}`, { axe: name === 'sessions' })
    }
    await page.context().close()
  })
