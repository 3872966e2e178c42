import { test as base, expect, openWallets, skipUnlessRunnable, whoAmI } from './fixtures'
import { type Service, startService } from './service'

const test = base.extend<object, { service: Service }>({
  service: [
    async ({ engine }, use) => {
      const service = await startService({ LATCHKEY_SOLANA_NETWORKS: 'mainnet' }, engine)
      await use(service)
      await service.stop()
    },
    { scope: 'worker' },
  ],
})

skipUnlessRunnable()

test('a Solana wallet signs in, and another is added to the account', async ({ person }) => {
  const page = await person()
  await page.goto('/sign-in?return_to=/')
  await openWallets(page)
  await page.getByRole('button', { name: 'Create Solana test wallet' }).click()
  await page.getByRole('button', { name: 'Solana test wallet 1' }).click()
  await expect(page.getByText('Signed in as')).toBeVisible()
  const first = await whoAmI(page)

  // Again: the same account.
  await page.context().clearCookies()
  await page.goto('/sign-in?return_to=/')
  await openWallets(page)
  await page.getByRole('button', { name: 'Solana test wallet 1' }).click()
  await expect(page.getByText('Signed in as')).toBeVisible()
  expect((await whoAmI(page)).id).toBe(first.id)

  await page.goto('/account/sign-in-methods')
  await page.getByRole('group', { name: 'Add a sign-in method' }).getByRole('button', { name: 'Solana', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Create Solana test wallet' }).click()
  await dialog.getByRole('button', { name: 'Solana test wallet 2' }).click()
  await expect(page.getByText('Solana added')).toBeVisible()
  await expect(page.getByRole('row', { name: /^Solana/ })).toHaveCount(2)
})
