import type { Route } from '@playwright/test'
import { accessible } from './axe'
import { beAtProvider, expect, newPerson, openPage, openWallets, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { letterTo } from './mail'
import { startService } from './service'
import { shoot } from './shoot'

skipUnlessRunnable()

// What a wallet of the browser does before the page's own scripts run.
const injected = (answer: 'declines' | 'connects') => `
  let account = '0x' + '12'.repeat(20)
  const listeners = []
  window.turnTo = (other) => { account = other; for (const listener of listeners) listener([other]) }
  const connects = ${JSON.stringify(answer)} === 'connects'
  const provider = { on: (event, listener) => { if (event === 'accountsChanged') listeners.push(listener) }, removeListener() {}, request: ({ method }) => {
    if (method === 'eth_chainId') return Promise.resolve('0x1')
    if (method === 'wallet_requestPermissions' && connects) return Promise.resolve([{ caveats: [{ value: [account] }] }])
    if (method === 'eth_requestAccounts' && connects || method === 'eth_accounts') return Promise.resolve(connects ? [account] : [])
    return Promise.reject({ code: 4001, message: 'User rejected the request.' })
  } }
  const icon = 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1" fill="purple"/></svg>')
  const say = (info) => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: { info: { icon, ...info }, provider } }))
  const announce = () => {
    say({ uuid: 'w1', name: 'Violet Wallet', rdns: 'example.violet' })
    for (const rdns of ['io.one', 'io.two']) say({ uuid: rdns, name: 'Twin', rdns })
  }
  addEventListener('eip6963:requestProvider', announce)
  announce()
`

for (const answer of ['declines', 'connects'] as const) {
  test(`a wallet that ${answer === 'declines' ? 'declines to connect' : 'connects but declines to sign'} leaves the page quiet`, async ({ person }) => {
    const page = await person()
    await page.addInitScript(injected(answer))
    await page.goto('/sign-in')
    await openWallets(page)
    const violet = page.getByRole('button', { name: 'Violet Wallet' })
    await expect(violet.locator('img')).toBeVisible()
    await violet.click()
    if (answer === 'connects') await page.getByRole('button', { name: 'Sign to sign in' }).click()
    await expect(page.getByRole('button', { name: answer === 'connects' ? 'Sign to sign in' : 'Violet Wallet' })).toBeEnabled()
    await expect(page.getByRole('alert')).toHaveCount(0)
    if (answer === 'declines') return expect(page.getByRole('button', { name: /^Twin/ })).toHaveText(['Twin (io.one)', 'Twin (io.two)'])

    // The wallet turns to another account, which is not signed with by mistake.
    await page.evaluate("turnTo('0x' + '34'.repeat(20))")
    await expect(page.getByRole('alert')).toContainText('switched to another account')
    await expect(page.getByRole('button', { name: 'Sign to sign in' })).toHaveCount(0)
    await page.getByRole('button', { name: 'Connect again' }).click()
    await expect(page.getByText('Connected: Violet Wallet, 0x3434…3434')).toBeVisible()
    await expect(page.getByRole('alert')).toHaveCount(0)
  })
}

test('cancelling at a provider comes back in words, and to the page that was asked for', async ({ person }) => {
  const page = await person()
  // No one is signed in who could confirm anything.
  await page.goto('/account?stepped_up=google&error=access_denied')
  await expect(page).toHaveURL(/\/sign-in\?return_to=%2Faccount/)
  await page.getByRole('link', { name: 'Continue with GitHub' }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('alert')).toContainText('You cancelled at the provider')
  await expect(page.getByText('Last used')).toHaveCount(0)
  await page.getByRole('link', { name: 'Continue with GitHub' }).click()
  await beAtProvider(page, { name: 'Dan', email: 'dan@example.com' })
  await expect(page).toHaveURL(/\/account\/sign-in-methods$/)
  await page.goto('/sign-in')
  await expect(page.getByRole('link', { name: 'Continue with GitHub Last used' })).toBeVisible()
})

test('a provider that is down is explained on the page that led to it', async ({ browser }) => {
  const service = await startService({ LATCHKEY_GOOGLE_CLIENT_ID: 'x', LATCHKEY_GOOGLE_CLIENT_SECRET: 'x', LATCHKEY_GOOGLE_ISSUER: 'http://127.0.0.1:1' })
  const page = await newPerson(browser, service.url)
  await page.goto('/sign-in?return_to=/teams/x')
  const [answer] = await Promise.all([page.waitForResponse('**/v1/auth/google/start?*'), page.getByRole('link', { name: 'Continue with Google' }).click()])
  expect(answer.status()).toBe(503)
  const alert = page.getByRole('alert')
  await expect(alert).toContainText('The provider cannot be reached right now')
  await expect(alert.locator('code')).toHaveText(/^[A-Z2-7]{26}$/)
  await expect(page).toHaveURL(/\/sign-in\?error=provider_unavailable&return_to=%2Fteams%2Fx$/)
  await accessible(page)
  await shoot(page, 'sign-in-provider-down')

  // Another sign-in method is there, and leads to the same page.
  await openWallets(page)
  await page.getByRole('button', { name: 'Create test wallet' }).click()
  await page.getByRole('button', { name: 'Sign to sign in' }).click()
  await expect(page).toHaveURL(/\/teams\/x$/)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('The provider cannot be reached right now')
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()

  const context = await browser.newContext({ baseURL: service.url, javaScriptEnabled: false, locale: 'de-AT' })
  const bare = await context.newPage()
  await bare.goto('/sign-in')
  await bare.getByRole('link', { name: 'Weiter mit Google' }).click()
  await expect(bare.getByRole('alert')).toContainText('google')
  await expect(bare.getByRole('link', { name: 'Weiter mit GitHub' })).toBeVisible()
  await context.close()
  await service.stop()
})

test('a stale session confirms by a wallet it has, then goes on to link', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  // The page believes that the proof is an hour old; the service knows better.
  let aged = true
  await page.route('**/v1/session', async (route) => {
    const response = await route.fetch()
    const body = (await response.json()) as { session?: { authenticated_at: string } }
    if (aged && body.session) body.session.authenticated_at = new Date(Date.now() - 3_600_000).toISOString()
    await route.fulfill({ response, json: body })
  })
  await page.goto('/account')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await expect(page.getByRole('dialog', { name: 'Verify it’s you' })).toBeVisible()
  aged = false
  await page.getByRole('button', { name: /^Test wallet 1/ }).click()
  await page.getByRole('button', { name: 'Sign to confirm' }).click()
  await beAtProvider(page, { name: 'Fay', email: 'fay@gmail.com' })
  await expect(page.getByText('Google added')).toBeVisible()
})

