import { readFileSync } from 'node:fs'
import type { Page, Route } from '@playwright/test'
import { beAtProvider, expect, fits, openPage, openWallets, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { shoot } from './shoot'

skipUnlessRunnable()

// The API reference is a large library: on a busy machine it takes its time.
const rendering = { timeout: 60_000 }

// Layout shifts that are not felt (web.dev: below 0.1, in all). On a busy machine
// the lists of the account come one after the other.
const steady = { page: 0.05, lists: 0.1 }

const script = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
const hostile = {
  script,
  rtl: 'שלום רב, מרים בת־שבע',
  long: 'W'.repeat(200),
}
// A direction override that is never closed would turn around what is beside it.
const override = 'שלום \u202Eevil'

const pageMissing = readFileSync(new URL('../missing.html', import.meta.url), 'utf8')

// watchShift adds up how far the parts of each page that is opened jump.
async function watchShift(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const seen = { shift: 0 }
    Object.assign(window, { seen })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) seen.shift += entry.value
    }).observe({ type: 'layout-shift', buffered: true })
  })
}

const shift = (page: Page) => page.evaluate(() => (window as unknown as { seen: { shift: number } }).seen.shift)

test('every page has its pictures, fits a phone and a desk, and is accessible: signed out', async ({ person }) => {
  const page = await person()
  await page.goto('/')
  await expect(page.getByText('You’re not signed in')).toBeVisible()
  await shoot(page, 'home-signed-out')
  await page.goto('/sign-in')
  await expect(page.getByRole('button', { name: 'Continue with a wallet' })).toBeVisible()
  await shoot(page, 'sign-in')
  await page.goto('/sign-in?error=invalid_state')
  await openWallets(page)
  await page.getByRole('button', { name: 'Create test wallet' }).click()
  await expect(page.getByRole('button', { name: 'Sign to sign in' })).toBeVisible()
  await shoot(page, 'sign-in-step-2')
  await page.goto('/sign-in#email_token=a-token-nobody-gave')
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('This link does not work here')
  await page.getByRole('button', { name: 'Use a recovery code' }).click()
  await shoot(page, 'sign-in-stale-link')

  // Pages about what is not there.
  expect((await page.goto('/nothing/here'))?.status()).toBe(404)
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
  await shoot(page, 'no-such-page')
  await page.goto('/teams/xyz') // an address that is no team's
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
  expect((await page.goto('/v1/auth/google/callback?state=x&code=y'))?.status()).toBe(400)
  await shoot(page, 'refused-callback')
  await page.goto('/dev/mail')
  await shoot(page, 'dev-mail')
  await page.goto('/sign-in')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await expect(page.getByLabel('E-mail')).toBeVisible()
  await shoot(page, 'stand-in')
  await page.route('**/unbuilt', (route) => route.fulfill({ contentType: 'text/html', body: pageMissing }))
  await page.goto('/unbuilt')
  await expect(page.getByText('built without the web app')).toBeVisible()
  await shoot(page, 'pages-not-built')

  await page.goto('/docs')
  await expect(page.getByText('/v1/auth/siwe/challenge')).toBeVisible(rendering)
  await shoot(page, 'docs')
})

