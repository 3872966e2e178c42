import type { Page } from '@playwright/test'
import { expect, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'

skipUnlessRunnable()

// withAuthenticator gives a page a platform authenticator that keeps passkeys, verifies
// its person and answers at once, also what waits among the suggestions of a field.
async function withAuthenticator(page: Page): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable', { enableUI: false })
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
}

test('a passkey is added to an account, and is offered where the address is typed', async ({ person }) => {
  const page = await person()
  await withAuthenticator(page)
  await signInWithNewWallet(page)
  const before = await whoAmI(page)
  await page.goto('/account/sign-in-methods')
  await page.getByRole('group', { name: 'Add a sign-in method' }).getByRole('button', { name: 'Passkey', exact: true }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Blue key')
  await page.getByRole('button', { name: 'Create passkey' }).click()
  await expect(page.getByText('Passkey added')).toBeVisible()
  await expect(page.getByRole('row', { name: /Blue key/ })).toContainText('One device')

  await page.context().clearCookies()
  await page.goto('/sign-in?return_to=/')
  await expect(page.getByText('Signed in as')).toBeVisible()
  expect((await whoAmI(page)).id).toBe(before.id)
})
