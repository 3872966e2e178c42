import { expect, openWallets, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { shoot } from './shoot'
import { post } from './teams'

skipUnlessRunnable()

test('a person says what becomes of their team, leaves, and comes back with their data', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const before = await whoAmI(page)
  await post(page, '/v1/teams', { name: 'Night shift' })
  await page.goto('/account/profile')
  await page.getByRole('button', { name: 'Delete account' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('You are the only owner of 1 team')
  const confirm = dialog.getByRole('button', { name: 'Delete account' })
  await expect(confirm).toHaveCount(0)
  await dialog.getByLabel('Night shift').selectOption({ label: 'Delete the team' })
  await shoot(page, 'account-delete')
  await confirm.click()
  await expect(page.getByText('You are signed out everywhere.')).toBeVisible()
  await shoot(page, 'account-deleted')

  await page.goto('/sign-in?return_to=/account')
  await openWallets(page)
  await page.getByRole('button', { name: /^Test wallet 1/ }).click()
  await page.getByRole('button', { name: 'Sign to sign in' }).click()
  await expect(page.getByText('It will be erased on')).toBeVisible()
  await expect(page.getByRole('banner').getByRole('link', { name: 'Sign in' })).toHaveCount(0)
  await shoot(page, 'account-pending')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export my data' }).click()
  expect((await download).suggestedFilename()).toMatch(/\.json$/)
  await page.getByRole('button', { name: 'Restore account' }).click()
  await expect(page.getByRole('heading', { name: 'Your account', exact: true })).toBeVisible()
  expect((await whoAmI(page)).id).toBe(before.id)
  await page.goto('/')
  await expect(page.getByText('You’re not a member of any team yet')).toBeVisible() // that was final
})