test('every page has its pictures, fits a phone and a desk, and is accessible: signed in', async ({ person, service }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(page, { name: 'Hana Novak', email: 'hana@gmail.com' })
  await expect(page.getByText('Google added')).toBeVisible()
  await shoot(page, 'account')
  await page.getByRole('button', { name: 'Ethereum wallet', exact: true }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await shoot(page, 'account-link-wallet')

  await page.goto('/')
  await page.getByLabel('Team name').fill('Day shift')
  await page.getByRole('button', { name: 'Create team' }).click()
  await page.getByRole('button', { name: 'Start team session' }).click()
  await openPage(page, 'Sessions')
  await expect(page.getByRole('table', { name: 'Team sessions' })).toBeVisible()
  await shoot(page, 'team')
  await openPage(page, 'Invitations')
  await page.getByLabel('Email or wallet address').fill('someone@example.com')
  await page.getByRole('button', { name: 'Invite' }).click()
  await expect(page.getByRole('table', { name: 'Open invitations' })).toBeVisible()
  await shoot(page, 'team-invitations')
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Day shift' })).toBeVisible()
  await shoot(page, 'home')
  await page.getByLabel('Language').selectOption('de')
  await expect(page.getByRole('link', { name: 'Day shift' })).toBeVisible()
  await shoot(page, 'home-german')
  await page.getByLabel('Sprache').selectOption('en')

  await page.goto('/admin')
  await expect(page.getByText('You are not an operator')).toBeVisible()
  await shoot(page, 'admin-refused')
  await service.admin('grant', '--user', (await whoAmI(page)).id)
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Sign-ins per day' })).toBeVisible()
  await shoot(page, 'admin')
})

test('what does not load says so, and the rest stays', async ({ person }) => {
  const page = await person()
  await page.route(/assets\/wallet-kinds.*\.js/, (route) => route.abort())
  await page.goto('/sign-in?return_to=/account')
  await openWallets(page)
  await expect(page.getByRole('alert').filter({ hasText: 'could not be loaded' })).toBeVisible()
  await shoot(page, 'sign-in-without-wallets')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name: 'Ugo', email: 'ugo@gmail.com' })
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()

  const down = (route: Route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 't', status: 500, code: 'internal', detail: 'd', request_id: 'req-7' },
    })
  await page.route(/\/v1\/me\//, down)
  await page.reload()
  // Each list has words, the request to tell somebody, and a way to try again.
  await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(3)
  await expect(page.getByText('req-7').first()).toBeVisible()
  await shoot(page, 'account-lists-fail')
  // The check-up says so where nothing else on the page does.
  await page.unroute(/\/v1\/me\//)
  await page.route(/\/v1\/me\/emails$/, down)
  await page.reload()
  const checkUp = page.getByRole('region', { name: 'Security check-up' })
  await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(1)
  await expect(checkUp).toContainText('req-7')
  await page.unroute(/\/v1\/me\/emails$/)
  await checkUp.getByRole('button', { name: 'Try again' }).click()
  await expect(checkUp).toContainText('1 verified email address')
  await page.route(/\/v1\/me\//, down)
  const devices = page.getByRole('region', { name: 'Devices' })
  await openPage(page, 'Devices')
  await expect(devices.getByRole('button', { name: 'Try again' })).toBeVisible()
  await page.unroute(/\/v1\/me\//)
  await devices.getByRole('button', { name: 'Try again' }).click()
  await expect(devices.getByRole('listitem')).toHaveCount(1)

  // Asked three times before the page gives up: an outage may be short.
  await page.route('**/v1/session', (route) => route.abort())
  await page.reload()
  await expect(page.getByRole('alert')).toContainText('The service can’t be reached')
  await page.unroute('**/v1/session')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()

  // A part of the app that is gone, as after an update.
  await page.route(/assets\/.*\.js/, (route) => route.abort())
  await page.getByRole('link', { name: 'API' }).click()
  await expect(page.getByRole('heading', { name: 'This page could not be displayed' })).toBeVisible()
  await page.unroute(/assets\/.*\.js/)
  await shoot(page, 'broken')
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.getByText('/v1/auth/siwe/challenge')).toBeVisible(rendering)
})

test('the page is light or dark as the browser is, or as was chosen, from the first paint on', async ({ person }) => {
  const page = await person()
  const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto('/')
  await expect(page.getByRole('note')).toContainText('Development server')
  expect(await scheme()).toBe('dark')
  await page.getByRole('button', { name: 'Switch to light theme' }).click()
  await expect(page.getByRole('button', { name: 'Switch to dark theme' })).toBeVisible()
  expect(await scheme()).toBe('light')
  await page.route(/assets\/.*\.js/, (route) => route.abort())
  await page.reload()
  expect(await scheme()).toBe('light')
})

test('nothing jumps while a page loads', async ({ person }) => {
  const page = await person()
  await watchShift(page)
  await page.goto('/sign-in?error=access_denied')
  await expect(page.getByRole('button', { name: 'Continue with a wallet' })).toBeVisible()
  expect(await shift(page)).toBeLessThan(steady.page)
  await signInWithNewWallet(page)
  await page.goto('/')
  await expect(page.getByText('You’re not a member of any team yet')).toBeVisible()
  expect(await shift(page)).toBeLessThan(steady.page)
  await page.goto('/account')
  await expect(page.getByRole('region', { name: 'Security check-up' })).toBeVisible()
  await expect(page.getByRole('table')).toHaveCount(1)
  expect(await shift(page)).toBeLessThan(steady.lists)
})

test('hostile names are inert and keep their place', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const headers = { Origin: new URL(page.url()).origin }
  expect((await page.request.patch('/v1/me', { data: { display_name: override }, headers })).status()).toBe(400)
  expect((await page.request.post('/v1/teams', { data: { name: override }, headers })).status()).toBe(400)
  for (const [kind, name] of Object.entries(hostile)) {
    expect((await page.request.patch('/v1/me', { data: { display_name: name }, headers })).status()).toBe(200)
    const made = await page.request.post('/v1/teams', { data: { name: name.slice(0, 100) }, headers })
    expect(made.status()).toBe(201)
    await page.goto('/')
    await expect(page.getByText('Signed in as')).toContainText(name)
    await expect(page.getByText('Team name')).toBeVisible()
    // What is beside a name is not pushed out of its card.
    const teams = page.getByRole('list', { name: 'Your teams' })
    const role = teams
      .getByRole('listitem')
      .filter({ hasText: name.slice(0, 100) })
      .getByText('owner')
    const [list, badge] = [await teams.boundingBox(), await role.boundingBox()]
    expect(badge!.x + badge!.width).toBeLessThanOrEqual(list!.x + list!.width)
    await shoot(page, `hostile-${kind}-home`, { axe: false })
    await page.goto('/account')
    await expect(page.getByRole('table', { name: 'Sign-in methods' })).toBeVisible()
    await shoot(page, `hostile-${kind}-account`, { axe: false })
    await page.goto(`/teams/${((await made.json()) as { id: string }).id}`)
    await page.getByRole('button', { name: 'Start team session' }).click()
    await openPage(page, 'Sessions')
    await expect(page.getByRole('table', { name: 'Team sessions' })).toBeVisible()
    await shoot(page, `hostile-${kind}-team`, { axe: false })
    await expect(page).not.toHaveTitle('owned')
  }
})

test('the longest German words fit the smallest phone', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.setViewportSize({ width: 320, height: 640 })
  await page.goto('/account')
  await page.getByLabel('Language').selectOption('de')
  await expect(page.getByRole('heading', { name: 'Wiederherstellungscodes' })).toBeVisible()
  await fits(page)
})