test('a stale session confirms at a provider and comes back to link the wallet', async ({ person }) => {
  const page = await person()
  await page.goto('/sign-in?return_to=/account')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name: 'Gus', email: 'gus@gmail.com' })
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  let refusals = 1
  await page.route('**/v1/auth/siwe/challenge', (route) =>
    refusals-- > 0
      ? route.fulfill({
          status: 403,
          contentType: 'application/problem+json',
          json: { type: 'about:blank', title: 't', status: 403, code: 'reauth_required', detail: 'd', request_id: 'r' },
        })
      : route.continue(),
  )
  await page.getByRole('button', { name: 'Ethereum wallet', exact: true }).click()
  await page.getByRole('button', { name: 'Create test wallet' }).click()
  await page.getByRole('button', { name: 'Sign to link' }).click()
  await page.getByRole('button', { name: 'Verify with Google' }).click()
  await beAtProvider(page, { name: 'Gus', email: 'gus@gmail.com' })
  await page.getByRole('button', { name: /^Test wallet 1/ }).click()
  await page.getByRole('button', { name: 'Sign to link' }).click()
  await expect(page.getByText('Ethereum wallet added')).toBeVisible()
})

test('a session ended elsewhere sends the page to sign in', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.goto('/account/profile')
  await page.getByLabel('Name', { exact: true }).fill('Nobody any more')
  const other = await page
    .context()
    .browser()!
    .newContext({ baseURL: new URL(page.url()).origin, storageState: await page.context().storageState() })
  const elsewhere = await other.newPage()
  await elsewhere.goto('/sign-in')
  await openWallets(elsewhere)
  await elsewhere.getByRole('button', { name: /^Test wallet 1/ }).click()
  // It takes the place of the session that this browser had.
  await elsewhere.getByRole('button', { name: 'Sign to sign in' }).click()
  await expect(elsewhere.getByRole('heading', { name: 'Your account' })).toBeVisible()
  await other.close()
  // The page that was open finds out by what its person does next.
  await page.getByRole('button', { name: 'Save profile' }).click()
  await expect(page).toHaveURL(/\/sign-in\?return_to=%2Faccount/)
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('a user reads how to become an operator, and then sees users', async ({ person, service }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const me = await whoAmI(page)
  await page.goto('/admin')
  await expect(page.getByText(`latchkey admin grant --user ${me.id}`)).toBeVisible()
  await service.admin('grant', '--user', me.id)
  await page.reload()
  await openPage(page, 'Users')
  await expect(page.getByRole('table', { name: 'Users' }).getByText('(you)')).toBeVisible()
  await openPage(page, 'Sessions')
  await expect(page.getByRole('table', { name: 'Sessions' }).getByText('(this device)')).toBeVisible()
})

test('a sign-in by any method leads to another application that is allowed, and to no other', async ({ browser }) => {
  const service = await startService({ LATCHKEY_ALLOWED_ORIGINS: 'https://app.example.com' })
  const page = await newPerson(browser, service.url)
  const theirs = (route: Route) => route.fulfill({ contentType: 'text/html', body: '<h1>Another application</h1>' })
  await page.route('https://app.example.com/**', theirs)
  await page.route(service.url + '/welcome*', theirs)
  const away = 'https://app.example.com/in?x=1#y'
  const signIn = (to: string) => '/sign-in?' + new URLSearchParams({ return_to: to }).toString()

  await page.goto(signIn(away))
  await expect(page.getByText('to continue to app.example.com')).toBeVisible()
  await openWallets(page)
  await page.getByRole('button', { name: 'Create test wallet' }).click()
  await page.getByRole('button', { name: 'Sign to sign in' }).click()
  await page.waitForURL(away)
  await page.goto(signIn(away))
  await page.getByRole('link', { name: 'Continue', exact: true }).click()
  await page.waitForURL(away)

  await page.goto(signIn(away))
  await page.getByLabel('Email address').fill('away@example.com')
  await page.getByRole('button', { name: 'Email me a sign-in link' }).click()
  const letter = await letterTo(page, 'away@example.com', 'email_token=')
  await page.goto('about:blank')
  await page.goto(/https?:\/\/\S*email_token=[\w-]+/.exec(letter)![0])
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
  await page.waitForURL(away)

  // What else the same origin serves is not for the app's own router.
  await page.goto(signIn('/welcome?x=1'))
  await page.getByRole('link', { name: 'Continue with GitHub' }).click()
  await beAtProvider(page, { name: 'Ria', email: 'ria@example.com' })
  await page.waitForURL('/welcome?x=1')
  await expect(page.getByRole('heading', { name: 'Another application' })).toBeVisible()

  await page.goto(signIn('https://app.example.com.evil.example/'))
  await expect(page.getByRole('link', { name: 'Continue', exact: true })).toHaveAttribute('href', '/account')
  await openWallets(page)
  await page.getByRole('button', { name: /^Test wallet 1/ }).click()
  await page.getByRole('button', { name: 'Sign to sign in' }).click()
  await expect(page).toHaveURL(/\/account\/sign-in-methods$/)
  await page.context().close()
  await service.stop()
})

test('a page of another site that begins a sign-in ends at a question while somebody is signed in', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.route('http://elsewhere.test/', (route) =>
    route.fulfill({ contentType: 'text/html', body: `<a href="${new URL('/v1/auth/google/start?return_to=/account', page.url()).href}">Win</a>` }),
  )
  await page.goto('http://elsewhere.test/')
  await page.getByRole('link', { name: 'Win' }).click()
  await expect(page.getByRole('alert')).toContainText('Another site asked to sign you in with Google')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name: 'Eve', email: 'eve@gmail.com' })
  await expect(page).toHaveURL(/\/account\/sign-in-methods$/)
})
