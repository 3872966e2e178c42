import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { accessible } from './axe'
import { expect, signInWithNewWallet, skipUnlessRunnable, test } from './fixtures'

skipUnlessRunnable()

// The S256 challenge of RFC 7636, appendix B.
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

test('an application asks, is denied and allowed, and loses its access', async ({ person, service }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const answers: URL[] = []
  const application = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (url.pathname === '/callback') answers.push(url)
    response.setHeader('content-type', 'text/html').end('<link rel="icon" href="data:,">back at the application')
  })
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(application.address() as AddressInfo).port}`
  const back = `http://${host}/callback`
  const id = await service.client('--name', 'Grafana <b>', '--redirect-uri', 'http://127.0.0.1/callback')
  const query = new URLSearchParams({
    client_id: id,
    redirect_uri: back,
    response_type: 'code',
    scope: 'openid email',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  const ask = () => page.goto(`/oauth2/authorize?${query}`)

  const shown = await ask()
  expect(shown?.headers()['content-security-policy']).toContain("frame-ancestors 'none'")
  await expect(page.getByRole('heading', { name: 'Allow Grafana <b>?' })).toBeVisible()
  await expect(page.getByText('see your verified email addresses')).toBeVisible()
  await expect(page.getByText(host)).toBeVisible()
  await accessible(page)
  await page.getByRole('button', { name: 'Deny' }).click()
  await expect(page.getByText('back at the application')).toBeVisible()
  expect(answers.at(-1)?.searchParams.get('error')).toBe('access_denied')

  await ask()
  await page.getByRole('button', { name: 'Allow' }).click()
  await expect(page.getByText('back at the application')).toBeVisible()
  expect(answers.at(-1)?.searchParams.get('code')).toBeTruthy()
  expect(answers.at(-1)?.searchParams.get('state')).toBe('s')

  // It does not ask again, until its access is removed.
  const count = answers.length
  await ask()
  await expect.poll(() => answers.length).toBe(count + 1)
  await page.goto('/account/apps')
  await page.getByRole('button', { name: 'Remove the access of Grafana <b>' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove access' }).click()
  await expect(page.getByText('No application has access.')).toBeVisible()
  await ask()
  await expect(page.getByRole('button', { name: 'Allow' })).toBeVisible()

  // Another site cannot sign the person out: they are asked.
  await page.goto('/oauth2/logout')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('heading', { name: 'You’re signed out' })).toBeVisible()
  // Signing in again does not lead back to being asked.
  await expect(page.getByRole('banner').getByRole('link', { name: 'Sign in' })).toHaveAttribute('href', '/sign-in')
  application.closeAllConnections()
  application.close()
})

test('a device gets access by its code, and none where the person denies', async ({ person, service }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const id = await service.client('--name', 'Television <b>', '--public', '--grant', 'device_code')
  const begin = async () => {
    const answer = await page.request.post('/oauth2/device', { form: { client_id: id, scope: 'openid email' }, headers: { 'user-agent': 'Television/1.0' } })
    return (await answer.json()) as { device_code: string; user_code: string; verification_uri_complete: string }
  }
  const poll = async (code: string) => {
    const answer = await page.request.post('/oauth2/token', {
      form: { client_id: id, grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code },
    })
    return (await answer.json()) as { error?: string; access_token?: string }
  }

  // A link only fills in the code.
  const allowed = await begin()
  await page.goto(allowed.verification_uri_complete)
  await expect(page.getByRole('textbox', { name: 'Code' })).toHaveValue(allowed.user_code)
  await expect(page.getByText('Did someone send you this code')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByRole('heading', { name: 'Allow Television <b> on a device?' })).toBeVisible()
  for (const shown of ['see your verified email addresses', 'Television', '127.0.0.1', allowed.user_code]) {
    await expect(page.getByRole('main')).toContainText(shown)
  }
  await accessible(page)
  expect((await poll(allowed.device_code)).error).toBe('authorization_pending')
  await page.getByRole('button', { name: 'Allow this device' }).click()
  await expect(page.getByText('Device connected')).toBeVisible()
  expect((await poll(allowed.device_code)).access_token).toBeTruthy()

  const denied = await begin()
  await page.getByRole('button', { name: 'Enter another code' }).click()
  await page.getByRole('textbox', { name: 'Code' }).fill('BBBB-BBBB')
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'That code doesn’t work' })).toBeVisible()
  await page.getByRole('textbox', { name: 'Code' }).fill(denied.user_code.toLowerCase().replace('-', ' '))
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: 'Deny' }).click()
  await expect(page.getByText('Request denied')).toBeVisible()
  expect((await poll(denied.device_code)).error).toBe('access_denied')
})
