import { expect, openWallets, skipUnlessRunnable, test } from './fixtures'
import { startService } from './service'
import { shoot } from './shoot'

skipUnlessRunnable()

const project = '0123456789abcdef0123456789abcdef'

test('wallets on phones are offered where a project is configured, and load only when chosen', async ({ browser, person }) => {
  const plain = await person()
  await plain.goto('/sign-in')
  await openWallets(plain)
  await expect(plain.getByRole('button', { name: 'Create test wallet' })).toBeVisible()
  await expect(plain.getByRole('button', { name: /WalletConnect/ })).toHaveCount(0)

  const service = await startService({ LATCHKEY_WALLETCONNECT_PROJECT_ID: project })
  const context = await browser.newContext({ baseURL: service.url, viewport: { width: 390, height: 844 } })
  const page = await context.newPage()
  const elsewhere: string[] = []
  page.on('request', (request) => new URL(request.url()).origin !== service.url && elsewhere.push(request.url()))
  const complaints: string[] = []
  page.on('console', (message) => message.text().includes('Content Security Policy') && complaints.push(message.text()))
  // The relay takes every call and says nothing more.
  const relay: string[] = []
  await page.routeWebSocket(/./, (socket) => {
    relay.push(socket.url())
    socket.onMessage((message) => {
      const { id } = JSON.parse(message.toString()) as { id: number }
      socket.send(JSON.stringify({ id, jsonrpc: '2.0', result: true }))
    })
  })
  await page.goto('/sign-in')
  await openWallets(page)
  const phone = page.getByRole('button', { name: /WalletConnect/ })
  await expect(phone).toBeVisible()
  expect(relay).toEqual([])
  await phone.click()
  await expect(page.getByRole('img', { name: 'QR code for your wallet' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'Open a wallet on this device' })).toHaveAttribute('href', /^wc:[0-9a-f]{64}@2\?/)
  expect(relay.length).toBeGreaterThan(0)
  for (const url of relay) expect(url).toContain(`projectId=${project}`)
  for (const url of relay) expect(new URL(url).host).toMatch(/^relay\.walletconnect\.(org|com)$/)
  await shoot(page, 'walletconnect')
  await page.getByRole('button', { name: 'Use another wallet' }).click()
  await expect(phone).toBeEnabled()
  await expect(page.getByRole('alert')).toHaveCount(0)
  expect(elsewhere).toEqual([])
  // It would also frame a page that tells the wallet which site asks; that stays
  // refused, for the text to sign names the site.
  expect(complaints.filter((text) => !text.startsWith("Framing 'https://verify.walletconnect.org/'"))).toEqual([])
  await context.close()
  await service.stop()
})
