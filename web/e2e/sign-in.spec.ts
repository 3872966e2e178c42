import type { Locator } from '@playwright/test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { accessible } from './axe'
import { beAtProvider, expect, openWallets, signOut, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { startService } from './service'
import { shoot } from './shoot'

skipUnlessRunnable()

test('the links to providers work before any script has run, and stay where they are when it runs', async ({ person }) => {
  const page = await person()
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  await page.route(/\/assets\/.*\.js$/, async (route) => {
    await held
    await route.continue()
  })
  await page.goto('/sign-in?return_to=/teams/x', { waitUntil: 'commit' })
  const google = page.getByRole('link', { name: 'Continue with Google' })
  await expect(google).toBeVisible()
  await shoot(page, 'sign-in-first')
  const before = await google.boundingBox()
  const heading = await page.getByRole('heading', { name: 'Sign in' }).boundingBox()
  release()
  await expect(page.getByLabel('Email address')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Continue with a wallet' })).toBeVisible()
  expect(await page.getByRole('heading', { name: 'Sign in' }).boundingBox()).toEqual(heading)
  expect(await google.boundingBox()).toEqual(before)
  await shoot(page, 'sign-in-ready')
})

test('without any script a provider leads in and back', async ({ browser, service }) => {
  const context = await browser.newContext({ baseURL: service.url, javaScriptEnabled: false, locale: 'de-AT' })
  const page = await context.newPage()
  await page.goto('/sign-in?return_to=/account')
  expect(await page.content()).toContain('Diese Seite braucht JavaScript') // Chromium shows it only where it is switched off for good
  await expect(page.getByRole('link', { name: 'Weiter mit GitHub' })).toHaveCSS('border-top-width', '1px')
  await page.getByRole('link', { name: 'Weiter mit GitHub' }).click()
  await beAtProvider(page, { name: 'Pia', email: 'pia@example.com' })
  await expect(page).toHaveURL(/\/sign-in\?/)
  expect((await whoAmI(page)).display_name).toBe('Pia')
  await context.close()
})

test('a wallet that announces itself by EIP-6963 signs in, by keyboard alone', async ({ person }) => {
  const page = await person()
  const account = privateKeyToAccount(generatePrivateKey())
  const asked: string[] = []
  await page.exposeFunction('askWallet', async (method: string, params: [`0x${string}`]) => {
    asked.push(method)
    if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [account.address]
    if (method === 'eth_chainId') return '0x1'
    if (method === 'personal_sign') return account.signMessage({ message: { raw: params[0] } })
    return null
  })
  await page.addInitScript(`
    const provider = { on() {}, removeListener() {}, async request({ method, params }) {
      const answer = await window.askWallet(method, params ?? [])
      if (answer === null) throw Object.assign(new Error('no such method'), { code: -32601 })
      return answer
    } }
    const announce = (uuid, name) => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: { info: { uuid, name, icon: 'https://tracker.example/x.png', rdns: 'example.' + uuid }, provider } }))
    addEventListener('eip6963:requestProvider', () => { announce('good', 'Green Wallet'); announce('long', '\\u202Eevil <img src=x onerror=alert(1)>' + 'W'.repeat(200)) })
  `)
  await page.goto('/sign-in?return_to=/account')
  const tabTo = async (button: Locator) => {
    await expect(button).toBeVisible()
    for (let i = 0; i < 30 && !(await button.evaluate((element) => element === document.activeElement)); i++) await page.keyboard.press('Tab')
    await expect(button).toBeFocused()
  }
  const wallets = page.getByRole('button', { name: 'Continue with a wallet' })
  await expect(wallets).toBeVisible()
  // From the top of the page, by the keys alone.
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await tabTo(wallets)
  await page.keyboard.press('Enter')
  const green = page.getByRole('button', { name: 'Green Wallet' })
  await expect(green).toBeVisible()
  await expect(green.locator('img')).toHaveCount(0)
  await shoot(page, 'sign-in-wallets')
  await tabTo(green)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'Sign to sign in' })).toBeFocused()
  await accessible(page)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Your account', level: 1 })).toBeVisible()
  expect(asked).toContain('personal_sign')

  // The method is marked the next time, and nothing of the person is kept.
  await signOut(page)
  await page.goto('/sign-in')
  await expect(page.getByRole('region', { name: 'Sign in with a wallet' }).getByText('Last used')).toBeVisible()
  await expect(page.getByText('Last used')).toHaveCount(1)
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
  expect(kept.toLowerCase()).not.toContain(account.address.toLowerCase().slice(2))
})

test('the pages are those of the brand, and cannot be framed', async ({ browser, service }) => {
  const branded = await startService({ LATCHKEY_BRAND_NAME: 'Keys & <b>Locks</b>', LATCHKEY_BRAND_COLOR: '#ffcc00' })
  const context = await browser.newContext({ baseURL: branded.url })
  const page = await context.newPage()
  await page.goto('/sign-in')
  await expect(page.getByRole('link', { name: 'Keys & <b>Locks</b>' })).toBeVisible()
  await expect(page).toHaveTitle('Sign in · Keys & <b>Locks</b>')
  await page.getByLabel('Email address').fill('a@b.example')
  await accessible(page)
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Sign in', exact: true }).first()).toBeVisible()
  await shoot(page, 'brand')

  // No page shows ours in a frame: the browser refuses it to all of them.
  await page.route('https://evil.example/', (route) => route.fulfill({ contentType: 'text/html', body: `<iframe src="${service.url}/sign-in"></iframe>` }))
  await page.goto('https://evil.example/')
  const frame = await (await page.locator('iframe').elementHandle())!.contentFrame()
  await expect(async () => expect(await frame!.locator('h1', { hasText: 'Sign in' }).count()).toBe(0)).toPass()
  expect((await page.request.get(service.url + '/sign-in')).headers()).toMatchObject({
    'x-frame-options': 'DENY',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  })
  await context.close()
  await branded.stop()
})

test('a wallet that answers nonsense and a service that does not answer are explained', async ({ person }) => {
  const page = await person()
  await page.addInitScript(`
    const provider = { on() {}, removeListener() {}, request: ({ method }) => method === 'eth_chainId' ? Promise.resolve('0x1') : Promise.reject({ code: -32002 }) }
    addEventListener('eip6963:requestProvider', () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: { info: { uuid: 'u', name: 'Busy Wallet', icon: '', rdns: 'example.busy' }, provider } })))
  `)
  await page.goto('/sign-in?error=provider_unavailable')
  await expect(page.getByRole('alert')).toContainText('choose another sign-in method')
  await openWallets(page)
  await page.getByRole('button', { name: 'Busy Wallet' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'already has an open request' })).toBeVisible()
  await page.route('**/v1/auth/email/start', (route) =>
    route.fulfill({
      status: 429,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 't', status: 429, code: 'rate_limited', detail: 'd', request_id: 'r', retry_after: 7 },
    }),
  )
  await page.getByLabel('Email address').fill('a@b.example')
  await page.getByRole('button', { name: 'Email me a sign-in link' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'in 7 seconds' })).toBeVisible()
  await page.unroute('**/v1/auth/email/start')
  await page.route('**/v1/auth/email/start', (route) => route.abort())
  await page.getByRole('button', { name: 'Email me a sign-in link' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'Check your connection' })).toBeVisible()
  await accessible(page)
})
