import { type Browser, test as base, expect, type Page } from '@playwright/test'
import { type Engine, type Service, startService } from './service'
import { missing } from './setting'

interface Fixtures {
  /** A page of a person of their own: own cookies, own wallets. */
  person: () => Promise<Page>
}

// test starts one service for all tests of a file, and fails a test whose pages
// logged an error: a breach of the content security policy is one.
export const test = base.extend<Fixtures, { engine: Engine; service: Service }>({
  engine: ['sqlite', { option: true, scope: 'worker' }],
  service: [
    async ({ engine }, use) => {
      const service = await startService({}, engine)
      await use(service)
      await service.stop()
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ service }, use) => use(service.url),
  person: async ({ browser, service }, use) => {
    const open: Page[] = []
    const complaints: string[] = []
    await use(async () => {
      const page = await newPerson(browser, service.url)
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => {
        // A refusal of the API is logged by the browser itself, and a part of the
        // app that a test holds back by the app; they are no faults.
        if (message.type() === 'error' && !/^(Failed to load resource|TypeError: Failed to fetch dynamically imported)/.test(message.text())) complaints.push(message.text())
      })
      open.push(page)
      return page
    })
    await Promise.all(open.map((page) => page.context().close()))
    expect(complaints).toEqual([])
  },
})

// skipUnlessRunnable goes at the top of every file: Playwright counts a skip to
// the file that is being read when it is called.
export function skipUnlessRunnable(): void {
  test.skip(missing !== undefined, missing ?? '')
}

export async function newPerson(browser: Browser, baseURL: string): Promise<Page> {
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'Europe/Vienna' })
  return context.newPage()
}

// signInWithNewWallet makes this page a new person.
export async function signInWithNewWallet(page: Page): Promise<void> {
  await page.goto('/sign-in?return_to=/')
  await openWallets(page)
  await page.getByRole('button', { name: 'Create test wallet' }).click()
  await page.getByRole('button', { name: 'Sign to sign in' }).click()
  await expect(page.getByText('Signed in as')).toBeVisible()
}

// openWallets shows the wallets on the sign-in page.
export async function openWallets(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Continue with a wallet' }).click()
}

// beAtProvider fills the stand-in's form in and goes on.
export async function beAtProvider(page: Page, who: { name: string; email: string }): Promise<void> {
  await expect(page.getByText('Development stand-in')).toBeVisible()
  await page.getByLabel('Name', { exact: true }).fill(who.name)
  await page.getByLabel('E-mail').fill(who.email)
  await page.getByRole('button', { name: 'Continue' }).click()
}

export async function signOut(page: Page): Promise<void> {
  await page.goto('/account')
  await clickSignOut(page)
  await expect(page.getByText('You’re not signed in')).toBeVisible()
}

export async function clickSignOut(page: Page): Promise<void> {
  const item = page.getByRole('menuitem', { name: 'Sign out' })
  // The menu closes when a page that is still loading takes the focus.
  await expect(async () => {
    if (!(await item.isVisible())) await page.getByRole('button', { name: /^Your account/ }).click()
    await item.click({ timeout: 5_000 })
  }).toPass({ timeout: 120_000 })
}

// openPage goes to another page of the account, a team or the operator.
export async function openPage(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
}

export async function whoAmI(page: Page): Promise<{ id: string; display_name: string }> {
  const answer = await page.request.get('/v1/me')
  expect(answer.status()).toBe(200)
  return (await answer.json()) as { id: string; display_name: string }
}

// fits asserts that nothing is wider than the window.
export async function fits(page: Page): Promise<void> {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
  expect(content, `${page.url()} is wider than the window`).toBeLessThanOrEqual(window!)
}

// tryAgain presses the button of what could not be loaded, unless the page, woken
// by a change meanwhile, has asked again by itself.
export async function tryAgain(within: Pick<Page, 'getByRole'>): Promise<void> {
  await within
    .getByRole('button', { name: 'Try again' })
    .click({ timeout: 5_000 })
    .catch(() => undefined)
}

export { expect }
